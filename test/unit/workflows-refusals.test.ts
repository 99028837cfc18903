import { expect, test } from "vitest";
import { compile } from "../../src/workflows/compile.ts";
import { reservedParameters } from "../../src/workflows/own-options.ts";
import { problemText } from "../../src/workflows/workflow.ts";
import { pairOf, sampleBinding, sampleGraph } from "../fixtures/workflows/sample.ts";

type Binding = ReturnType<typeof sampleBinding>;
type Parameters = Binding["parameters"];

function refusals(graph: unknown, binding: unknown): string {
  const result = compile(pairOf(graph, binding));
  return "problems" in result ? result.problems.map(problemText).join("\n") : "accepted";
}

function withParameters(parameters: Parameters): Binding {
  return { ...sampleBinding(), parameters };
}

test("the sample that the refusals vary is accepted", () => {
  expect(refusals(sampleGraph(), sampleBinding())).toBe("accepted");
});

test.for<[string, unknown, string]>([
  ["text that is not JSON", "{", "sample.json: is not JSON: "],
  ["a list", [], "sample.json: is not a graph of nodes; in ComfyUI use Workflow > Export (API)"],
  [
    "an export of the editor's format",
    { nodes: [], links: [], version: 0.4 },
    "sample.json: is in the format of ComfyUI's editor, which cannot run; in ComfyUI use Workflow > Export (API) and save that file",
  ],
  ["an empty graph", {}, "sample.json: has no nodes; in ComfyUI use"],
  ["a node without class_type", { "1": { inputs: {} } }, 'node "1" has no class_type and inputs'],
  ["a node without inputs", { "1": { class_type: "X" } }, 'node "1" has no class_type and inputs'],
  [
    "a link to a node that is not there",
    { "1": { class_type: "X", inputs: { model: ["2", 0] } } },
    '1.model is linked to node "2", which is not in the graph',
  ],
])("a graph is refused when it is %s", ([, graph, reason]) => {
  expect(refusals(graph, sampleBinding())).toContain(reason);
});

test.for<[string, Record<string, unknown> | string, string]>([
  ["not JSON", "nope", "sample.binding.json: is not JSON: "],
  ["with an unknown key", { priorty: 1 }, 'sample.binding.json: unknown key "priorty"; remove it'],
  ["without a tool", { tool: undefined }, "sample.binding.json: tool: "],
  ["with a tool name in camel case", { tool: "drawIt" }, 'tool: "drawIt" must be snake_case'],
  [
    "with a tool name that clients refuse",
    { tool: `a_${"b".repeat(60)}` },
    "is longer than 46 characters, which clients refuse",
  ],
  ["with a guide longer than a model should read", { guide: "x".repeat(301) }, "guide: "],
  ["for a tool of the server", { tool: "task_status" }, 'tool: "task_status" is a tool of the'],
  ["with a name no URL should carry", { name: "a b" }, `the workflow's name "a b" may hold only`],
  ["with a description of two lines", { description: "a\nb" }, "must be one line"],
  ["without outputs", { outputs: [] }, "outputs: must name the node that saves the image"],
  ["with an output that is not there", { outputs: ["99"] }, 'outputs: the graph has no node "99"'],
  [
    "with a model the graph does not name",
    { models: [{ file: "other.gguf", folder: "unet" }] },
    'models: no node of the graph names the file "other.gguf"',
  ],
  [
    "with a model slot that is not there",
    { models: [{ slot: "4.unet", any: true, folder: "unet" }] },
    'slot "4.unet": models: node 4 (CheckpointLoaderSimple) has no input "unet"; it has ckpt_name',
  ],
  [
    "with a model slot that holds no name",
    { models: [{ slot: "3.steps", any: true, folder: "unet" }] },
    'slot "3.steps": models: holds no file name',
  ],
  [
    "with a model that is neither file nor slot",
    { models: [{ folder: "unet" }] },
    'models.0: needs either "file", or "slot" with "any": true',
  ],
  [
    "with a broken expression",
    { models: [{ slot: "4.ckpt_name", any: true, avoid: ["("], folder: "checkpoints" }] },
    'models.0.avoid.0: "(" is not a regular expression',
  ],
  [
    "with a node class the graph does not use",
    { nodes: [{ class: "UnetLoaderGGUF" }] },
    'nodes: the graph has no node of class "UnetLoaderGGUF"',
  ],
  [
    "with a model it rejects itself",
    { models: [{ slot: "4.ckpt_name", any: true, match: ["flux"], folder: "checkpoints" }] },
    'slot "4.ckpt_name": models: "match" or "avoid" rejects the graph\'s own base.safetensors; change',
  ],
  [
    "with expressions for a fixed file",
    { models: [{ file: "base.safetensors", match: ["base"], folder: "checkpoints" }] },
    'models: "match" and "avoid" at the file "base.safetensors" need a "slot" with "any": true',
  ],
  [
    "with an empty list of what suits",
    { models: [{ slot: "4.ckpt_name", any: true, match: [], folder: "checkpoints" }] },
    "models.0.match: ",
  ],
  [
    "with a model to choose that is not there",
    { model: { slot: "4.unet_name" } },
    'slot "4.unet_name": model: node 4 (CheckpointLoaderSimple) has no input "unet_name"',
  ],
  [
    "with a model to choose that is no file",
    { model: { slot: "3.steps" } },
    'slot "3.steps": model: holds no file name',
  ],
  [
    "with a model to choose that is linked",
    { model: { slot: "3.model" } },
    'slot "3.model": model: holds no file name',
  ],
  [
    "with a model to choose that is a parameter",
    { model: { slot: "57:3.text" } },
    'slot "57:3.text": model: is already a slot of parameter "prompt"',
  ],
  [
    "with LoRAs at a node that is not there",
    { loras: { model: ["12", 0] } },
    'loras.model: the graph has no node "12"; it has 3, 4, 5, 8, 9, 10, 57:3',
  ],
  [
    "with LoRAs at an output nobody takes",
    { loras: { model: ["4", 0], clip: ["4", 2] } },
    "loras.clip: no node takes output 2 of node 4",
  ],
  [
    "with LoRAs that are no output",
    { loras: { model: "4" } },
    'loras.model: "4" must be a node and an output, such as ["4", 0]',
  ],
  ["with LoRAs for the text encoder alone", { loras: { clip: ["4", 1] } }, "loras.model: "],
  [
    "with a preset for no known word",
    { presets: { fast: { steps: 4 } } },
    'presets: unknown key "fast"; the words are quality, speed, extreme_speed, lightning, hyper_sd',
  ],
  [
    "with a preset of a parameter it has not",
    { presets: { speed: { denoise: 0.5 } } },
    'presets.speed: "denoise" is not a parameter of this workflow; it has prompt, width,',
  ],
  [
    "with a preset outside the limits",
    { presets: { quality: { steps: 80 } } },
    "presets.quality: steps: 80 is out of range; allowed 1 to 50",
  ],
  [
    "with a preset of the wrong type",
    { presets: { quality: { steps: "40" } } },
    'presets.quality: steps: must be an integer, got "40"; send it without quotes',
  ],
  [
    "with a preset that is not a choice",
    { presets: { quality: { sampler: "heun" } } },
    'presets.quality: sampler: "heun" is not a choice; allowed: euler, dpmpp_2m',
  ],
  ["with a note of two lines", { note: "a\nb" }, "note: "],
  [
    "with a size for images it does not take",
    { input: { pixels: 1048576 } },
    "input: no parameter is an image; remove it",
  ],
  ["with a size for images of no pixels", { input: { pixels: 0 } }, "input.pixels: 0 "],
  [
    "with a native size of no pixels",
    { native: { pixels: 0 } },
    "sample.binding.json: native.pixels: 0 ",
  ],
])("a binding is refused when it is %s", ([, changes, reason]) => {
  const binding = typeof changes === "string" ? changes : { ...sampleBinding(), ...changes };
  expect(refusals(sampleGraph(), binding)).toContain(reason);
});

test.for<[string, Parameters, string]>([
  [
    "a share of a slot it does not have",
    { width: { slots: ["5.width"], times: { "5.height": 0.5 } } },
    'slot "5.height": parameter "width": times: is not among its slots',
  ],
  [
    "a share of a text",
    { prompt: { slots: ["57:3.text"], times: { "57:3.text": 2 } } },
    "holds no number to be 2 times the value",
  ],
  [
    "slots that do not keep their shares",
    { width: { slots: ["5.width", "5.height"], times: { "5.height": 0.5 } } },
    "give the slots of one parameter one value in the graph",
  ],
  [
    "an unknown node",
    { prompt: { slots: ["99.text"] } },
    'sample.binding.json: slot "99.text": parameter "prompt": no such node; the graph has 3, 4, 5, 8, 9, 10, 57:3',
  ],
  [
    "an unknown input",
    { prompt: { slots: ["57:3.txt"] } },
    'slot "57:3.txt": parameter "prompt": node 57:3 (CLIPTextEncode) has no input "txt"; it has text, clip',
  ],
  ["an inherited property", { prompt: { slots: ["constructor.name"] } }, "no such node"],
  ["no dot", { prompt: { slots: ["text"] } }, "is not a slot; write node.input, such as 6.text"],
  [
    "a link",
    { strength: { slots: ["3.model"] } },
    'slot "3.model": parameter "strength": holds a link to node 4; bind the slot of a node',
  ],
  [
    "a slot of another parameter",
    { steps: { slots: ["3.steps"] }, rounds: { slots: ["3.steps"] } },
    'slot "3.steps": parameter "rounds": is already a slot of parameter "steps"',
  ],
  [
    "the same slot twice",
    { steps: { slots: ["3.steps", "3.steps"] } },
    'is already a slot of parameter "steps"',
  ],
  ["no slots", { steps: { slots: [] } }, "parameters.steps.slots: needs at least one slot"],
  [
    "an unknown key",
    { steps: { slots: ["3.steps"], max: 5 } },
    'parameters.steps: unknown key "max"; remove it',
  ],
  [
    "a default outside its limits",
    { steps: { slots: ["3.steps"], maximum: 10 } },
    'slot "3.steps": parameter "steps": the default in the graph 20 is out of range; allowed 1 to 10',
  ],
  [
    "a default that is not a choice",
    { sampler: { slots: ["3.sampler_name"], choices: ["euler_a", "ddim"] } },
    'the default in the graph "euler" is not a choice; did you mean euler_a?',
  ],
  [
    "a default that is not a multiple",
    { width: { slots: ["5.width"], multipleOf: 100 } },
    "the default in the graph 1024 is not a multiple of 100; near it are 1000 and 1100",
  ],
  [
    "slots that disagree",
    { side: { slots: ["5.width", "5.height"] } },
    'slot "5.height": parameter "side": holds 768 and 5.width holds 1024; give the slots',
  ],
  [
    "slots of two types",
    { side: { slots: ["5.width", "3.sampler_name"] } },
    'the value in the graph must be a number, got "euler"',
  ],
  [
    "a known name on a slot of another type",
    { prompt: { slots: ["3.steps"] } },
    'slot "3.steps": parameter "prompt": is of type number, but "prompt" is string in every workflow',
  ],
  [
    "a known name with another declared type",
    { steps: { slots: ["3.steps"], type: "number" } },
    'is of type number, but "steps" is integer in every workflow',
  ],
  [
    "an image on a text slot",
    { image: { slots: ["57:3.text"] } },
    'is of type string, but "image" is image in every workflow',
  ],
  [
    "an integer type on a fraction",
    { cfg: { slots: ["3.cfg"], type: "integer" } },
    "the value in the graph must be an integer, got 6.5",
  ],
  [
    "a range on text",
    { prompt: { slots: ["57:3.text"], maximum: 5 } },
    "is of type string and cannot have maximum",
  ],
  ["a type that does not exist", { prompt: { slots: ["57:3.text"], type: "text" } }, "type: "],
  ["a name in camel case", { negPrompt: { slots: ["57:3.text"] } }, "must be snake_case"],
])("a parameter is refused for %s", ([, parameters, reason]) => {
  expect(refusals(sampleGraph(), withParameters(parameters))).toContain(reason);
});

test.for(reservedParameters)("a parameter cannot be called %s", (name) => {
  const binding = withParameters({ [name]: { slots: ["3.steps"] } });

  expect(refusals(sampleGraph(), binding)).toContain("is a parameter of the server itself");
});

test("a value that is neither text, number nor boolean is refused", () => {
  const graph = { "1": { class_type: "X", inputs: { a: null, b: { c: 1 } } } };
  const binding = { ...withParameters({ a: { slots: ["1.a"] }, b: { slots: ["1.b"] } }) };

  const text = refusals(graph, { ...binding, outputs: ["1"], models: [] });

  expect(text).toContain('slot "1.a": parameter "a": holds null, which is not a value');
  expect(text).toContain('slot "1.b": parameter "b": holds {"c":1}, which is not a value');
});

test("everything that is wrong with a pair is said at once", () => {
  const text = refusals(sampleGraph(), {
    ...withParameters({ prompt: { slots: ["1.text"] }, steps: { slots: ["3.model"] } }),
    outputs: ["98", "99"],
  });

  expect(text.split("\n")).toHaveLength(4);
});
