import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { expect, test } from "vitest";
import { type Graph, isLink } from "../../src/comfy/protocol.ts";
import { bind } from "../../src/workflows/bind.ts";
import { readiness } from "../../src/workflows/readiness.ts";
import { catalogue } from "../fixtures/editor/graphs.ts";
import { compileExport } from "../fixtures/exports/exports.ts";
import {
  encoder,
  found,
  loadImage,
  node,
  sampler,
  textToImage,
} from "../fixtures/exports/kinds.ts";

test("placeholders become the parameters they stand for", () => {
  const { parameters, workflow } = found(
    textToImage({
      pos: encoder("PARAM_PROMPT"),
      neg: encoder("%negative_prompt%"),
      lat: node("EmptyLatentImage", {
        width: "PARAM_INT_WIDTH",
        height: "PARAM_INT_HEIGHT",
        batch_size: 1,
      }),
      ks: sampler({ seed: "%seed%", steps: "PARAM_INT_STEPS", cfg: "%scale%" }),
    }),
  );

  expect(parameters).toMatchObject({
    prompt: "pos.text *",
    negative_prompt: "neg.text = ",
    width: "lat.width = 1024",
    seed: "ks.seed = 0",
    steps: "ks.steps = 20",
    guidance: "ks.cfg = 7",
  });
  expect(JSON.stringify(workflow.graph)).not.toMatch(/PARAM_|%seed%/);
});

test("a placeholder for a picture becomes the picture", () => {
  const img = (inputs: Record<string, string>, classType: string) =>
    found(
      textToImage({
        img: node(classType, inputs),
        lat: node("VAEEncode", { pixels: ["img", 0], vae: ["ckpt", 2] }),
      }),
    ).parameters;

  expect(img({ image: "PARAM_IMAGE" }, "LoadImage")["image"]).toBe("img.image *");
  expect(img({ image: "%image%" }, "ETN_LoadImageBase64")["image"]).toBe("img.image *");
  expect(img({ url: "%image_url%" }, "LoadImageFromURL")).toMatchObject({ image: "img.image *" });
});

test("what stands around a placeholder stays around a caller's text", () => {
  const { workflow, notes } = found(
    textToImage({
      pos: encoder("best quality, %prompt%, 35 mm"),
      neg: encoder("{{negative}}, text"),
    }),
  );
  const graph = bind(workflow, { prompt: "a mill", negative_prompt: "grain" });

  expect(notes).toEqual([]);
  expect(Object.keys(workflow.parameters).filter((name) => name.startsWith("prompt"))).toEqual([
    "prompt",
  ]);
  expect(textOf(graph, "pos")).toBe("best quality, a mill, 35 mm");
  expect(textOf(graph, "neg")).toBe("grain, text");
});

/** What ComfyUI's StringConcatenate nodes make of the text of an encoder. */
function textOf(graph: Graph, id: string): string {
  const whole = (value: unknown): string => {
    if (!isLink(value)) return String(value);
    const { string_a, string_b, delimiter } = graph[value[0]]?.inputs ?? {};
    return [whole(string_a), whole(string_b)].join(String(delimiter));
  };
  return whole(graph[id]?.inputs["text"]);
}

test("a number inside a longer text is told: it would be lost", () => {
  const { notes } = found(textToImage({ pos: encoder("a mill, seed %seed%") }));

  expect(notes).toEqual([
    "pos.text holds %seed% inside a longer text; a caller's value takes the place of all of it",
  ]);
});

test("a placeholder for the model is the model that a caller names, else any", () => {
  const { workflow } = found(
    textToImage({ ckpt: node("CheckpointLoaderSimple", { ckpt_name: "%model%" }) }),
  );

  expect(workflow.model?.text).toBe("ckpt.ckpt_name");
  expect(readiness(workflow, catalogue())).toMatchObject({ ready: true });
});

test("a placeholder for how many pictures is one: the server counts", () => {
  const lat = node("EmptyLatentImage", { width: 64, height: 64, batch_size: "PARAM_BATCH_SIZE" });
  const { workflow } = found(textToImage({ lat }));

  expect(workflow.graph["lat"]?.inputs["batch_size"]).toBe(1);
  expect(Object.keys(workflow.parameters).join()).not.toContain("batch");
});

test("a placeholder that only its author knows must be given", () => {
  const { parameters } = found(
    textToImage({ save: node("Save", { images: ["dec", 0], owner: "PARAM_STR_OWNER" }) }),
  );

  expect(parameters["owner"]).toBe("save.owner *");
});

test.for<[what: string, wrap: (graph: Graph) => unknown]>([
  ["a request to ComfyUI", (prompt) => ({ client_id: "x", prompt })],
  ["a request to a service", (workflow) => ({ input: { workflow } })],
  ["what the editor hands out", (output) => ({ workflow: { nodes: [], links: [] }, output })],
])("the graph inside %s is taken out", ([, wrap]) => {
  expect(found(wrap(textToImage())).parameters["prompt"]).toBe("pos.text *");
});

test("a dangling link matters only where an output needs it", () => {
  const loose = node("CLIPTextEncode", { text: "old", clip: ["gone", 0] });
  const { workflow } = found(textToImage({ loose }));
  const refused = compileExport("mine", undefined, textToImage({ neg: loose }));

  expect(workflow.graph).not.toHaveProperty("loose");
  expect(JSON.stringify(refused)).toContain('neg.clip is linked to node \\"gone\\"');
});

test("tool names fit behind a client's prefix, and stay apart", () => {
  const upscale = (name: string) =>
    found(
      {
        img: loadImage(),
        up: node("ImageInvert", { image: ["img", 0] }),
        save: node("SaveImage", { filename_prefix: "x", images: ["up", 0] }),
      },
      name,
    ).tool;
  const long = "A very long name of a workflow that somebody gave to a file";

  expect(upscale(long)).toHaveLength(46);
  expect(upscale(`${long} 1`)).not.toBe(upscale(`${long} 2`));
  expect(upscale("img2img")).toBe("img2img_workflow");
});

/** A folder of graphs of the same kinds, where somebody has one. */
const kept = process.env["FOREIGN_GRAPHS"];

test("graphs of real faults, kept elsewhere, load with a prompt", ({ skip }) => {
  if (kept === undefined) return skip("FOREIGN_GRAPHS names no folder");
  const files = readdirSync(kept).filter((file) => file.endsWith(".json"));

  expect(files.length).toBeGreaterThan(0);
  for (const file of files) {
    const graph: unknown = JSON.parse(readFileSync(path.join(kept, file), "utf8"));
    const { parameters } = found(graph, file.replace(".json", ""));

    expect(parameters["prompt"], file).toMatch(/ \*$/);
    expect(parameters["seed"], file).toBeDefined();
  }
});
