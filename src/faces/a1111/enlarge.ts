import type { Size } from "../../images/raster.ts";
import type { OutputFormat, TaskRequest } from "../../workflows/request.ts";
import type { Workflow } from "../../workflows/workflow.ts";
import { chooseWorkflow, takes } from "../shared/choose.ts";
import type { Here } from "../shared/here.ts";
import { fileOf } from "../shared/names.ts";
import { noEffect } from "../shared/warnings.ts";

/** A picture that is to be larger. */
export interface Enlargement {
  /** Id of a picture or an input. */
  image: string;
  /** Pixels; 0 for a side that follows from the other. */
  size: Size;
  upscaler: string | undefined;
  /** The field that names it. */
  field: string;
  /** How much is repainted, 0-1; undefined for nothing. */
  strength?: number | undefined;
  prompt?: string | undefined;
  seed?: number | undefined;
}

/** Upscalers of the web UI that are no model. */
export const plainUpscalers = ["None", "Lanczos"] as const;

/** The request of our `upscale` for it. */
export function enlarge(
  wanted: Enlargement,
  here: Here,
  outputFormat: OutputFormat,
): { request: TaskRequest; warnings: string[] } {
  const { image, size, strength, prompt = "", seed } = wanted;
  const { model, isPlain, warnings } = upscalerOf(wanted, here);
  const chosen = workflowFor(isPlain && strength === undefined, model, strength, here);
  const repaints = strength !== undefined && chosen !== undefined && takes(chosen, "strength");
  if (strength !== undefined && !repaints) {
    warnings.push(noEffect("denoising_strength", "no workflow that enlarges and repaints can run"));
  }
  const request: TaskRequest = {
    outputFormat,
    parameters: {
      image,
      ...(size.width > 0 ? { width: size.width } : {}),
      ...(size.height > 0 ? { height: size.height } : {}),
      ...(repaints ? { strength, prompt } : {}),
    },
  };
  if (chosen) request.workflow = chosen.name;
  if (model !== undefined) request.model = model;
  if (repaints && seed !== undefined) request.seed = seed;
  return { request, warnings };
}

function upscalerOf(
  { upscaler = "None", field }: Enlargement,
  { installed }: Here,
): { model: string | undefined; isPlain: boolean; warnings: string[] } {
  const wanted = upscaler.toLowerCase();
  if (plainUpscalers.some((name) => name.toLowerCase() === wanted)) {
    return { model: undefined, isPlain: true, warnings: [] };
  }
  const files = installed.models.filter(({ tool }) => tool === "upscale");
  const model = fileOf(
    upscaler,
    files.flatMap((each) => each.files),
  );
  if (model !== undefined) return { model, isPlain: false, warnings: [] };
  const why = `${JSON.stringify(upscaler.slice(0, 60))} is not installed on this ComfyUI`;
  return { model, isPlain: false, warnings: [noEffect(field, why)] };
}

/** The one without a model, or one that repaints, or whichever is tried first. */
function workflowFor(
  isPlain: boolean,
  model: string | undefined,
  strength: number | undefined,
  { workflows, installed }: Here,
): Workflow | undefined {
  const simple = workflows.find(
    ({ workflow, ready }) => ready && workflow.tool === "upscale" && !workflow.model,
  );
  if (isPlain && simple) return simple.workflow;
  const wishes = strength === undefined ? [] : [{ parameter: "strength" }];
  const wanted = { tool: "upscale", wishes, effort: undefined, hasLoras: false, model };
  return chooseWorkflow(workflows, installed.models, wanted);
}
