import type { ObjectInfo } from "../comfy/protocol.ts";
import { AppError } from "../errors.ts";
import type { Catalog } from "../workflows/catalog.ts";
import { readiness } from "../workflows/readiness.ts";

/**
 * Nobody can draw a mask in a chat, but an editing model needs none: such a workflow takes a picture
 * and words, and no strength, for it does not start from the picture's noise.
 */
export function withEditingModel(
  error: unknown,
  catalog: Catalog,
  objectInfo: ObjectInfo,
): unknown {
  if (!(error instanceof AppError) || error.code !== "invalid_input") return error;
  const [ready] = catalog
    .ofTool("img2img")
    .filter(({ parameters }) => parameters["prompt"] && !parameters["strength"])
    .filter((workflow) => readiness(workflow, objectInfo).ready);
  const way = ready
    ? `Without a mask, call img2img with the same image and prompt: its workflow ${ready.name} edits what the words name and keeps the rest.`
    : "To edit in words alone, ComfyUI needs an editing model such as FLUX.1 Kontext or Qwen-Image-Edit: list_workflows names the files for img2img. What img2img can run now repaints the whole picture.";
  return new AppError("invalid_input", `${error.message} ${way}`, { cause: error });
}
