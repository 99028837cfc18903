import { expect, test } from "vitest";
import type { InputSpec, NodeInfo, ObjectInfo } from "../../src/comfy/protocol.ts";
import { convert } from "../../src/workflows/editor/convert.ts";
import {
  catalogue,
  editor,
  editor1,
  type NodeSketch,
  textToImage,
} from "../fixtures/editor/graphs.ts";

const info = catalogue();

function classOf(
  required: Record<string, InputSpec>,
  optional: Record<string, InputSpec> = {},
): NodeInfo {
  return { input: { required, optional }, output: [], name: "Own", output_node: true };
}

/** The inputs of one node alone, and what was said about it. */
function inputsOf(node: Omit<NodeSketch, "id">, more: ObjectInfo = {}) {
  const result = convert(editor({ nodes: [{ id: 1, ...node }] }), { ...info, ...more });
  if ("problems" in result) throw new Error(result.problems.join("; "));
  const { graph, notes, gaps } = result;
  return { inputs: graph["1"]?.inputs, notes, gaps };
}

test("a drawn workflow becomes the graph the editor would send", () => {
  const result = convert(editor(textToImage()), info);

  expect(result).toEqual({
    gaps: [],
    notes: [],
    graph: expect.objectContaining({
      "4": expect.objectContaining({ inputs: { width: 512, height: 768, batch_size: 1 } }),
      "5": {
        class_type: "KSampler",
        _meta: { title: "KSampler" },
        inputs: {
          seed: 7,
          steps: 20,
          cfg: 8,
          sampler_name: "euler",
          scheduler: "normal",
          denoise: 1,
          model: ["1", 0],
          positive: ["2", 0],
          negative: ["3", 0],
          latent_image: ["4", 0],
        },
      },
      "7": expect.objectContaining({ inputs: { filename_prefix: "fox", images: ["6", 0] } }),
    }),
  });
});

test("links as objects, ids as texts and a wrapped workflow mean the same", () => {
  const old = convert(editor(textToImage()), info);

  expect(convert(editor1(textToImage()), info)).toEqual(old);
  expect(convert({ workflow: editor(textToImage()), output: {} }, info)).toEqual(old);
  const texts = JSON.parse(
    JSON.stringify(editor(textToImage())).replace(/"id":(\d+)/g, '"id":"$1"'),
  );
  expect(convert(texts, info)).toEqual(old);
});

test("the control of a seed takes a slot by its place, and a file that lacks it shifts nothing", () => {
  const values = [7, true, 20, 8, "euler", "normal", 1];
  const expected = { seed: 7, steps: 20, cfg: 8, sampler_name: "euler", denoise: 1 };

  expect(inputsOf({ type: "KSampler", values }).inputs).toMatchObject(expected);
  expect(
    inputsOf({ type: "KSampler", values: values.filter((value) => value !== true) }).inputs,
  ).toMatchObject(expected);
});

test("a declared control counts under any name, and none where it is declared off", () => {
  const own = classOf({
    number: ["INT", { control_after_generate: "fixed" }],
    seed: ["INT", { control_after_generate: false }],
    pick: [["a", "b"], { control_after_generate: true }],
    last: ["STRING", {}],
  });

  const { inputs } = inputsOf(
    { type: "Own", values: [5, "increment", 6, "b", "randomize", "filter", "end"] },
    { Own: own },
  );

  expect(inputs).toEqual({ number: 5, seed: 6, pick: "b", last: "end" });
});

test("the upload button at the end of the list is no input", () => {
  const { inputs, notes } = inputsOf({ type: "LoadImage", values: ["fox.png", "image"] });

  expect(inputs).toEqual({ image: "fox.png" });
  expect(notes).toEqual([]);
});

test("widgets come in the order the class lists them, required before optional", () => {
  const own: NodeInfo = {
    ...classOf(
      { "10": ["INT", {}], "2": ["INT", {}], late: ["STRING", {}] },
      { extra: ["FLOAT", {}], socket: ["IMAGE", {}] },
    ),
    input_order: { required: ["late", "10", "2"], optional: ["socket", "extra"] },
  };

  const { inputs } = inputsOf({ type: "Own", values: ["text", 10, 2, 0.5] }, { Own: own });

  expect(inputs).toEqual({ late: "text", "10": 10, "2": 2, extra: 0.5 });
});

test("an input forced to be a socket has no slot, except in old files that kept one", () => {
  const own = classOf({
    text: ["STRING", { forceInput: true }],
    count: ["INT", {}],
    mixed: ["FLOAT,INT", { widgetType: "FLOAT" }],
    any: ["INT,FLOAT", {}],
  });

  expect(inputsOf({ type: "Own", values: [3, 1.5] }, { Own: own }).inputs).toEqual({
    count: 3,
    mixed: 1.5,
  });
  expect(inputsOf({ type: "Own", values: ["old", 3, 1.5] }, { Own: own }).inputs).toEqual({
    count: 3,
    mixed: 1.5,
  });
});

test("a dynamic combo is followed by the slots of the option it holds", () => {
  const { inputs } = inputsOf({
    type: "SaveImageAdvanced",
    values: ["fox", "png", "16-bit", "sRGB"],
  });

  expect(inputs).toEqual({
    filename_prefix: "fox",
    format: "png",
    "format.bit_depth": "16-bit",
    "format.input_color_space": "sRGB",
  });
});

test("an option that this ComfyUI does not offer is a problem with the node's id", () => {
  const workflow = editor({
    nodes: [{ id: 9, type: "SaveImageAdvanced", values: ["fox", "tga"] }],
  });

  expect(convert(workflow, info)).toEqual({
    problems: [
      'node 9 (SaveImageAdvanced): its input "format" holds "tga", which this ComfyUI does not offer; it has png, exr',
    ],
  });
});

test("values kept by name are read by name, and what is no input is left", () => {
  const values = { sampler_name: "euler", videopreview: { hidden: true } };

  expect(inputsOf({ type: "KSamplerSelect", values }).inputs).toEqual({ sampler_name: "euler" });
});

test("the names decide where the list is of another version of the class", () => {
  const { inputs, notes } = inputsOf({
    type: "EmptyLatentImage",
    values: [512, 768],
    named: { width: 640, height: 960, batch_size: 2, gone: 1 },
  });

  expect(inputs).toEqual({ width: 640, height: 960, batch_size: 2 });
  expect(notes).toEqual([expect.stringContaining("read by name")]);
});

test("a value the file does not hold is a gap with ComfyUI's default, and not in the graph", () => {
  const { inputs, gaps } = inputsOf({ type: "EmptyLatentImage", values: [640] });

  expect(inputs).toEqual({ width: 640 });
  expect(gaps).toEqual([
    { node: "1", input: "height", value: 512 },
    { node: "1", input: "batch_size", value: 1 },
  ]);
});

test("values behind the known ones are said unless they are empty", () => {
  expect(inputsOf({ type: "SaveImage", values: ["fox", ""] }).notes).toEqual([
    'node 1 (SaveImage): its input "images" gets nothing',
  ]);
  expect(inputsOf({ type: "SaveImage", values: ["fox", "more"] }).notes[0]).toContain(
    "holds 1 more values",
  );
});

test("lists and curves are wrapped, so that ComfyUI does not take them for links", () => {
  const own = classOf({ boxes: ["BOUNDING_BOXES", {}], curve: ["CURVE", {}] });
  const points = [
    [0, 0],
    [1, 1],
  ];

  expect(inputsOf({ type: "Own", values: [["a", 1], points] }, { Own: own }).inputs).toEqual({
    boxes: { __value__: ["a", 1] },
    curve: { __type__: "CURVE", __value__: points },
  });
});

test("comments leave a prompt as in the editor, alternatives stay and are said", () => {
  const { inputs, notes } = inputsOf({
    type: "CLIPTextEncode",
    values: ["a {red|blue} fox /* not\nthis */in snow // nor this"],
  });

  expect(inputs).toEqual({ text: "a {red|blue} fox in snow " });
  expect(notes[0]).toContain("alternatives such as {a|b}");
});

test("the editor's dates in a file name become those that ComfyUI fills in each day", () => {
  const values = ["shots/%date:yyyy-MM-dd%/fox"];

  expect(inputsOf({ type: "SaveImage", values }).inputs).toEqual({
    filename_prefix: "shots/%year%-%month%-%day%/fox",
  });
});

test("classes whose widgets the browser makes are read as it saved them", () => {
  const power = classOf({}, { model: ["MODEL", {}] });
  const lora = { on: true, lora: "style.safetensors", strength: 0.8 };

  expect(inputsOf({ type: "CustomCombo", values: ["b", 0, "a", "b", ""] }).inputs).toMatchObject({
    choice: "b",
    index: 1,
    option1: "a",
    option2: "b",
    option3: "",
  });
  expect(
    inputsOf(
      {
        type: "Power Lora Loader (rgthree)",
        values: [{}, { type: "PowerLoraLoaderHeaderWidget" }, lora, {}, ""],
      },
      { "Power Lora Loader (rgthree)": power },
    ).inputs,
  ).toMatchObject({ lora_1: lora, PowerLoraLoaderHeaderWidget: { type: expect.any(String) } });
});

test("a seed that the editor draws is a number, and said", () => {
  const seed = classOf({ seed: ["INT", { control_after_generate: false }] });

  const { inputs, notes } = inputsOf(
    { type: "Seed (rgthree)", values: [-1, "", "", ""] },
    { "Seed (rgthree)": seed },
  );

  expect(inputs).toEqual({ seed: 0 });
  expect(notes).toEqual([expect.stringContaining("drawn by the editor")]);
});
