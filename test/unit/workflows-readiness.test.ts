import { expect, test } from "vitest";
import type { Graph, InputSpec, NodeInfo, ObjectInfo } from "../../src/comfy/protocol.ts";
import { explainMissing } from "../../src/workflows/explain.ts";
import { readiness } from "../../src/workflows/readiness.ts";
import type { Workflow } from "../../src/workflows/workflow.ts";
import { compiled, sampleWorkflow } from "../fixtures/workflows/sample.ts";

function node(required: Record<string, InputSpec>, optional: Record<string, InputSpec> = {}) {
  const info: NodeInfo = {
    input: { required, optional },
    output: [],
    name: "",
    output_node: false,
  };
  return info;
}

const oldCombo = (files: string[]): InputSpec => [files, {}];
const newCombo = (files: string[]): InputSpec => ["COMBO", { options: files }];

/** A FLUX-like graph: one GGUF loader of a node pack, one core loader. */
function loaders(unet = "flux-Q8.gguf", vae = "ae.safetensors"): Workflow {
  return compiled(
    {
      "1": { class_type: "UnetLoaderGGUF", inputs: { unet_name: unet } },
      "2": { class_type: "VAELoader", inputs: { vae_name: vae } },
      "3": { class_type: "LoadImage", inputs: { image: "photo.bin" } },
      "4": { class_type: "Note", inputs: { text: "uses flux.safetensors" } },
    },
    {
      tool: "generate_image",
      title: "Loaders",
      description: "Loaders.",
      parameters: { image: { slots: ["3.image"] } },
      outputs: ["3"],
      models: [{ file: unet, folder: "unet", source: "huggingface someone/flux" }],
      nodes: [
        { class: "UnetLoaderGGUF", pack: "ComfyUI-GGUF", source: "github city96/ComfyUI-GGUF" },
      ],
    },
    "loaders",
  );
}

function server(unets: InputSpec, vaes: InputSpec): ObjectInfo {
  return {
    UnetLoaderGGUF: node({ unet_name: unets }),
    VAELoader: node({}, { vae_name: vaes }),
    LoadImage: node({ image: oldCombo(["other.png"]) }),
    Note: node({ text: ["STRING", {}] }),
  };
}

test.for<[string, string, string[], string]>([
  ["the same name", "a/flux.gguf", ["x.gguf", "a/flux.gguf"], "a/flux.gguf"],
  ["backslashes on the backend", "a/flux.gguf", ["a\\flux.gguf"], "a\\flux.gguf"],
  ["backslashes in the graph", "a\\flux.gguf", ["a/flux.gguf"], "a/flux.gguf"],
  ["a subfolder of the backend", "flux.gguf", ["b/flux.gguf"], "b/flux.gguf"],
  ["a subfolder with backslashes", "flux.gguf", ["b\\c\\flux.gguf"], "b\\c\\flux.gguf"],
  ["the top folder first", "flux.gguf", ["b/flux.gguf", "flux.gguf"], "flux.gguf"],
])("a model file is found by %s", ([, unet, files, choice]) => {
  for (const combo of [oldCombo, newCombo]) {
    const state = readiness(loaders(unet), server(combo(files), combo(["ae.safetensors"])));

    expect(state).toEqual({
      ready: true,
      choices: { "1.unet_name": choice, "2.vae_name": "ae.safetensors" },
    });
  }
});

test.for<[string, string, string[]]>([
  ["no models at all", "flux.gguf", []],
  ["a longer name", "flux.gguf", ["myflux.gguf"]],
  ["another folder than the graph names", "a/flux.gguf", ["b/flux.gguf"]],
])("a model file is missing with %s", ([, unet, files]) => {
  const state = readiness(loaders(unet), server(oldCombo(files), newCombo([])));

  expect(state).toEqual({
    ready: false,
    missingNodes: [],
    missingModels: [
      { file: unet, folder: "unet", source: "huggingface someone/flux", slot: "1.unet_name" },
      { file: "ae.safetensors", slot: "2.vae_name" },
    ],
  });
});

test("a list the editor fetches elsewhere says nothing about a file", () => {
  const remote: InputSpec = ["COMBO", { remote: { route: "/files" } }];

  expect(readiness(loaders(), server(remote, remote))).toEqual({ ready: true, choices: {} });
});

test("a node class the backend does not know is missing, once, with its pack", () => {
  const {
    UnetLoaderGGUF: _gone,
    Note: _also,
    ...rest
  } = server(oldCombo([]), oldCombo(["ae.safetensors"]));

  const workflow = loaders();
  const state = readiness(workflow, rest);

  expect(state).toEqual({
    ready: false,
    missingNodes: [
      { class: "UnetLoaderGGUF", pack: "ComfyUI-GGUF", source: "github city96/ComfyUI-GGUF" },
      { class: "Note" },
    ],
    missingModels: [],
  });
  expect(explainMissing(workflow, state)).toBe(
    'Workflow "loaders" (Loaders) needs the node UnetLoaderGGUF from ComfyUI-GGUF (github city96/ComfyUI-GGUF); the node Note, from a node pack its binding does not name; the model flux-Q8.gguf in models/unet (huggingface someone/flux).',
  );
});

function checkpoints(files: string[]): ObjectInfo {
  const sample = sampleWorkflow();
  const classes = Object.values(sample.graph).map((each) => [each.class_type, node({})]);
  return {
    ...Object.fromEntries(classes),
    CheckpointLoaderSimple: node({ ckpt_name: oldCombo(files) }),
  };
}

test.for<[string, string[], string | undefined]>([
  ["the graph's own file", ["a.safetensors", "sub/base.safetensors"], "sub/base.safetensors"],
  ["the first that is not avoided", ["Flux-dev.ckpt", "b.safetensors", "c.ckpt"], "b.safetensors"],
  ["none of the avoided ones", ["FLUX1.safetensors", "x/flux.ckpt"], undefined],
  ["nothing when there is nothing", [], undefined],
])("a slot for any model takes %s", ([, files, choice]) => {
  const state = readiness(sampleWorkflow(), checkpoints(files));

  expect(state.ready ? state.choices["4.ckpt_name"] : undefined).toBe(choice);
});

test.for<[string, string[], string | undefined]>([
  ["what suits best", ["x1.ckpt", "x4.ckpt", "base.safetensors"], "x4.ckpt"],
  ["what suits next when the best is not there", ["y.ckpt", "x2.ckpt"], "x2.ckpt"],
  [
    "the graph's own file among equals",
    ["a-base.ckpt", "z/base.safetensors"],
    "z/base.safetensors",
  ],
  ["the first of the list among equals", ["x2-b.ckpt", "x2-a.ckpt"], "x2-b.ckpt"],
  ["nothing that is avoided", ["x4-flux.ckpt", "X2.CKPT"], "X2.CKPT"],
  ["nothing that matches nothing", ["y.ckpt", "z.ckpt"], undefined],
])("a slot for matching models takes %s", ([, files, choice]) => {
  const need = { slot: "4.ckpt_name", any: true, folder: "checkpoints" };
  const workflow = sampleWorkflow({
    models: [{ ...need, match: ["x4", "x2|base"], avoid: ["flux"] }],
  });

  const state = readiness(workflow, checkpoints(files));

  expect(state.ready ? state.choices["4.ckpt_name"] : undefined).toBe(choice);
});

test("a file the caller has chosen is taken, even where nothing suits", () => {
  const info = checkpoints(["flux.ckpt"]);

  expect(readiness(sampleWorkflow(), info).ready).toBe(false);
  expect(readiness(sampleWorkflow(), info, { "4.ckpt_name": "flux.ckpt" })).toEqual({
    ready: true,
    choices: { "4.ckpt_name": "flux.ckpt" },
  });
});

test("a new answer of the same backend counts, not what was read of the last", () => {
  const workflow = sampleWorkflow();

  expect(readiness(workflow, checkpoints([])).ready).toBe(false);
  expect(readiness(workflow, checkpoints(["a.ckpt"])).ready).toBe(true);
  expect(readiness(workflow, checkpoints([])).ready).toBe(false);
});

test("a backend that has only avoided checkpoints is told so", () => {
  const workflow = sampleWorkflow();

  expect(
    explainMissing(workflow, readiness(workflow, checkpoints(["flux1-dev-fp8.safetensors"]))),
  ).toBe(
    'Workflow "sample" (Sample) needs a model such as base.safetensors in models/checkpoints; found only flux1-dev-fp8.safetensors, which it cannot use.',
  );
  expect(explainMissing(workflow, readiness(workflow, checkpoints([])))).toBe(
    'Workflow "sample" (Sample) needs a model such as base.safetensors in models/checkpoints.',
  );
  expect(explainMissing(workflow, readiness(workflow, checkpoints(["base.safetensors"])))).toBe(
    'Workflow "sample" (Sample) is ready.',
  );
});

test("a class named like a property every object has is not taken for a known one", () => {
  const workflow = compiled(
    { "1": { class_type: "constructor", inputs: {} } },
    { tool: "x", title: "X", description: "X.", parameters: {}, outputs: ["1"] },
  );

  expect(readiness(workflow, {})).toMatchObject({ missingNodes: [{ class: "constructor" }] });
});

function sampled(inputs: Record<string, string | number>): Workflow {
  return compiled(
    {
      "1": { class_type: "Sampler", inputs: { name: "euler", steps: 20, mode: "fast", ...inputs } },
      "2": { class_type: "Save", inputs: { images: ["1", 0] } },
      "9": { class_type: "Sampler", inputs: { name: "nobody asks", steps: -1, mode: "fast" } },
    },
    {
      tool: "generate_image",
      title: "Sampled",
      description: "Sampled.",
      parameters: { sampler: { slots: ["1.name"] } },
      outputs: ["2"],
    },
    "sampled",
  );
}

const samplerServer: ObjectInfo = {
  Sampler: node({
    name: oldCombo(["euler", "dpmpp_2m"]),
    steps: ["INT", { min: 1, max: 100 }],
    mode: newCombo(["fast", "slow"]),
  }),
  Save: { ...node({ images: ["IMAGE", {}] }), output_node: true },
};

test.for<[string, Record<string, string | number>, string]>([
  [
    "a name the server lacks",
    { name: "dpmpp_2n" },
    '1.name: "dpmpp_2n" is not a choice; did you mean dpmpp_2m',
  ],
  [
    "a choice of a newer node",
    { mode: "slower" },
    '1.mode: "slower" is not a choice; did you mean slow',
  ],
  ["a number above its range", { steps: 500 }, "1.steps: 500 is out of range; allowed 1 to 100"],
  ["a word for a number", { steps: "many" }, '1.steps: holds "many" where ComfyUI needs a number'],
])("a graph with %s is not ready, and says where", ([, inputs, reason]) => {
  const workflow = sampled(inputs);
  const state = readiness(workflow, samplerServer);

  expect(state.ready).toBe(false);
  expect(explainMissing(workflow, state)).toBe(
    `Workflow "sampled" (Sampled) needs another value at ${reason}.`,
  );
});

test("numbers as text, and nodes that no output needs, are no fault", () => {
  expect(readiness(sampled({ steps: "30" }), samplerServer)).toEqual({ ready: true, choices: {} });
});

test("a picture that lies in the graph must be on the server, unless calls replace it", () => {
  const graph: Graph = { "1": { class_type: "LoadImage", inputs: { image: "mine.png" } } };
  const info = { LoadImage: node({ image: [["other.png"], { image_upload: true }] }) };
  const state = (parameters: object) =>
    readiness(
      compiled(
        graph,
        { tool: "show", title: "Show", description: "Show.", parameters, outputs: ["1"] },
        "show",
      ),
      info,
    );

  expect(state({}).ready).toBe(false);
  expect(state({ image: { slots: ["1.image"] } }).ready).toBe(true);
});

test("an input that needs a link and has none is no readiness", () => {
  const server = {
    ...samplerServer,
    Save: { ...node({ images: ["IMAGE", {}], mask: ["MASK", {}] }), output_node: true },
  };
  const workflow = sampled({});
  const state = readiness(workflow, server);

  expect(explainMissing(workflow, state)).toContain(
    "2.mask: gets nothing, and ComfyUI needs a MASK",
  );
});
