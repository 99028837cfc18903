import { mkdir } from "node:fs/promises";
import path from "node:path";
import { PassThrough } from "node:stream";
import { expect, test } from "vitest";
import { AppError } from "../../src/errors.ts";
import { checkTool, generateCall, inFlags } from "../../src/faces/terminal/generate-request.ts";
import { greet } from "../../src/faces/terminal/greeting.ts";
import { progressView } from "../../src/faces/terminal/progress-lines.ts";
import { tempDir } from "../support/world.ts";

test("flags become the parameters of the tool", () => {
  const { tool, request } = generateCall(
    {
      model: ["sdxl"],
      lora: ["a", "b:0.5"],
      style: ["noir"],
      quality: ["quality"],
      "negative-prompt": ["rain"],
      "aspect-ratio": ["16:9"],
      steps: ["9"],
      count: ["2"],
      "output-format": ["webp"],
    },
    ["a", "fox"],
    "/home/me",
  );

  expect(tool).toBe("generate_image");
  expect(request).toEqual({
    model: "sdxl",
    loras: ["a", "b:0.5"],
    styles: ["noir"],
    quality: "quality",
    aspectRatio: "16:9",
    count: 2,
    outputFormat: "webp",
    parameters: { prompt: "a fox", negative_prompt: "rain", steps: 9 },
  });
});

test.for([
  { flags: {}, tool: "generate_image" },
  { flags: { image: ["a.png"] }, tool: "img2img" },
  { flags: { image: ["a.png"], mask: ["b.png"] }, tool: "inpaint" },
  { flags: { image: ["a.png"], tool: ["upscale"] }, tool: "upscale" },
])("$flags is $tool", ({ flags, tool }) => {
  expect(generateCall(flags, ["x"], "/home/me").tool).toBe(tool);
});

test("--out is a file or a folder from where the shell stands, and replaces nothing by itself", () => {
  const to = (out: string) => generateCall({ out: [out] }, ["x"], "/home/me").request;

  expect(to("fox.png")).toMatchObject({ saveTo: "/home/me/fox.png" });
  expect(to("fox.png").overwrite).toBeUndefined();
  expect(to("pictures/")).toMatchObject({ saveTo: "/home/me/pictures/" });
  expect(generateCall({ out: ["a.png"], overwrite: ["1"] }, ["x"], "/").request.overwrite).toBe(
    true,
  );
});

test("folders of what is read and written are named, of those that are there", async () => {
  const cwd = await tempDir();
  await mkdir(path.join(cwd, ".hidden"));

  const { folders } = generateCall(
    { out: ["new/deep/fox.png"], image: [".hidden/in.png"] },
    ["x"],
    cwd,
  );

  expect(folders).toEqual([path.parse(cwd).root, path.join(cwd, ".hidden"), cwd]);
  expect(generateCall({ image: ["https://host/a.png"] }, ["x"], cwd).folders).toHaveLength(1);
});

test.for<[flags: Record<string, string[]>, operands: string[], says: string]>([
  [{}, [], 'prompt: missing. Try: comfy-easel generate "a fox in the snow"'],
  [{ steps: ["many"] }, ["x"], '--steps: expected a number, got "many"'],
  [{ "output-format": ["gif"] }, ["x"], '--output-format: expected png, jpeg, webp, got "gif"'],
  [
    { factor: ["2"] },
    ["x"],
    "--factor: generate_image does not take it; it goes with --tool upscale",
  ],
])("%j with %j is refused by its flag", ([flags, operands, says]) => {
  expect(() => generateCall(flags, operands, "/home/me")).toThrow(says);
});

test("a tool that is not there is refused with near names", () => {
  const known = ["generate_image", "upscale"];

  expect(() => checkTool("upscal", known)).toThrow("Did you mean upscale?");
  expect(() => checkTool("paint", known)).toThrow("Tools: generate_image, upscale.");
});

test("a refusal of the core speaks of flags", () => {
  const worded = (message: string) => inFlags(new AppError("invalid_input", message));

  expect(worded("save_to: a.png already exists. Replace it with overwrite: true.")).toMatchObject({
    code: "invalid_input",
    message: "--out: a.png already exists. Replace it with --overwrite.",
  });
  expect(worded("loras: none such")).toMatchObject({ message: "--lora: none such" });
  expect(worded("No ComfyUI at x")).toMatchObject({ message: "No ComfyUI at x" });
});

test("without a terminal progress is whole lines, the last one Done", () => {
  const stream = new PassThrough();
  const view = progressView(stream);
  view.show(0, "Queued");
  view.show(0.5, "Sampling 1/2");
  view.show(0.9, "Decoding");
  view.end("Done");

  expect(String(stream.read())).toBe("  0 % Queued\n100 % Done\n");
});

test("what failed does not end at 100 %", () => {
  const stream = new PassThrough();
  const view = progressView(stream);
  view.show(0.25, "Sampling 1/4");
  view.show(0.5, "Sampling 2/4");
  view.end("Failed");

  expect(String(stream.read())).toBe(" 25 % Sampling 1/4\n 50 % Failed\n");
});

test.for([
  { ask: () => Promise.resolve("0.26.0"), says: "The ComfyUI answers (version 0.26.0)." },
  {
    ask: () => Promise.reject(new AppError("comfy_unreachable", "No ComfyUI at http://x.")),
    says: "No ComfyUI at http://x.",
  },
])("a person in a terminal is told what runs, and then: $says", async ({ ask, says }) => {
  let text = "";
  const told = greet({
    version: "1.2.3",
    comfyuis: [{ name: "http://x", ask }],
    dataDir: "/data",
    write: (more) => {
      text += more;
    },
  });
  // Before ComfyUI has answered.
  expect(text).toMatch(/comfy-easel 1\.2\.3.*waiting for an MCP client on stdin/);
  expect(text).toMatch(/http:\/\/x\n.*\/data\n$/);
  await told;

  expect(text).toContain(says);
});
