import { randomBytes, randomUUID } from "node:crypto";
import sharp from "sharp";
import { expect, test } from "vitest";
import type { OutputFile } from "../../src/comfy/protocol.ts";
import {
  type Comfy,
  emptyImage,
  savedFiles,
  saveImage,
  startComfy,
  tinyGraph,
  uniquePrefix,
} from "./support.ts";
import { before, isSince, since } from "./versions.ts";

async function saved(comfy: Comfy, prefix = uniquePrefix()): Promise<OutputFile> {
  const { entry } = await comfy.run(tinyGraph(prefix));
  const [file] = savedFiles(entry);
  if (!file) throw new Error("nothing was saved");
  return file;
}

async function body(response: Response): Promise<Buffer> {
  return Buffer.from(await response.arrayBuffer());
}

function uniqueName(extension = "png"): string {
  return `contract-${randomUUID()}.${extension}`;
}

async function picture(channels: 3 | 4 = 3): Promise<Buffer> {
  const [r, g, b] = randomBytes(3);
  const background = { r: r ?? 0, g: g ?? 0, b: b ?? 0, alpha: 0.25 };
  return sharp({ create: { width: 20, height: 10, channels, background } })
    .png()
    .toBuffer();
}

test("a saved picture is served as it was written, with its name and what a cache needs", async () => {
  const comfy = await startComfy();
  const file = await saved(comfy);

  const response = await comfy.view(file);

  expect(response.status).toBe(200);
  expect(response.headers.get("content-type")).toBe("image/png");
  expect(response.headers.get("content-disposition")).toBe(`filename="${file.filename}"`);
  const sniffing = isSince("0.28.0") ? "nosniff" : null;
  expect(response.headers.get("x-content-type-options")).toBe(sniffing);
  expect(response.headers.get("accept-ranges")).toBe("bytes");
  expect(response.headers.get("etag")).toBeTruthy();
  const { width, height, format } = await sharp(await body(response)).metadata();
  expect([width, height, format]).toEqual([64, 48, "png"]);
});

test("the type defaults to output and a suffix of the name overrides it", async () => {
  const comfy = await startComfy();
  const { filename } = await saved(comfy);

  expect((await comfy.fetch(`/view?filename=${filename}`)).status).toBe(200);
  expect((await comfy.fetch(`/view?filename=${filename}&type=input`)).status).toBe(404);
  const annotated = encodeURIComponent(`${filename} [output]`);
  expect((await comfy.fetch(`/view?filename=${annotated}&type=input`)).status).toBe(200);
});

test.for([
  ["no name", "", 404],
  ["an empty name", "filename=", 400],
  ["an absolute name", "filename=/etc/passwd", 400],
  ["a name with dots", "filename=a..b", 400],
  ["an unknown type", "filename=a&type=zzz", 400],
  ["a folder outside", "filename=a&subfolder=../..", 403],
  ["a file that is not there", "filename=no-such-file.png", 404],
] as const)("%s is refused without a body", async ([, query, status]) => {
  const comfy = await startComfy();

  const response = await comfy.fetch(`/view?${query}`);

  expect([response.status, await response.text()]).toEqual([status, ""]);
});

test("a prefix with a slash makes a folder, and the folder part of a name is dropped", async () => {
  const comfy = await startComfy();
  const folder = uniquePrefix();

  const file = await saved(comfy, `${folder}/deep/pic`);

  expect(file).toEqual({ filename: "pic_00001_.png", subfolder: `${folder}/deep`, type: "output" });
  expect((await comfy.view(file)).status).toBe(200);
  const direct = await comfy.fetch(`/view?filename=${folder}/deep/pic_00001_.png`);
  expect(direct.status).toBe(404);
});

test("names count on from the highest there is and may carry the size", async () => {
  const comfy = await startComfy();
  const prefix = uniquePrefix();

  const first = await saved(comfy, prefix);
  const second = await saved(comfy, prefix);
  const sized = await saved(comfy, `${prefix}-%width%x%height%`);

  expect(first.filename).toBe(`${prefix}_00001_.png`);
  expect(second.filename).toBe(`${prefix}_00002_.png`);
  expect(sized.filename).toBe(`${prefix}-64x48_00001_.png`);
});

test("a prefix that leaves the folder fails when the node runs", async () => {
  const comfy = await startComfy();

  const { entry } = await comfy.run({ "1": emptyImage(), "2": saveImage(["1", 0], "../../x") });

  expect(entry.status?.status_str).toBe("error");
  expect(entry.status?.messages.at(-1)?.[1]["exception_message"]).toContain(
    "outside the output folder",
  );
});

test("a preview is the picture re-encoded at its size", async () => {
  const comfy = await startComfy();
  const file = await saved(comfy);

  for (const [preview, type] of [
    ["webp;80", "webp"],
    ["jpeg", "jpeg"],
    ["bmp", "webp"],
  ] as const) {
    const response = await comfy.view(file, `&preview=${preview}`);
    expect(response.headers.get("content-type")).toBe(`image/${type}`);
    const { format, width } = await sharp(await body(response)).metadata();
    expect([format, width]).toEqual([type, 64]);
  }
  const withAlpha = await comfy.view(file, "&preview=jpeg&channel=rgba");
  expect(withAlpha.headers.get("content-type")).toBe("image/webp");
});

test("a channel is served as a picture of its own", async () => {
  const comfy = await startComfy();
  const file = await saved(comfy);

  const rgb = await sharp(await body(await comfy.view(file, "&channel=rgb"))).metadata();
  const alpha = await sharp(await body(await comfy.view(file, "&channel=a"))).metadata();

  expect([rgb.format, rgb.channels]).toEqual(["png", 3]);
  expect([alpha.format, alpha.channels]).toEqual(["png", 4]);
});

test("a range of a file is served as such", async () => {
  const comfy = await startComfy();
  const { filename } = await saved(comfy);
  const whole = await body(await comfy.fetch(`/view?filename=${filename}`));

  const part = await comfy.fetch(`/view?filename=${filename}`, { headers: { range: "bytes=4-9" } });

  expect(part.status).toBe(206);
  expect(part.headers.get("content-range")).toBe(`bytes 4-9/${whole.length}`);
  expect(await body(part)).toEqual(whole.subarray(4, 10));
});

test("a saved picture carries its graph and the extra metadata", async () => {
  const comfy = await startComfy();
  const graph = tinyGraph();
  const extra_data = { extra_pnginfo: { workflow: { id: "ä" } } };

  const { entry } = await comfy.run(graph, { extra_data });
  const [file] = savedFiles(entry);
  const bytes = await body(await comfy.view(file as OutputFile));

  const texts = pngTexts(bytes);
  expect(JSON.parse(texts["prompt"] ?? "null")).toEqual(graph);
  expect(JSON.parse(texts["workflow"] ?? "null")).toEqual({ id: "ä" });
});

function pngTexts(bytes: Buffer): Record<string, string> {
  const texts: Record<string, string> = {};
  for (let at = 8; at < bytes.length; at += bytes.readUInt32BE(at) + 12) {
    const content = bytes.subarray(at + 8, at + 8 + bytes.readUInt32BE(at));
    if (bytes.toString("latin1", at + 4, at + 8) !== "tEXt") continue;
    const split = content.indexOf(0);
    texts[content.toString("latin1", 0, split)] = content.toString("latin1", split + 1);
  }
  return texts;
}

test("an upload is stored under its name and comes back byte for byte", async () => {
  const comfy = await startComfy();
  const [bytes, name] = [await picture(), uniqueName()];

  const response = await comfy.upload(bytes, name);
  const answer = (await response.json()) as OutputFile & { name: string };

  expect(response.status).toBe(200);
  expect(answer).toMatchObject({ name, subfolder: "", type: "input" });
  const stored = await comfy.fetch(`/view?filename=${name}&type=input`);
  expect(await body(stored)).toEqual(bytes);
});

test("the same bytes again keep the name, other bytes get a number, overwrite replaces", async () => {
  const comfy = await startComfy();
  const name = uniqueName();
  const numbered = name.replace(".png", " (1).png");
  const [first, second] = [await picture(), await picture(4)];
  const upload = async (bytes: Buffer, fields = {}) =>
    ((await (await comfy.upload(bytes, name, fields)).json()) as { name: string }).name;

  expect(await upload(first)).toBe(name);
  expect(await upload(first)).toBe(name);
  expect(await upload(second)).toBe(numbered);
  expect(await upload(second, { overwrite: "false" })).toBe(numbered);
  expect(await upload(second, { overwrite: "true" })).toBe(name);
  expect(await body(await comfy.fetch(`/view?filename=${name}&type=input`))).toEqual(second);
});

test("an upload may go into a folder or another place", async () => {
  const comfy = await startComfy();
  const [bytes, name, subfolder] = [await picture(), uniqueName(), uniquePrefix()];

  const answer = await (await comfy.upload(bytes, name, { subfolder, type: "temp" })).json();

  expect(answer).toEqual({ name, subfolder, type: "temp" });
  const stored = await comfy.fetch(`/view?filename=${name}&type=temp&subfolder=${subfolder}`);
  expect(stored.status).toBe(200);
});

test("what cannot be stored is refused", async () => {
  const comfy = await startComfy();
  const bytes = await picture();
  const status = async (name: string, fields = {}) =>
    (await comfy.upload(bytes, name, fields)).status;

  expect(await status(uniqueName(), { type: "elsewhere" })).toBe(500);
  expect(await status(uniqueName(), { subfolder: "../../.." })).toBe(400);
  expect(await status(`no-such-folder-${randomUUID()}/a.png`)).toBe(500);
  const form = new FormData();
  form.set("overwrite", "true");
  const noFile = await comfy.fetch("/upload/image", { method: "POST", body: form });
  expect([noFile.status, await noFile.text()]).toEqual([400, ""]);
});

test("an uploaded mask takes the pixels of its original and its own transparency", async () => {
  const comfy = await startComfy();
  const original = await saved(comfy);
  const name = uniqueName();
  const mask = await sharp({
    create: {
      width: 64,
      height: 48,
      channels: 4,
      background: { r: 255, g: 255, b: 255, alpha: 0 },
    },
  })
    .png()
    .toBuffer();
  const form = new FormData();
  form.set("image", new Blob([new Uint8Array(mask)]), name);
  form.set("original_ref", JSON.stringify(original));

  const response = await comfy.fetch("/upload/mask", { method: "POST", body: form });

  expect(await response.json()).toMatchObject({ name, type: "input" });
  const stored = await body(await comfy.fetch(`/view?filename=${name}&type=input`));
  const { channels } = await sharp(stored).metadata();
  const { data } = await sharp(stored).raw().toBuffer({ resolveWithObject: true });
  expect([channels, data[3]]).toEqual([4, 0]);
});

test("an uploaded picture is loaded by name, its transparency as a mask", async () => {
  const comfy = await startComfy();
  const name = uniqueName();
  await comfy.upload(await picture(4), name);

  const { entry } = await comfy.run({
    "1": { class_type: "LoadImage", inputs: { image: name } },
    "2": saveImage(["1", 0]),
    "3": { class_type: "MaskToImage", inputs: { mask: ["1", 1] } },
    "4": saveImage(["3", 0]),
  });

  const sizes = await Promise.all(
    ["2", "4"].map(async (node) => {
      const [file] = savedFiles(entry, node);
      const bytes = await body(await comfy.view(file as OutputFile));
      const { data, info } = await sharp(bytes).raw().toBuffer({ resolveWithObject: true });
      return { width: info.width, channels: info.channels, first: data[0] };
    }),
  );
  expect(sizes[0]).toMatchObject({ width: 20, channels: 3 });
  // 1 - alpha, alpha being a quarter.
  expect(Math.abs((sizes[1]?.first ?? 0) - 191)).toBeLessThan(3);
});

test("a picture without transparency has an empty mask of 64 by 64", async () => {
  const comfy = await startComfy();
  const name = uniqueName();
  await comfy.upload(await picture(3), name);

  const { entry } = await comfy.run({
    "1": { class_type: "LoadImage", inputs: { image: name } },
    "2": { class_type: "MaskToImage", inputs: { mask: ["1", 1] } },
    "3": saveImage(["2", 0]),
  });

  const [file] = savedFiles(entry, "3");
  const { data, info } = await sharp(await body(await comfy.view(file as OutputFile)))
    .raw()
    .toBuffer({ resolveWithObject: true });
  expect([info.width, info.height, data[0]]).toEqual([64, 64, 0]);
});

test("a result is loaded again with its place in brackets", async () => {
  const comfy = await startComfy();
  const { filename } = await saved(comfy);

  const { entry } = await comfy.run({
    "1": { class_type: "LoadImage", inputs: { image: `${filename} [output]` } },
    "2": saveImage(["1", 0]),
  });

  expect(entry.status?.status_str).toBe("success");
});

test("a file that was replaced is loaded anew, an unchanged one is cached", async () => {
  const comfy = await startComfy();
  const name = uniqueName();
  await comfy.upload(await picture(), name);
  const graph = {
    "1": { class_type: "LoadImage", inputs: { image: name } },
    "2": saveImage(["1", 0]),
  };
  await comfy.run(graph);
  const same = await comfy.run(graph);
  await comfy.upload(await picture(4), name, { overwrite: "1" });

  const changed = await comfy.run(graph);

  expect(same.entry.status?.messages[1]?.[1]["nodes"]).toEqual(["1", "2"]);
  expect(changed.entry.status?.messages[1]?.[1]["nodes"]).toEqual([]);
});

test("a preview node writes to the temporary folder under a name of its own", async () => {
  const comfy = await startComfy();
  const { entry } = await comfy.run({
    "1": emptyImage(),
    "2": { class_type: "PreviewImage", inputs: { images: ["1", 0] } },
  });

  const [file] = savedFiles(entry);

  expect(file?.type).toBe("temp");
  expect(file?.filename).toMatch(/^ComfyUI_temp_[a-z]{5}_00001_\.png$/);
  expect((await comfy.view(file as OutputFile)).status).toBe(200);
});

const svg = Buffer.from("<svg xmlns='http://www.w3.org/2000/svg'/>");

since("0.28.0")("what a browser might execute is served as a download", async () => {
  const comfy = await startComfy();
  const name = uniqueName("svg");
  await comfy.upload(svg, name);

  const plain = await comfy.fetch(`/view?filename=${name}&type=input`);

  expect(plain.headers.get("content-type")).toBe("application/octet-stream");
  expect(plain.headers.get("content-disposition")).toBe(`attachment; filename="${name}"`);
  expect(plain.headers.get("cache-control")).toBe(isSince("0.30.0") ? "no-store" : null);
});

before("0.28.0")("an SVG is served as one, a page without its type", async () => {
  const comfy = await startComfy();
  const [picture, page] = [uniqueName("svg"), uniqueName("html")];
  await comfy.upload(svg, picture);
  await comfy.upload(Buffer.from("<p>"), page);

  const headers = async (name: string) => {
    const response = await comfy.fetch(`/view?filename=${name}&type=input`);
    return ["content-type", "content-disposition"].map((key) => response.headers.get(key));
  };

  expect(await headers(picture)).toEqual(["image/svg+xml", `filename="${picture}"`]);
  expect(await headers(page)).toEqual(["application/octet-stream", `filename="${page}"`]);
});

test("an uploaded picture is loaded pixel by pixel as it is stored, whatever its profile", async () => {
  const comfy = await startComfy();
  const name = uniqueName();
  const wide = await sharp({ create: { width: 8, height: 8, channels: 3, background: "#e01020" } })
    .withIccProfile("p3")
    .png()
    .toBuffer();
  const pixel = async (bytes: Buffer) => [
    ...(await sharp(bytes, { ignoreIcc: true }).raw().toBuffer()).subarray(0, 3),
  ];
  await comfy.upload(wide, name);

  const { entry } = await comfy.run({
    "1": { class_type: "LoadImage", inputs: { image: name } },
    "2": saveImage(["1", 0]),
  });
  const [file] = savedFiles(entry);
  const result = await body(await comfy.view(file as OutputFile));

  expect(await pixel(wide)).not.toEqual([0xe0, 0x10, 0x20]);
  expect(await pixel(result)).toEqual(await pixel(wide));
  expect((await sharp(result).metadata()).hasProfile).toBe(false);
});
