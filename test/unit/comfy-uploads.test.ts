import { expect, test } from "vitest";
import { asked, impatientBackend } from "../support/comfy.ts";
import { startEmulator } from "../support/world.ts";

const sends = /\/upload\/image$/;

function uploader(url: string) {
  const backend = impatientBackend(url);
  const read = async () => Buffer.from("a picture");
  const upload = (sha256: string) => backend.upload(`${sha256}.png`, sha256, read, () => {});
  return { backend, upload };
}

test("a picture that many runs want is sent once", async () => {
  const emulator = await startEmulator();
  const { upload } = uploader(emulator.url);

  const names = await Promise.all(Array.from({ length: 32 }, () => upload("a")));
  names.push(await upload("a"));

  expect(new Set(names)).toEqual(new Set(["comfy-easel/a.png"]));
  expect(asked(emulator, "POST", sends)).toBe(1);
});

test("another picture is sent by itself", async () => {
  const emulator = await startEmulator();
  const { upload } = uploader(emulator.url);

  await Promise.all([upload("a"), upload("b")]);

  expect(asked(emulator, "POST", sends)).toBe(2);
});

test("a picture that could not be read is read again for the next who wants it", async () => {
  const emulator = await startEmulator();
  const { backend } = uploader(emulator.url);
  let reads = 0;
  const read = async () => {
    reads += 1;
    if (reads === 1) throw new Error("no such file");
    return Buffer.from("a picture");
  };

  await expect(backend.upload("a.png", "a", read, () => {})).rejects.toThrow("no such file");
  expect(await backend.upload("a.png", "a", read, () => {})).toBe("comfy-easel/a.png");
});

test("a picture is sent anew to a ComfyUI that was restarted", async () => {
  const emulator = await startEmulator();
  const { backend, upload } = uploader(emulator.url);
  await upload("a");

  await emulator.restart();
  await expect.poll(() => backend.isConnected).toBe(false);
  await upload("a");

  expect(asked(emulator, "POST", sends)).toBe(2);
});

test("an upload waits while ComfyUI is away", async () => {
  const emulator = await startEmulator();
  const { backend, upload } = uploader(emulator.url);
  await upload("a");
  await emulator.stop();
  await expect.poll(() => backend.isConnected).toBe(false);

  const later = upload("a");
  await emulator.restart();

  expect(await later).toBe("comfy-easel/a.png");
});
