import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { type Graph, type InputSpec, isLink, type ObjectInfo } from "../../src/comfy/protocol.ts";
import { bind } from "../../src/workflows/bind.ts";
import { loadCatalog } from "../../src/workflows/catalog.ts";
import { chooseWorkflow } from "../../src/workflows/choose.ts";
import { comboChoices } from "../../src/workflows/combo.ts";
import { readiness } from "../../src/workflows/readiness.ts";
import { resolveParameters } from "../../src/workflows/resolve.ts";
import { toolParameters } from "../../src/workflows/schema.ts";
import { renderSize, sizeRules } from "../../src/workflows/sizes.ts";
import type { Workflow } from "../../src/workflows/workflow.ts";
import { recordedObjectInfo } from "../fixtures/workflows/sample.ts";

const shipped = fileURLToPath(new URL("../../workflows", import.meta.url));
const { catalog } = await loadCatalog([{ dir: shipped, trusted: true }]);
const objectInfo = recordedObjectInfo();
const workflows = catalog.all().map((workflow): [string, Workflow] => {
  return [`${workflow.tool}/${workflow.name}`, workflow];
});

/** What a ComfyUI with these nodes would refuse, or fail on while it runs. */
function faults(graph: Graph, info: ObjectInfo): string[] {
  return Object.entries(graph).flatMap(([id, node]) => {
    const known = info[node.class_type];
    if (!known) return [`${id}: unknown class ${node.class_type}`];
    const { required = {}, optional = {} } = known.input;
    const missing = Object.keys(required).filter((input) => !(input in node.inputs));
    const given = Object.entries(node.inputs).flatMap(([input, value]) => {
      const spec = required[input] ?? optional[input];
      const fault = spec ? inputFault(graph, info, spec, value) : "is not an input";
      return fault === undefined ? [] : [`${id}.${input} (${node.class_type}) ${fault}`];
    });
    return [...missing.map((input) => `${id}.${input} is missing`), ...given];
  });
}

function inputFault(graph: Graph, info: ObjectInfo, spec: InputSpec, value: unknown) {
  const [type, options = {}] = spec;
  if (isLink(value)) {
    const output = info[graph[value[0]]?.class_type ?? ""]?.output[value[1]];
    return output === type ? undefined : `is ${type} but linked to ${output}`;
  }
  if (options["image_upload"] === true) return undefined;
  const choices = comboChoices({ ...emptyNode, input: { required: { it: spec } } }, "it");
  if (choices) return choices.includes(String(value)) ? undefined : `has no choice ${value}`;
  return literalFault(type, options, value);
}

const emptyNode = { input: {}, output: [], name: "", output_node: false };

function literalFault(type: unknown, options: Record<string, unknown>, value: unknown) {
  const { min = -Infinity, max = Infinity } = options as { min?: number; max?: number };
  switch (type) {
    case "INT":
    case "FLOAT":
      if (typeof value !== "number") return "is not a number";
      if (type === "INT" && !Number.isInteger(value)) return "is not whole";
      return value < min || value > max ? `${value} is not within ${min} and ${max}` : undefined;
    case "STRING":
      return typeof value === "string" ? undefined : "is not text";
    case "BOOLEAN":
      return typeof value === "boolean" ? undefined : "is not true or false";
    default:
      return `needs a link to ${type}`;
  }
}

test("these workflows ship, in the order in which they are tried", () => {
  const names = Object.fromEntries(
    catalog.tools().map((tool) => [tool, catalog.ofTool(tool).map((each) => each.name)]),
  );

  expect(names).toEqual({
    generate_image: ["flux_dev_gguf", "flux_dev_gguf_fp8clip", "checkpoint"],
    img2img: ["checkpoint"],
    remove_background: ["birefnet", "birefnet_ll"],
  });
});

test.for(workflows)("%s is a graph a recorded ComfyUI takes as it is", ([, workflow]) => {
  expect(faults(workflow.graph, objectInfo)).toEqual([]);
});

test.for(workflows)("%s is ready on a recorded ComfyUI that has its models", ([, workflow]) => {
  expect(readiness(workflow, objectInfo)).toMatchObject({ ready: true });
});

test.for(workflows)("%s with everything set at its limits is still taken", ([, workflow]) => {
  const state = readiness(workflow, objectInfo);
  if (!state.ready) throw new Error("not ready");
  for (const side of ["minimum", "maximum"] as const) {
    const args = Object.values(workflow.parameters).flatMap((parameter) => {
      const limit = parameter[side] ?? (parameter.required ? "text" : undefined);
      return limit === undefined ? [] : [[parameter.name, limit]];
    });
    const { values, warnings } = resolveParameters(workflow, Object.fromEntries(args));

    expect(warnings).toEqual([]);
    expect(faults(bind(workflow, values, state.choices), objectInfo)).toEqual([]);
  }
});

test.for(workflows)("%s saves a PNG into a folder of its own", ([, workflow]) => {
  const outputs = workflow.outputs.map((id) => workflow.graph[id]);

  expect(outputs.map((node) => node?.class_type)).toEqual(["SaveImage"]);
  // ComfyUI makes the part before the slash a subfolder of its output folder.
  expect(outputs[0]?.inputs["filename_prefix"]).toMatch(/^comfy-easel\/[a-z0-9_]+$/);
});

test.for(workflows)("%s is written the way ComfyUI writes an export", ([, workflow]) => {
  const text = readFileSync(workflow.file, "utf8");

  expect(JSON.stringify(JSON.parse(text), null, 2)).toBe(text);
  for (const [id, node] of Object.entries(workflow.graph)) {
    expect(id).toMatch(/^\d+$/);
    expect(Object.keys(node)).toEqual(["inputs", "class_type", "_meta"]);
    expect(node._meta?.title).toBeTruthy();
  }
});

test.for(workflows)("%s declares where each of its models comes from", ([, workflow]) => {
  const named = Object.entries(workflow.graph).flatMap(([id, node]) =>
    Object.entries(node.inputs).flatMap(([input, value]) =>
      /\.(safetensors|gguf)$/.test(String(value)) ? [{ slot: `${id}.${input}`, file: value }] : [],
    ),
  );

  for (const { slot, file } of named) {
    const need = workflow.models.find((each) => each.slot === slot || each.file === file);
    expect(need?.source, slot).toBeTruthy();
  }
});

test("the FLUX graph keeps the node ids its users' scripts rely on", () => {
  const { graph } = catalog.get("generate_image", "flux_dev_gguf");

  expect(graph["46"]).toMatchObject({
    class_type: "EmptySD3LatentImage",
    inputs: { width: 1024, height: 1024, batch_size: 1 },
  });
  expect(Object.keys(graph["47"]?.inputs ?? {})).toContain("text");
  expect(graph["63"]?.class_type).toBe("SaveImage");
});

test("a FLUX size reaches the latent and the model's sampling alike", () => {
  const workflow = catalog.get("generate_image", "flux_dev_gguf");
  const rules = sizeRules(workflow, {});
  if (!rules) throw new Error("no size rules");

  const { render, deliver } = renderSize({ width: 1920, height: 1080 }, rules);
  const graph = bind(workflow, { prompt: "x", ...render });

  expect(deliver).toEqual({ width: 1920, height: 1080 });
  for (const id of ["46", "61"]) {
    expect(graph[id]?.inputs).toMatchObject({ width: 1920, height: 1088 });
  }
});

test.for<[string, number | undefined]>([
  ["sd_xl_base_1.0.safetensors", 1024],
  ["dreamshaperXL_v21.safetensors", 1024],
  ["juggernautXL_v9.safetensors", 1024],
  ["v1-5-pruned-emaonly-fp16.safetensors", 512],
  ["SD1.5/dreamshaper_8.safetensors", 512],
  ["realisticVisionV60B1.safetensors", 512],
  ["v2-1_768-ema-pruned.safetensors", 768],
  ["flux1-dev-fp8.safetensors", undefined],
  ["sd_xl_refiner_1.0.safetensors", undefined],
  ["sdxl_lightning_4step.safetensors", undefined],
  ["sd3.5_large_fp8_scaled.safetensors", undefined],
  ["sd-v1-5-inpainting.ckpt", undefined],
  ["svd_xt.safetensors", undefined],
])("the checkpoint workflow paints with %s at %s pixels a side", ([file, side]) => {
  const info = recordedObjectInfo();
  const loader = info["CheckpointLoaderSimple"]?.input.required;
  if (loader) loader["ckpt_name"] = [[file], {}];
  const workflow = catalog.get("generate_image", "checkpoint");

  const state = readiness(workflow, info);
  const rules = state.ready ? sizeRules(workflow, state.choices) : undefined;

  expect(rules && renderSize({}, rules).render.width).toBe(side);
});

test("a prompt alone is enough for a picture", () => {
  const { workflow, choices } = chooseWorkflow(catalog, "generate_image", undefined, objectInfo);

  expect(workflow.parameters).not.toHaveProperty("negative_prompt");
  expect(resolveParameters(workflow, { prompt: "x", negative_prompt: "y" }).warnings).toEqual([
    "negative_prompt is not used by flux_dev_gguf: it takes prompt, width, height, seed, steps, guidance.",
  ]);
  const { values } = resolveParameters(workflow, { prompt: "x" });
  expect(faults(bind(workflow, values, choices), objectInfo)).toEqual([]);
});

test("every description of a tool's parameters is short and there is one for each", () => {
  for (const tool of catalog.tools()) {
    for (const { name, description } of toolParameters(catalog, tool)) {
      expect(description.length, name).toBeGreaterThan(15);
      expect(description.length, name).toBeLessThanOrEqual(110);
    }
  }
});

test("the tools have these parameters", () => {
  const lines = catalog.tools().map((tool) => {
    const parameters = toolParameters(catalog, tool).map((each) => {
      const { name, type, required, minimum, maximum, default: own } = each;
      const range = minimum === undefined ? "" : ` ${minimum}..${maximum}`;
      return `${name}${required ? "" : "?"} ${type}${range}${own === undefined ? "" : ` = ${own}`}`;
    });
    return [tool, ...parameters].join("\n  ");
  });

  expect(lines.join("\n")).toMatchInlineSnapshot(`
    "generate_image
      prompt string
      negative_prompt? string
      width? integer 64..4096
      height? integer 64..4096
      seed? integer 0..9007199254740991
      steps? integer 1..150
      guidance? number 0..30
      sampler? string
      scheduler? string
    img2img
      prompt string
      image image
      strength? number 0..1 = 0.6
      negative_prompt? string
      seed? integer 0..9007199254740991
      steps? integer 1..150 = 25
      guidance? number 0..30 = 7
      sampler? string = dpmpp_2m
      scheduler? string = karras
    remove_background
      image image"
  `);
});
