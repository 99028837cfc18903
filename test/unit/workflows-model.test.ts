import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import type { ObjectInfo } from "../../src/comfy/protocol.ts";
import { AppError } from "../../src/errors.ts";
import { bind } from "../../src/workflows/bind.ts";
import { Catalog, loadCatalog } from "../../src/workflows/catalog.ts";
import { chooseWorkflow } from "../../src/workflows/choose.ts";
import { recordedObjectInfo, sampleWorkflow } from "../fixtures/workflows/sample.ts";

const shipped = fileURLToPath(new URL("../../workflows", import.meta.url));
const { catalog } = await loadCatalog([{ dir: shipped, trusted: true }]);

function server(lists: Record<string, string[]> = {}): ObjectInfo {
  const info = recordedObjectInfo();
  for (const [slot, files] of Object.entries(lists)) {
    const [name = "", input = ""] = slot.split(".");
    const inputs = info[name]?.input.required;
    if (inputs) inputs[input] = [files, {}];
  }
  return info;
}

function chosen(tool: string, model: string, asked?: string, info = server(), from = catalog) {
  try {
    const { workflow, choices } = chooseWorkflow(from, tool, asked, info, { model });
    return `${workflow.name}: ${workflow.model && choices[workflow.model.text]}`;
  } catch (error) {
    if (error instanceof AppError) return `${error.code}: ${error.message}`;
    throw error;
  }
}

const checkpoints = {
  "CheckpointLoaderSimple.ckpt_name": [
    "SDXL\\Juggernaut_v9.safetensors",
    "hyperRealism.safetensors",
    "other/base.ckpt",
    "flux1-dev-fp8.safetensors",
  ],
};

test.for<[string, string, string]>([
  ["as listed", "SDXL\\Juggernaut_v9.safetensors", "SDXL\\Juggernaut_v9.safetensors"],
  ["with the other slash", "SDXL/Juggernaut_v9.safetensors", "SDXL\\Juggernaut_v9.safetensors"],
  ["by its base name", "Juggernaut_v9.safetensors", "SDXL\\Juggernaut_v9.safetensors"],
  ["in another folder", "there/base.ckpt", "other/base.ckpt"],
  ["without its ending, in any case", "juggernaut_V9", "SDXL\\Juggernaut_v9.safetensors"],
])("a model is found %s", ([, typed, file]) => {
  expect(chosen("generate_image", typed, undefined, server(checkpoints))).toBe(
    `checkpoint: ${file}`,
  );
});

test.for<[string, string, string | undefined, string]>([
  ["generate_image", "flux1-schnell.safetensors", undefined, "flux_schnell"],
  ["generate_image", "flux1-dev-fp8.safetensors", undefined, "flux_dev_checkpoint"],
  ["generate_image", "sdxl_lightning_8step.safetensors", undefined, "sdxl_lightning_8step"],
  ["generate_image", "v1-5-pruned-emaonly-fp16.safetensors", undefined, "checkpoint"],
  ["generate_image", "flux1-dev-Q8_0.gguf", "flux_dev_gguf_fp8clip", "flux_dev_gguf_fp8clip"],
  ["img2img", "z_image_turbo_bf16.safetensors", undefined, "z_image_turbo"],
  ["inpaint", "v1-5-pruned-emaonly-fp16.safetensors", undefined, "checkpoint"],
  ["upscale", "4x-ESRGAN.pth", undefined, "upscale_model"],
  ["upscale", "4x-ESRGAN.pth", "upscale_refine", "upscale_refine"],
])("%s with the model %s (workflow %s) runs %s", ([tool, model, asked, name]) => {
  expect(chosen(tool, model, asked)).toBe(`${name}: ${model}`);
});

test("the chosen file reaches the graph in place of the workflow's own", () => {
  const { workflow, choices } = chooseWorkflow(catalog, "generate_image", undefined, server(), {
    model: "v1-5-pruned-emaonly-fp16",
  });

  const graph = bind(workflow, { prompt: "x" }, choices);

  expect(graph["4"]?.inputs["ckpt_name"]).toBe("v1-5-pruned-emaonly-fp16.safetensors");
});

test.for<[string, string, string | undefined, string]>([
  ["a family", "sdxl", undefined, "checkpoint: SDXL\\Juggernaut_v9.safetensors"],
  [
    "a family in words",
    "Stable Diffusion XL",
    undefined,
    "checkpoint: SDXL\\Juggernaut_v9.safetensors",
  ],
  [
    "a part of a file's name",
    "juggernaut",
    undefined,
    "checkpoint: SDXL\\Juggernaut_v9.safetensors",
  ],
  ["a family of workflows", "schnell", undefined, "flux_schnell: flux1-schnell.safetensors"],
  ["a family for a workflow", "sdxl", "checkpoint", "checkpoint: SDXL\\Juggernaut_v9.safetensors"],
])("%s is a model too: %s", ([, typed, asked, expected]) => {
  expect(chosen("generate_image", typed, asked, server(checkpoints))).toBe(expected);
});

test("how a family was read is told, a file's name is not", () => {
  const note = (model: string) =>
    chooseWorkflow(catalog, "generate_image", undefined, server(checkpoints), { model }).note;

  expect(note("sdxl")).toBe('model: "sdxl" was read as SDXL\\Juggernaut_v9.safetensors.');
  expect(note("Juggernaut_v9")).toBeUndefined();
});

test("an empty model is none", () => {
  expect(chosen("generate_image", "")).toBe("flux_dev_gguf: flux1-dev-Q8_0.gguf");
});

test.for<[string, string, string, string | undefined, string]>([
  [
    "misspelt",
    "generate_image",
    "flux1-schnel.safetensors",
    undefined,
    'invalid_input: model: this ComfyUI has no "flux1-schnel.safetensors"; did you mean flux1-schnell.safetensors, flux1-dev.safetensors, flux1-schnell-fp8.safetensors?',
  ],
  [
    "unlike any there is",
    "upscale",
    "qqqqqqqqqqqqqqqqqqqqqqqq",
    undefined,
    'invalid_input: model: this ComfyUI has no "qqqqqqqqqqqqqqqqqqqqqqqq"; it has 4x-ESRGAN.pth, RealESRGAN_x4plus.safetensors.',
  ],
  [
    "for a tool that has no choice of models",
    "remove_background",
    "birefnet.safetensors",
    undefined,
    "invalid_input: model: remove_background has no workflow whose model can be chosen; leave it out.",
  ],
  [
    "for a workflow that has none",
    "upscale",
    "4x-ESRGAN.pth",
    "resample",
    'invalid_input: model: the workflow "resample" has no model to choose; upscale_model, upscale_refine have one, or leave it out.',
  ],
  [
    "of another workflow's folder",
    "generate_image",
    "flux1-schnell.safetensors",
    "checkpoint",
    'invalid_input: model: "flux1-schnell.safetensors" is not in the folder of the workflow "checkpoint"; it goes with flux_schnell.',
  ],
  [
    "that suits only others",
    "generate_image",
    "flux1-dev-fp8.safetensors",
    "checkpoint",
    'invalid_input: model: "flux1-dev-fp8.safetensors" does not suit the workflow "checkpoint"; it goes with flux_dev_checkpoint.',
  ],
  [
    "that is not there for an unknown workflow",
    "generate_image",
    "x",
    "checkpont",
    'not_found: The tool generate_image has no workflow "checkpont".',
  ],
])("a model is refused when it is %s", ([, tool, model, asked, refusal]) => {
  expect(chosen(tool, model, asked)).toContain(refusal);
});

test("a file that suits nothing by its name is taken where the workflow is named too", () => {
  const info = server(checkpoints);

  expect(chosen("generate_image", "hyperRealism", undefined, info)).toBe(
    'invalid_input: model: "hyperRealism" does not look as if it suited any workflow; to use it all the same, name one of flux_dev_checkpoint, flux_schnell_checkpoint, checkpoint, sdxl_lightning_8step, sdxl_lightning_4step as workflow.',
  );
  expect(chosen("generate_image", "hyperRealism", "checkpoint", info)).toBe(
    "checkpoint: hyperRealism.safetensors",
  );
});

test("a workflow that has the model but lacks something else says what", () => {
  const info = server({ "VAELoader.vae_name": [] });

  expect(chosen("generate_image", "flux1-schnell.safetensors", undefined, info)).toBe(
    'not_ready: No workflow of generate_image can run on this ComfyUI yet. Workflow "flux_schnell" (FLUX.1 schnell) needs a model such as ae.safetensors in models/vae (huggingface Comfy-Org/Lumina_Image_2.0_Repackaged, split_files/vae). Install that, restart ComfyUI if nodes were added, and try again.',
  );
});

test("a workflow whose binding says nothing about its files takes each its loader lists", () => {
  const mine = sampleWorkflow({ model: { slot: "4.ckpt_name" }, models: [] }, "mine");
  const all = server(checkpoints);
  // The sample leaves links out that ComfyUI's own classes need.
  const info = { ...all, Format: { ...all["SaveImage"], input: {} } } as ObjectInfo;
  info["KSampler"] = { ...all["KSampler"], input: {} } as ObjectInfo[string];

  expect(chosen("generate_image", "hyperRealism", undefined, info, new Catalog([mine]))).toBe(
    "mine: hyperRealism.safetensors",
  );
});
