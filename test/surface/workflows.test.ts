import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import type { ObjectInfo } from "../../src/comfy/protocol.ts";
import { inputSize } from "../../src/images/scale-input.ts";
import { bind } from "../../src/workflows/bind.ts";
import { bindingSchema } from "../../src/workflows/binding.ts";
import { loadCatalog } from "../../src/workflows/catalog.ts";
import { chooseWorkflow } from "../../src/workflows/choose.ts";
import { readiness } from "../../src/workflows/readiness.ts";
import { resolveParameters } from "../../src/workflows/resolve.ts";
import { toolParameters } from "../../src/workflows/schema.ts";
import { inputRules, renderSize, sizeRules } from "../../src/workflows/sizes.ts";
import type { Workflow } from "../../src/workflows/workflow.ts";
import { faults } from "../fixtures/workflows/faults.ts";
import { recordedObjectInfo } from "../fixtures/workflows/sample.ts";

const shipped = fileURLToPath(new URL("../../workflows", import.meta.url));
const { catalog } = await loadCatalog([{ dir: shipped, trusted: true }]);
const objectInfo = recordedObjectInfo();
const workflows = catalog.all().map((workflow): [string, Workflow] => {
  return [`${workflow.tool}/${workflow.name}`, workflow];
});

test("these workflows ship, in the order in which they are tried", () => {
  const names = Object.fromEntries(
    catalog.tools().map((tool) => [tool, catalog.ofTool(tool).map((each) => each.name)]),
  );

  expect(names).toEqual({
    generate_image: [
      "flux_dev_gguf",
      "flux_dev_gguf_fp8clip",
      "flux_dev",
      "flux_dev_checkpoint",
      "flux2_dev",
      "flux2_klein_9b",
      "qwen_image",
      "krea2_turbo",
      "z_image_turbo",
      "z_image",
      "flux2_klein_4b",
      "flux_schnell",
      "flux_schnell_checkpoint",
      "anima",
      "checkpoint",
      "sdxl_lightning_8step",
      "sdxl_lightning_4step",
    ],
    img2img: [
      "flux_kontext",
      "qwen_image_edit",
      "firered_edit",
      "flux2_dev",
      "flux2_klein_9b",
      "flux2_klein_4b",
      "flux_dev_gguf",
      "flux_dev_gguf_fp8clip",
      "flux_dev",
      "flux_dev_checkpoint",
      "qwen_image",
      "z_image_turbo",
      "flux_schnell",
      "flux_schnell_checkpoint",
      "checkpoint",
      "sdxl_lightning_8step",
      "sdxl_lightning_4step",
    ],
    inpaint: ["flux_fill", "checkpoint"],
    outpaint: ["flux_fill", "checkpoint"],
    remove_background: ["birefnet", "birefnet_ll", "rmbg_birefnet", "rmbg"],
    upscale: ["upscale_model", "resample", "upscale_refine"],
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

test.for(workflows)("%s says how to prompt it, in at most 300 characters", ([, { guide }]) => {
  expect(guide?.length).toBeGreaterThan(60);
  expect(guide?.length).toBeLessThanOrEqual(300);
});

test.for(workflows)("%s: what it does with sizes and masks is known", ([, workflow]) => {
  const { tool, keepsSize, makesSize, repaints } = workflow;
  const isEdit = ["img2img", "inpaint", "outpaint"].includes(tool);

  expect(makesSize).toBe(tool === "generate_image");
  expect(repaints).toBe(tool === "inpaint" || tool === "outpaint");
  if (isEdit) expect(keepsSize).toBe(true);
  if (tool === "upscale") expect(keepsSize).toBe(false);
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

test.for(workflows)("%s runs with the files its own graph names", ([, workflow]) => {
  const state = readiness(workflow, objectInfo);
  if (!state.ready) throw new Error("not ready");

  // What is there besides would be better only for inpainting, and no such checkpoint is recorded.
  expect(bind(workflow, {}, state.choices)).toEqual(workflow.graph);
});

test.for(workflows)("%s with its defaults is its own graph", ([, workflow]) => {
  const required = Object.values(workflow.parameters).filter((parameter) => parameter.required);
  const own = required.map(({ name, slots: [slot] }) => {
    return [name, workflow.graph[slot?.node ?? ""]?.inputs[slot?.input ?? ""]];
  });

  const { values, warnings } = resolveParameters(workflow, Object.fromEntries(own));

  expect(warnings).toEqual([]);
  expect(bind(workflow, values)).toEqual(workflow.graph);
});

test.for(workflows)("%s can be given a model, LoRAs and a quality, or none", ([, workflow]) => {
  const { tool, model, loras, presets, parameters, graph } = workflow;
  const outputType = ([id, output]: readonly [string, number]) =>
    objectInfo[graph[id]?.class_type ?? ""]?.output[output];

  expect(model !== undefined).toBe(tool !== "remove_background" && workflow.name !== "resample");
  const need = workflow.models.find((each) => each.slot === model?.text);
  expect(need?.any, "what the model slot takes").toBe(model && true);
  expect(loras && outputType(loras.model)).toBe(loras && "MODEL");
  expect(loras?.clip && outputType(loras.clip)).toBe(loras?.clip && "CLIP");
  const hasSampler = Object.keys(parameters).includes("steps") || /lightning/.test(workflow.name);
  expect(Object.keys(presets).length > 0).toBe(hasSampler);
  expect(loras !== undefined).toBe(hasSampler);
  for (const values of Object.values(presets)) {
    expect(faults(bind(workflow, values), objectInfo)).toEqual([]);
  }
});

test.for(workflows)(
  "%s scales no image itself, and says to what size they come",
  ([, workflow]) => {
    const { input, native, parameters } = workflow;
    const classes = Object.values(workflow.graph).map((node) => node.class_type);
    const isEdit = ["img2img", "inpaint", "outpaint"].includes(workflow.tool);

    expect(input !== undefined).toBe(isEdit);
    expect(native !== undefined).toBe(workflow.tool === "generate_image");
    expect("mask" in parameters).toBe(["inpaint", "outpaint"].includes(workflow.tool));
    if (isEdit) expect(classes.filter((name) => /Scale|Grow|Feather|Pad/.test(name))).toEqual([]);
  },
);

test("a mask is read from red, where white is repainted", () => {
  const masks = [...catalog.ofTool("inpaint"), ...catalog.ofTool("outpaint")].map((workflow) => {
    const [slot] = workflow.parameters["mask"]?.slots ?? [];
    return workflow.graph[slot?.node ?? ""];
  });

  expect(masks).toHaveLength(4);
  for (const node of masks) {
    expect(node).toMatchObject({ class_type: "LoadImageMask", inputs: { channel: "red" } });
  }
});

test("every slot for a Stable Diffusion checkpoint refuses the same files", () => {
  const lists = workflows
    .filter(([, { name }]) => name === "checkpoint" || name === "upscale_refine")
    .flatMap(([, { models }]) => models.filter((need) => need.slot === "4.ckpt_name"))
    .map((need) => need.avoid?.filter((each) => each !== "inpaint").join());

  expect(lists).toHaveLength(5);
  expect(new Set(lists).size).toBe(1);
});

/** Files under names of their own, as people keep them, and the workflow that is chosen. */
test.for<[string, string, string, string]>([
  ["generate_image", "UNETLoader.unet_name", "FLUX1/flux1-dev-fp8-e4m3fn.safetensors", "flux_dev"],
  ["generate_image", "UNETLoader.unet_name", "flux1-krea-dev_fp8_scaled.safetensors", "flux_dev"],
  ["generate_image", "UNETLoader.unet_name", "flux1-schnell-fp8.safetensors", "flux_schnell"],
  [
    "generate_image",
    "UNETLoader.unet_name",
    "qwen_image_2512_fp8_e4m3fn.safetensors",
    "qwen_image",
  ],
  ["generate_image", "UNETLoader.unet_name", "z-image-turbo-fp8.safetensors", "z_image_turbo"],
  ["generate_image", "UNETLoader.unet_name", "z_image_bf16.safetensors", "z_image"],
  ["generate_image", "UNETLoader.unet_name", "krea2_turbo_bf16.safetensors", "krea2_turbo"],
  ["generate_image", "UNETLoader.unet_name", "flux2-klein-4b.safetensors", "flux2_klein_4b"],
  ["generate_image", "UNETLoader.unet_name", "flux-2-klein-9b.safetensors", "flux2_klein_9b"],
  ["generate_image", "UNETLoader.unet_name", "anima_preview.safetensors", "anima"],
  ["generate_image", "UNETLoader.unet_name", "flux2-dev-bf16.safetensors", "flux2_dev"],
  ["generate_image", "UnetLoaderGGUF.unet_name", "flux1-dev-Q4_K_S.gguf", "flux_dev_gguf"],
  ["generate_image", ckpt(), "FLUX/flux1DevFp8_flux1-dev-fp8.safetensors", "flux_dev_checkpoint"],
  [
    "generate_image",
    ckpt(),
    "sub\\juggernautXL_lightning-4step.safetensors",
    "sdxl_lightning_4step",
  ],
  ["generate_image", ckpt(), "dreamshaper_8step_lightning.safetensors", "sdxl_lightning_8step"],
  ["generate_image", ckpt(), "ponyDiffusionV6XL.safetensors", "checkpoint"],
  ["img2img", "UNETLoader.unet_name", "flux1-kontext-dev.safetensors", "flux_kontext"],
  ["img2img", "UNETLoader.unet_name", "qwen_image_edit_2509_fp8.safetensors", "qwen_image_edit"],
  ["img2img", "UNETLoader.unet_name", "qwen_image_edit_2511_bf16.safetensors", "qwen_image_edit"],
  ["img2img", "UNETLoader.unet_name", "firered_image_edit_1.1_fp8.safetensors", "firered_edit"],
  ["inpaint", "UNETLoader.unet_name", "flux1-fill-dev_fp8.safetensors", "flux_fill"],
  ["inpaint", ckpt(), "sd-v1-5-inpainting.ckpt", "checkpoint"],
  ["upscale", "UpscaleModelLoader.model_name", "4x-UltraSharp.pth", "upscale_model"],
])("%s with only %s = %s chooses %s", ([tool, loader, file, name]) => {
  const info = withOnlyModel(loader, file);

  const { workflow, choices } = chooseWorkflow(catalog, tool, undefined, info);

  expect(workflow.name).toBe(name);
  expect(Object.values(choices)).toContain(file);
});

function ckpt(): string {
  return "CheckpointLoaderSimple.ckpt_name";
}

/** A backend with all encoders and VAEs, and of all other models this one. */
function withOnlyModel(loader: string, file: string): ObjectInfo {
  const info = recordedObjectInfo();
  const loaders = ["UNETLoader.unet_name", "UnetLoaderGGUF.unet_name", ckpt()];
  for (const each of [...loaders, "UpscaleModelLoader.model_name"]) {
    const [name = "", input = ""] = each.split(".");
    const inputs = info[name]?.input.required;
    if (inputs) inputs[input] = [each === loader ? [file] : [], {}];
  }
  return info;
}

test("an inpainting checkpoint goes before all others, and a large upscale model before a small", () => {
  const info = recordedObjectInfo();
  const lists: [string, string, string[]][] = [
    ["CheckpointLoaderSimple", "ckpt_name", ["sd_xl_base_1.0.safetensors", "512-inpainting.ckpt"]],
    ["UpscaleModelLoader", "model_name", ["1x_DeNoise.pth", "2x_sharp.pth", "4x_sharp.pth"]],
  ];
  for (const [name, input, files] of lists) {
    const inputs = info[name]?.input.required;
    if (inputs) inputs[input] = [files, {}];
  }
  const inpaint = chooseWorkflow(catalog, "inpaint", "checkpoint", info);
  const upscale = chooseWorkflow(catalog, "upscale", undefined, info);

  expect(inpaint.choices["4.ckpt_name"]).toBe("512-inpainting.ckpt");
  expect(upscale.choices["2.model_name"]).toBe("4x_sharp.pth");
});

test("without any model an image can still be enlarged, with a note that says how", () => {
  const info = withOnlyModel("", "");

  const { workflow } = chooseWorkflow(catalog, "upscale", undefined, info);

  expect(workflow.name).toBe("resample");
  expect(workflow.note).toContain("Plain Lanczos resampling");
});

test.for<[string, Record<string, number>]>([
  ["sd_xl_base_1.0.safetensors", { width: 1248, height: 832 }],
  ["v1-5-pruned-emaonly-fp16.safetensors", { width: 624, height: 416 }],
])("img2img brings a 3:2 photograph to what %s paints", ([file, size]) => {
  const info = withOnlyModel(ckpt(), file);

  for (const tool of ["img2img", "inpaint", "outpaint"]) {
    const { workflow, choices } = chooseWorkflow(catalog, tool, "checkpoint", info);
    const rules = inputRules(workflow, choices);
    expect(rules && inputSize({ width: 6000, height: 4000 }, rules)).toEqual(size);
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
      strength? number 0..1
      negative_prompt? string
      seed? integer 0..9007199254740991
      steps? integer 1..150
      guidance? number 0..30
      sampler? string
      scheduler? string
    inpaint
      prompt string
      image image
      mask image
      strength? number 0..1
      negative_prompt? string
      seed? integer 0..9007199254740991
      steps? integer 1..150
      guidance? number 0..50
    outpaint
      prompt? string
      image image
      mask image
      negative_prompt? string
      seed? integer 0..9007199254740991
      steps? integer 1..150
      guidance? number 0..50
    remove_background
      image image
    upscale
      prompt? string
      image image
      strength? number 0..1
      seed? integer 0..9007199254740991"
  `);
});

test("docs/workflows.md tells of every key of a binding", () => {
  const text = readFileSync(new URL("../../docs/workflows.md", import.meta.url), "utf8");

  for (const key of Object.keys(bindingSchema.shape)) expect(text).toContain(`\`${key}\``);
});
