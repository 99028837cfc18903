import { writeFile } from "node:fs/promises";
import path from "node:path";
import { expect, test } from "vitest";
import { readConfig } from "../../src/config.ts";
import { tempDir } from "../support/world.ts";

async function fileWith(content: unknown): Promise<string> {
  const file = path.join(await tempDir(), "backends.json");
  await writeFile(file, typeof content === "string" ? content : JSON.stringify(content));
  return file;
}

test("without any, the ComfyUI of this machine is meant", () => {
  expect(readConfig({}, {}).comfyuis.map(({ url }) => url)).toEqual(["http://127.0.0.1:8188"]);
});

test("a flag can be repeated, a variable has one a line, and headers go to each", () => {
  const flags = { "comfyui-url": ["http://a:1", "http://b:2"], "comfyui-header": ["X-Key: k"] };

  expect(readConfig(flags, {}).comfyuis).toMatchObject([
    { url: "http://a:1", headers: { "x-key": "k" } },
    { url: "http://b:2", headers: { "x-key": "k" } },
  ]);
  const ofVariable = readConfig({}, { COMFYUI_URL: "http://a:1\nhttp://b:2" }).comfyuis;
  expect(ofVariable.map(({ url }) => url)).toEqual(["http://a:1", "http://b:2"]);
});

test("a file gives names, weights, headers and labels, beside the URLs", async () => {
  const big = {
    name: "big",
    url: "https://user:word@gpu.example/comfy/",
    weight: 2.5,
    headers: { "X-Key": "k" },
    labels: { room: "cellar" },
    insecure_tls: true,
  };
  const file = await fileWith({ backends: [big, { url: "gpu2:8188" }] });

  expect(readConfig({ backends: [file] }, {}).comfyuis).toEqual([
    {
      name: "big",
      url: "https://gpu.example/comfy",
      weight: 2.5,
      headers: { authorization: expect.stringMatching(/^Basic /), "x-key": "k" },
      labels: { room: "cellar" },
      insecureTls: true,
    },
    { url: "http://gpu2:8188", headers: {}, insecureTls: false },
  ]);
  const both = readConfig({ backends: [file], "comfyui-url": ["http://a:1"] }, {}).comfyuis;
  expect(both.map(({ url }) => url)).toEqual([
    "http://a:1",
    "https://gpu.example/comfy",
    "http://gpu2:8188",
  ]);
});

test.for<[what: string, content: unknown, says: RegExp]>([
  ["no JSON", "{", /backends\.json: .*JSON/],
  ["no list", {}, /backends\.json: backends: /],
  ["none", { backends: [] }, /backends\.json: backends: /],
  ["no URL", { backends: [{ name: "a" }] }, /backends\[0\]\.url: /],
  ["a bad URL", { backends: [{ url: "a" }, { url: "ftp://a" }] }, /backends\[1\]\.url: expected/],
  ["a bad weight", { backends: [{ url: "a", weight: 0 }] }, /backends\[0\]\.weight: /],
  [
    "a bad name",
    { backends: [{ url: "a", name: "a/b" }] },
    /backends\[0\]\.name: expected letters/,
  ],
  [
    "a bad header",
    { backends: [{ url: "a", headers: { "X Y": "" } }] },
    /backends\[0\]\.headers: /,
  ],
  ["a mistyped key", { backends: [{ url: "a", wieght: 1 }] }, /backends\[0\]: .*"wieght"/],
  ["one twice", { backends: [{ url: "a" }, { url: "http://a/" }] }, /http:\/\/a .* is given twice/],
  [
    "a name twice",
    {
      backends: [
        { name: "n", url: "a" },
        { name: "n", url: "b" },
      ],
    },
    /n \(http:\/\/b\) is given twice/,
  ],
])("a file with %s is refused, naming file and key", async ([, content, says]) => {
  const file = await fileWith(content);

  expect(() => readConfig({ backends: [file] }, {})).toThrow(/--backends \(EASEL_BACKENDS\)/);
  expect(() => readConfig({ backends: [file] }, {})).toThrow(says);
});

test("a file that is not there is named", () => {
  expect(() => readConfig({ backends: ["/no/such.json"] }, {})).toThrow(
    /--backends \(EASEL_BACKENDS\): \/no\/such\.json: /,
  );
});
