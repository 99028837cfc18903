import { mkdir, stat } from "node:fs/promises";
import path from "node:path";
import { expect, test } from "vitest";
import { call, connect, startApp, startEmulator, tempDir } from "../support/world.ts";

const small = { prompt: "x", width: 64, height: 64 };

test("a relative path starts where the user of the client works, also after that changed", async () => {
  const emulator = await startEmulator();
  const { deps, dataDir } = await startApp(emulator.url);
  const [first, second] = [path.join(dataDir, "one"), path.join(dataDir, "two")];
  await Promise.all([mkdir(first), mkdir(second)]);
  let folder = first;
  let asked = 0;
  const folders = () => {
    asked += 1;
    return [folder];
  };
  const client = await connect(deps, { name: "editor", folders });

  const hero = await call(client, "generate_image", { ...small, save_to: "./public/hero.png" });
  folder = second;
  const moved = await call(client, "generate_image", { ...small, save_to: "./hero.png" });
  const cut = await call(client, "remove_background", { image: "hero.png" });
  await call(client, "list_tasks");

  expect(hero.text).toContain(`Saved to ${path.join(first, "public", "hero.png")}`);
  expect(moved.text).toContain(`Saved to ${path.join(second, "hero.png")}`);
  expect(cut.text).toMatch(/^Done/);
  expect((await stat(path.join(first, "public", "hero.png"))).size).toBeGreaterThan(0);
  // A call without a path needs no folder.
  expect(asked).toBe(3);
});

test("a folder that the operator did not allow stays closed, whatever the client says", async () => {
  const emulator = await startEmulator();
  const { deps, app } = await startApp(emulator.url);
  const outside = await tempDir();
  const client = await connect(deps, { name: "editor", folders: () => [outside] });

  const answer = await call(client, "generate_image", { ...small, save_to: "./hero.png" });

  expect(answer.isError).toBe(true);
  expect(answer.text).toMatch(/^save_to: /);
  expect(await app.tasks.count({})).toBe(0);
});

test("folder and model are asked for in one call, and nothing is made before both are known", async () => {
  const emulator = await startEmulator();
  const { deps, app, dataDir } = await startApp(emulator.url);
  const client = await connect(deps, {
    folders: () => [dataDir],
    elicit: () => ({ action: "accept", content: { answer: "sd_xl_base_1.0.safetensors" } }),
  });

  const made = await call(client, "generate_image", {
    ...small,
    model: "sd_xl_bsae_1.0.safetensors",
    save_to: "./hero.png",
  });

  expect(made.text).toContain(`Saved to ${path.join(dataDir, "hero.png")}`);
  expect(await app.tasks.count({})).toBe(1);
});
