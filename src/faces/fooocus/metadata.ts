import type { ImageRecord, Task } from "../../tasks/task.ts";
import { version } from "../../version.ts";
import { infotext, modelFileOf } from "../shared/infotext.ts";
import type { PictureText } from "../shared/picture-text.ts";
import { callOf } from "./call.ts";
import { dumps } from "./python-json.ts";

/** How a picture was made, as Fooocus writes it: JSON, or the lines of AUTOMATIC1111's web UI. */
export function metadataOf(task: Task, image: ImageRecord): Required<PictureText> {
  const params = callOf(task)?.params ?? {};
  const run = task.runs.find(({ images }) => images.some(({ id }) => id === image.id));
  const prompt = String(params["prompt"] ?? task.params["prompt"] ?? "");
  const negative = String(params["negative_prompt"] ?? task.params["negative_prompt"] ?? "");
  const model = modelFileOf(run);
  const made: Made = {
    task,
    image,
    params,
    model,
    given: { prompt, negative },
    whole: { prompt: run?.prompt ?? prompt, negative: run?.negativePrompt ?? negative },
  };
  return params["metadata_scheme"] === "a1111"
    ? {
        scheme: "a1111",
        text: infotext({
          task,
          image,
          model,
          prompt: made.whole.prompt,
          negative: made.whole.negative,
        }),
      }
    : { scheme: "fooocus", text: jsonOf(made) };
}

interface Made {
  task: Task;
  image: ImageRecord;
  params: Readonly<Record<string, unknown>>;
  model: string;
  given: { prompt: string; negative: string };
  /** With what styles and wildcards made of them. */
  whole: { prompt: string; negative: string };
}

function jsonOf({ task, image, params, model, given, whole }: Made): string {
  const { steps, sampler, scheduler, guidance } = task.params;
  return dumps({
    prompt: given.prompt,
    full_prompt: [whole.prompt],
    negative_prompt: given.negative,
    full_negative_prompt: [whole.negative],
    styles: params["style_selections"] ?? [],
    performance: params["performance_selection"] ?? "Speed",
    steps,
    resolution: `(${image.width}, ${image.height})`,
    guidance_scale: guidance,
    base_model: model,
    refiner_model: params["refiner_model_name"] ?? "None",
    sampler,
    scheduler,
    seed: String(image.seed ?? ""),
    loras: (task.loras ?? []).map(({ name, weight }) => [name, weight]),
    metadata_scheme: "fooocus",
    version: `comfy-easel ${version}`,
  });
}
