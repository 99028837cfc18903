import { writeFile } from "node:fs/promises";
import path from "node:path";
import sharp from "sharp";
import { expect, test } from "vitest";
import { type Carried, readCarried, readCarriedFile } from "../../src/workflows/carried.ts";
import {
  exif,
  flac,
  glb,
  jpeg,
  mp4,
  png,
  pngText,
  webm,
  webp,
} from "../fixtures/editor/carriers.ts";
import { tempDir } from "../support/world.ts";

const prompt = { "1": { class_type: "KSampler", inputs: { seed: 7 } } };
const workflow = { nodes: [{ id: 1, type: "Note", widgets_values: ["grün"] }], links: [] };
const both: Carried = { prompt, workflow };
const [promptText, workflowText] = [prompt, workflow].map((each) => JSON.stringify(each)) as [
  string,
  string,
];
const texts = { prompt: promptText, workflow: workflowText };

const files: [string, Buffer][] = [
  [
    "PNG with plain and international texts",
    png(pngText.tEXt("prompt", promptText), pngText.iTXt("workflow", workflowText)),
  ],
  [
    "PNG with compressed texts",
    png(pngText.zTXt("prompt", promptText), pngText.iTXt("workflow", workflowText, true)),
  ],
  [
    "animated PNG of ComfyUI",
    png(pngText.comf("prompt", promptText), pngText.comf("workflow", workflowText)),
  ],
  ["WebP", webp(exif({ 272: `prompt:${promptText}`, 271: `workflow:${workflowText}` }))],
  [
    "WebP whose EXIF has a header of its own",
    webp(
      Buffer.concat([
        Buffer.from("Exif\0\0"),
        exif({ 272: `prompt:${promptText}`, 271: `Workflow: ${workflowText}` }),
      ]),
    ),
  ],
  ["JPEG", jpeg(exif({ 270: `Workflow:${workflowText}`, 271: `Prompt:${promptText}` }))],
  [
    "JPEG with a comment in UTF-16",
    jpeg(
      exif(
        {},
        Buffer.concat([
          Buffer.from("UNICODE\0"),
          Buffer.from(JSON.stringify(both), "utf16le").swap16(),
        ]),
      ),
    ),
  ],
  ["MP4", mp4(texts)],
  ["MP4 with one comment for both", mp4({ comment: JSON.stringify(texts) })],
  ["WebM", webm({ PROMPT: promptText, WORKFLOW: workflowText })],
  ["FLAC", flac(texts)],
  ["glTF", glb(both)],
  [
    "SVG",
    Buffer.from(
      `<svg xmlns="http://www.w3.org/2000/svg"><metadata><![CDATA[${JSON.stringify(both)}]]></metadata></svg>`,
    ),
  ],
];

test.for(files)("a %s gives the graph and the editor workflow it carries", async ([, bytes]) => {
  expect(await readCarried(bytes)).toEqual(both);
});

test("a file on disk is read like bytes", async () => {
  const file = path.join(await tempDir(), "fox.png");
  await writeFile(file, png(pngText.tEXt("prompt", promptText)));

  expect(await readCarriedFile(file)).toEqual({ prompt });
});

test("what ComfyUI's server noted beside the inputs is left, and what JSON cannot hold is null", async () => {
  const text =
    '{"1": {"class_type": "X", "inputs": {"a": NaN, "b": -Infinity, "c": "NaN \\" NaN"}, "is_changed": [NaN]}}';

  expect(await readCarried(png(pngText.tEXt("prompt", text)))).toEqual({
    prompt: { "1": { class_type: "X", inputs: { a: null, b: null, c: 'NaN " NaN' } } },
  });
});

test("another program's parameters are told from a graph", async () => {
  const said = "a fox\nSteps: 20, Sampler: Euler a";
  const comment = Buffer.concat([Buffer.from("ASCII\0\0\0"), Buffer.from(said)]);

  expect(await readCarried(png(pngText.tEXt("parameters", said)))).toEqual({ parameters: said });
  expect(await readCarried(jpeg(exif({}, comment)))).toEqual({ parameters: said });
});

test("a picture without texts, and what is no picture, carry nothing", async () => {
  const plain = await sharp({ create: { width: 8, height: 8, channels: 3, background: "red" } })
    .png()
    .toBuffer();

  expect(await readCarried(plain)).toBeUndefined();
  expect(await readCarried(Buffer.from("{}"))).toBeUndefined();
  expect(await readCarried(Buffer.alloc(0))).toBeUndefined();
});

test("a file cut anywhere gives a whole graph or none, and one with any byte changed no error", async () => {
  for (const [, bytes] of files) {
    for (let length = 0; length < bytes.length; length += 3) {
      const carried = await readCarried(bytes.subarray(0, length));
      expect([undefined, promptText]).toContain(carried?.prompt && JSON.stringify(carried.prompt));
      expect([undefined, workflowText]).toContain(
        carried?.workflow && JSON.stringify(carried.workflow),
      );
    }
    for (let at = 0; at < bytes.length; at += 1) {
      const changed = Buffer.from(bytes);
      changed.writeUInt8(changed.readUInt8(at) ^ 0xff, at);
      await expect(readCarried(changed)).resolves.not.toBeNull();
    }
  }
});

test("a text that unpacks without bounds is no text", async () => {
  const bomb = pngText.zTXt("prompt", `{"a": "${" ".repeat(40_000_000)}"}`);

  expect(await readCarried(png(bomb, pngText.tEXt("workflow", workflowText)))).toEqual({
    workflow,
  });
});
