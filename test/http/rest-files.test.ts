import { writeFile } from "node:fs/promises";
import path from "node:path";
import sharp from "sharp";
import { expect, test } from "vitest";
import type { EmulatorNode } from "../../src/emulator/node.ts";
import { filmGraph } from "../fixtures/exports/film.ts";
import { startEmulator, tempDir } from "../support/world.ts";
import { errorIn, made, type Rest, startRest } from "./rest-support.ts";

async function start(): Promise<Rest> {
  const emulator = await startEmulator();
  return startRest(emulator.url);
}

function picture(width = 96, height = 64) {
  const background = { r: 200, g: 40, b: 40, alpha: 1 };
  return sharp({ create: { width, height, channels: 4, background } });
}

async function upload(rest: Rest, bytes: Buffer, type = "image/png", as = "anna") {
  const body = new Uint8Array(bytes);
  return rest.request(
    "/api/v1/uploads",
    { method: "POST", body, headers: { "content-type": type } },
    as,
  );
}

async function uploaded(rest: Rest, bytes: Buffer, type?: string): Promise<string> {
  const answer = await upload(rest, bytes, type);
  return ((await answer.json()) as { id: string }).id;
}

test("an upload is an input, is shown in the record, and can be fetched", async () => {
  const rest = await start();

  const answer = await upload(rest, await picture().jpeg().toBuffer(), "image/jpeg");
  const sent = (await answer.json()) as { id: string };
  const task = await made(rest, { prompt: "a wolf", image: sent.id }, "img2img");
  const file = await rest.get(`/files/${sent.id}`);
  const preview = await rest.get(`/files/${sent.id}/preview`);

  expect(answer.status).toBe(201);
  expect(sent).toMatchObject({ width: 96, height: 64, mime_type: "image/png" });
  expect(task).toMatchObject({ state: "completed" });
  expect(task.inputs["image"]).toMatchObject({ id: sent.id, origin: "upload" });
  expect([file.status, file.headers.get("content-type")]).toEqual([200, "image/png"]);
  expect([preview.status, preview.headers.get("content-type")]).toEqual([200, "image/jpeg"]);
});

test("a form with one file is an upload too, with none or two it is not", async () => {
  const rest = await start();
  const send = async (files: number) => {
    const body = new FormData();
    body.set("note", "not a file");
    const bytes = new Uint8Array(await picture().png().toBuffer());
    for (let i = 0; i < files; i += 1) body.set(`file${i}`, new File([bytes], "a.png"));
    return rest.request("/api/v1/uploads", { method: "POST", body });
  };

  expect((await send(1)).status).toBe(201);
  expect((await send(0)).status).toBe(400);
  expect((await send(2)).status).toBe(400);
  const cut = await upload(rest, Buffer.from("--x"), "multipart/form-data; boundary=x");
  expect([cut.status, (await errorIn(cut)).code]).toEqual([400, "invalid_input"]);
});

test("what is no picture, too large or of another type is refused", async () => {
  const rest = await start();
  const svg = Buffer.from('<svg xmlns="http://www.w3.org/2000/svg"/>');
  const bomb = await picture(12_000, 12_000).png().toBuffer();
  const wide = await picture(100_001, 1_001).png().toBuffer();
  const cut = (await picture().png().toBuffer()).subarray(0, 100);
  const statusOf = async (bytes: Buffer, type?: string) => (await upload(rest, bytes, type)).status;

  expect(await statusOf(svg, "image/svg+xml")).toBe(400);
  expect(await statusOf(bomb)).toBe(400);
  expect(await statusOf(wide)).toBe(400);
  expect(await statusOf(cut)).toBe(400);
  expect(await statusOf(Buffer.alloc(0))).toBe(400);
  expect(await statusOf(svg, "text/html")).toBe(415);
  const huge = await upload(rest, Buffer.alloc(51_000_000));
  expect([huge.status, (await errorIn(huge)).code]).toEqual([413, "too_large"]);
});

test("another caller's upload is unknown: as a file and as an input", async () => {
  const rest = await start();
  const bytes = await picture().png().toBuffer();
  const id = await uploaded(rest, bytes);
  const unknown = `u${"0".repeat(64)}`;
  const asBen = async (each: string) => {
    const file = await rest.request(`/files/${each}`, {}, "ben");
    const task = await rest.request(
      "/api/v1/tasks",
      {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: JSON.stringify({ tool: "upscale", arguments: { image: each } }),
      },
      "ben",
    );
    const texts = [await file.text(), await task.text()].map((text) => text.replaceAll(each, "ID"));
    return [file.status, task.status, ...texts];
  };

  expect(await asBen(id)).toEqual(await asBen(unknown));
  expect((await asBen(id)).slice(0, 2)).toEqual([404, 404]);
  // The same bytes of his own are his own.
  await upload(rest, bytes, "image/png", "ben");
  expect((await rest.request(`/files/${id}`, {}, "ben")).status).toBe(200);
});

test("an upload stays when a task that used it is deleted", async () => {
  const rest = await start();
  const id = await uploaded(rest, await picture().png().toBuffer());
  const task = await made(rest, { image: id }, "upscale");

  await rest.request(`/api/v1/tasks/${task.id}`, { method: "DELETE" });

  expect((await rest.get(`/files/${id}`)).status).toBe(200);
});

test("a picture is cached for good by its content, and named after its words", async () => {
  const rest = await start();
  const task = await made(rest, { prompt: 'A fox, "sitting" in frischem Schnee\r\nX-Evil: 1' });
  const path = `/files/images/${task.images[0]?.id}`;

  const full = await rest.get(path);
  const etag = String(full.headers.get("etag"));
  const head = await rest.request(path, { method: "HEAD" });
  const same = await rest.get(path, { "if-none-match": `"x", W/${etag}` });
  const download = await rest.get(`${path}?download=1`);

  const bytes = await full.arrayBuffer();
  expect(full.headers.get("cache-control")).toBe("private, max-age=31536000, immutable");
  expect(full.headers.get("x-content-type-options")).toBe("nosniff");
  expect(full.headers.get("content-disposition")).toBe(
    `inline; filename="a-fox-sitting-in-frischem-schnee-x-evil-1-${task.images[0]?.id}.png"`,
  );
  expect(download.headers.get("content-disposition")).toMatch(/^attachment; /);
  expect(head.headers.get("content-length")).toBe(String(bytes.byteLength));
  expect((await head.arrayBuffer()).byteLength).toBe(0);
  expect([same.status, (await same.arrayBuffer()).byteLength]).toEqual([304, 0]);
});

test.for<[range: string, status: number, header: string | null, bytes: string]>([
  ["bytes=0-3", 206, "bytes 0-3/SIZE", "0-4"],
  ["bytes=4-", 206, "bytes 4-LAST/SIZE", "4-SIZE"],
  ["bytes=-4", 206, "bytes TAIL-LAST/SIZE", "TAIL-SIZE"],
  ["bytes=-99999999", 206, "bytes 0-LAST/SIZE", "0-SIZE"],
  ["bytes=8-99999999", 206, "bytes 8-LAST/SIZE", "8-SIZE"],
  ["bytes=99999999-", 416, "bytes */SIZE", "0-0"],
  ["bytes=-0", 416, "bytes */SIZE", "0-0"],
  ["bytes=0-1,4-5", 200, null, "0-SIZE"],
  ["bytes=5-2", 200, null, "0-SIZE"],
  ["lines=0-3", 200, null, "0-SIZE"],
  ["bytes=-", 200, null, "0-SIZE"],
])("of a picture, Range: %s is answered with %i", async ([range, status, header, part]) => {
  const rest = await start();
  const path = `/files/images/${await uploaded(rest, await picture().png().toBuffer())}`;
  const full = await rest.get(path);
  const whole = Buffer.from(await full.arrayBuffer());
  const filled = (text: string) =>
    text
      .replace("SIZE", String(whole.length))
      .replace("LAST", String(whole.length - 1))
      .replace("TAIL", String(whole.length - 4));
  const [from, to] = filled(part).split("-").map(Number);

  const answer = await rest.get(path, { range });
  const stale = await rest.get(path, { range, "if-range": '"another"' });

  expect(full.headers.get("accept-ranges")).toBe("bytes");
  expect(answer.status).toBe(status);
  expect(answer.headers.get("content-range")).toBe(header === null ? null : filled(header));
  expect(Buffer.from(await answer.arrayBuffer())).toEqual(whole.subarray(from, to));
  expect(stale.status).toBe(200);
});

async function sizeOf(answer: Response) {
  const { width, height, format } = await sharp(await answer.arrayBuffer()).metadata();
  return { width, height, format };
}

test("copies come in the format and width asked for, and never larger than the picture", async () => {
  const rest = await start();
  const task = await made(rest, { prompt: "a fox", width: 512, height: 256 });
  const path = `/files/${task.images[0]?.id}`;
  const small = await rest.get(`${path}?format=webp&width=128`);
  const large = await rest.get(`${path}?width=4000`);
  const preview = await rest.get(`${path}/preview`);

  expect(small.headers.get("content-type")).toBe("image/webp");
  expect(await sizeOf(small)).toEqual({ width: 128, height: 64, format: "webp" });
  expect(await sizeOf(large)).toEqual({ width: 512, height: 256, format: "png" });
  expect(await sizeOf(preview)).toEqual({ width: 512, height: 256, format: "jpeg" });
  const tags = [small, large, preview].map((answer) => answer.headers.get("etag"));
  expect(new Set(tags).size).toBe(3);
  for (const query of ["format=svg", "width=0", "width=1e3", "width=99999"]) {
    expect((await rest.get(`${path}?${query}`)).status, query).toBe(400);
  }
});

test("tricks with ids find nothing, and look the same as an unknown id", async () => {
  const rest = await start();
  const { images } = await made(rest, { prompt: "a fox" });
  const own = String(images[0]?.id);
  const tricks = [
    "t0123456789abcdef-1",
    `${own}%00`,
    `..%2F${own}`,
    `%2e%2e%2f%2e%2e%2fetc%2fpasswd`,
    `${own}%2F..%2F${own}`,
    `${own}.png`,
    own.toUpperCase(),
    `${own}-1`,
    "%E0%A4%A",
    "__proto__",
    `u${"f".repeat(64)}`,
  ];
  for (const trick of tricks) {
    const places = [`/files/images/${trick}`, `/files/${trick}`, `/files/${trick}/preview`];
    for (const path of places) {
      const answer = await rest.get(path);
      expect(answer.status, path).toBe(404);
      const { code, message } = await errorIn(answer);
      expect(code, path).toBe("not_found");
      expect(message, path).not.toMatch(/\n|\/tmp|\.ts:/);
    }
  }
  expect((await rest.request(`/files/${own}`, {}, "ben")).status).toBe(404);
  expect((await rest.request(`/files/${own}`, { method: "DELETE" })).status).toBe(404);
});

test("what is no picture is itself in full, and a picture of its kind where a small one is asked for", async () => {
  const film = Buffer.from("\x1aE\xdf\xa3\x9fB\x86\x81\x01B\x82\x84webm and frames", "latin1");
  const saveFilm: EmulatorNode = {
    info: {
      name: "SaveWEBM",
      input: { required: { images: ["IMAGE"] } },
      output: [],
      output_node: true,
    },
    run(_, { disk }) {
      disk.write("output", "a.webm", film);
      const images = [{ filename: "a.webm", subfolder: "", type: "output" }];
      return { outputs: [], ui: { images } };
    },
  };
  const models = { checkpoints: ["v1-5-pruned-emaonly-fp16.safetensors"] };
  const workflowsDir = await tempDir();
  await writeFile(path.join(workflowsDir, "film.json"), JSON.stringify(filmGraph("SaveWEBM")));
  const shown = async (withoutNodes: string[]) => {
    const emulator = await startEmulator({ extraNodes: [saveFilm], models, withoutNodes });
    const rest = await startRest(emulator.url, { world: { workflowsDir } });
    const { images } = await made(rest, { prompt: "a fox" }, "film");
    const [first] = images;
    const file = `/files/images/${first?.id}`;
    return {
      first,
      full: await rest.get(file),
      small: await sizeOf(await rest.get(`${file}?width=32`)),
    };
  };

  const still = await shown([]);
  const card = await shown(["ImageFromBatch"]);

  expect(still.first).toMatchObject({ width: 64, height: 64, mime_type: "video/webm" });
  expect(still.full.headers.get("content-type")).toBe("video/webm");
  expect(still.small).toMatchObject({ width: 32, height: 32 });
  expect(card.first).toMatchObject({ width: 512, height: 512 });
  expect(card.small).toMatchObject({ width: 32, height: 32 });
});
