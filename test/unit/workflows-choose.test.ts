import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import type { ObjectInfo } from "../../src/comfy/protocol.ts";
import { AppError } from "../../src/errors.ts";
import { type Catalog, loadCatalog } from "../../src/workflows/catalog.ts";
import { chooseWorkflow } from "../../src/workflows/choose.ts";
import { recordedObjectInfo } from "../fixtures/workflows/sample.ts";

const shipped = fileURLToPath(new URL("../../workflows", import.meta.url));
const { catalog } = await loadCatalog([{ dir: shipped, trusted: true }]);

function serverWithout(classes: string[], lists: Record<string, string[]> = {}): ObjectInfo {
  const info = recordedObjectInfo();
  for (const name of classes) delete info[name];
  for (const [slot, files] of Object.entries(lists)) {
    const [name = "", input = ""] = slot.split(".");
    const inputs = info[name]?.input.required;
    if (inputs) inputs[input] = [files, {}];
  }
  return info;
}

function refusal(server: ObjectInfo, tool: string, asked?: string, from: Catalog = catalog) {
  try {
    return chooseWorkflow(from, tool, asked, server).workflow.name;
  } catch (error) {
    if (error instanceof AppError) return `${error.code}: ${error.message}`;
    throw error;
  }
}

test("the first ready workflow is taken, with the backend's model files", () => {
  const { workflow, choices } = chooseWorkflow(
    catalog,
    "generate_image",
    undefined,
    recordedObjectInfo(),
  );

  expect(workflow.name).toBe("flux_dev_gguf");
  expect(choices).toEqual({
    "10.vae_name": "ae.safetensors",
    "11.clip_name1": "t5-v1_1-xxl-encoder-Q8_0.gguf",
    "11.clip_name2": "clip_l.safetensors",
    "12.unet_name": "flux1-dev-Q8_0.gguf",
  });
});

test.for<[string, string[], Record<string, string[]>, string, string]>([
  [
    "without the GGUF text encoder",
    ["DualCLIPLoaderGGUF"],
    {},
    "generate_image",
    "flux_dev_gguf_fp8clip",
  ],
  ["without the GGUF pack", ["UnetLoaderGGUF"], {}, "generate_image", "flux_dev"],
  ["without core BiRefNet nodes", ["RemoveBackground"], {}, "remove_background", "birefnet_ll"],
  [
    "with neither BiRefNet nodes nor their pack",
    ["RemoveBackground", "RembgByBiRefNet"],
    {},
    "remove_background",
    "rmbg_birefnet",
  ],
  [
    "with any checkpoint and no other model",
    ["UNETLoader", "UnetLoaderGGUF"],
    { "CheckpointLoaderSimple.ckpt_name": ["my.ckpt"] },
    "img2img",
    "checkpoint",
  ],
])("a backend %s runs what it can", ([, classes, lists, tool, name]) => {
  expect(refusal(serverWithout(classes, lists), tool)).toBe(name);
});

test("the workflow asked for is taken even when an earlier one is ready", () => {
  expect(refusal(recordedObjectInfo(), "generate_image", "checkpoint")).toBe("checkpoint");
});

test("a parameter that counts chooses the first ready workflow that takes it", () => {
  const server = recordedObjectInfo();
  const chosen = (taking: string[]) =>
    chooseWorkflow(catalog, "img2img", undefined, server, { taking }).workflow.name;

  expect(chosen([])).toBe("flux_kontext");
  expect(chosen(["strength"])).toBe("flux_dev_gguf");
  expect(chosen(["strength", "nobody_has_this"])).toBe("flux_kontext");
});

const noDiffusion = { "UNETLoader.unet_name": [], "UnetLoaderGGUF.unet_name": [] };

test("asking for one that is not ready says what it lacks and what is ready instead", () => {
  const server = serverWithout(["UnetLoaderGGUF"], {
    "UNETLoader.unet_name": [],
    "CheckpointLoaderSimple.ckpt_name": ["my.ckpt"],
  });

  expect(refusal(server, "generate_image", "flux_dev_gguf")).toBe(
    'not_ready: Workflow "flux_dev_gguf" (FLUX.1 dev (GGUF)) needs the node UnetLoaderGGUF from ComfyUI-GGUF (github city96/ComfyUI-GGUF); a model such as flux1-dev-Q8_0.gguf in models/unet (huggingface city96/FLUX.1-dev-gguf). Ready now: checkpoint.',
  );
});

test("with nothing ready the easiest way to get going is named", () => {
  const server = serverWithout([], { ...noDiffusion, "CheckpointLoaderSimple.ckpt_name": [] });

  expect(refusal(server, "inpaint")).toBe(
    'not_ready: No workflow of inpaint can run on this ComfyUI yet. Workflow "flux_fill" (FLUX.1 Fill, inpainting) needs a model such as flux1-fill-dev.safetensors in models/diffusion_models (huggingface Comfy-Org/flux1-dev, split_files/diffusion_models). Or: Workflow "checkpoint" (Stable Diffusion checkpoint, inpainting) needs a model such as sd_xl_base_1.0.safetensors in models/checkpoints (huggingface stabilityai/stable-diffusion-xl-base-1.0). Install that, restart ComfyUI if nodes were added, and try again.',
  );
  expect(refusal(server, "inpaint", "checkpoint")).toContain(
    "No other workflow of inpaint is ready either.",
  );
});

test("a way that takes fewer things to install is named alone", () => {
  const server = serverWithout([], {
    ...noDiffusion,
    "VAELoader.vae_name": [],
    "CheckpointLoaderSimple.ckpt_name": [],
  });

  expect(refusal(server, "inpaint")).toContain('"checkpoint"');
  expect(refusal(server, "inpaint")).not.toContain('"flux_fill"');
});

test("node packs that are missing are named with their source", () => {
  const message = refusal(
    serverWithout(["RemoveBackground", "RembgByBiRefNet", "BiRefNetRMBG", "RMBG"]),
    "remove_background",
  );

  expect(message).toContain("from ComfyUI 0.21.0 or newer");
  expect(message).toContain('Or: Workflow "birefnet_ll"');
});

test("a tool or workflow nobody has is not found", () => {
  expect(refusal({}, "paint")).toBe('not_found: No workflow serves the tool "paint".');
  expect(refusal({}, "generate_image", "sdxl")).toContain(
    'not_found: The tool generate_image has no workflow "sdxl".',
  );
});
