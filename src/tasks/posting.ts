import type { Backend } from "../comfy/backend.ts";
import type { RunStatus } from "../comfy/outcome.ts";
import { shapeOutputs } from "../comfy/outputs.ts";
import type { Graph } from "../comfy/protocol.ts";
import type { PromptExtras } from "../comfy/run-request.ts";
import { resultExtensions } from "../images/media.ts";
import type { ImageStore } from "../images/store.ts";
import { graphOf } from "../workflows/recipe.ts";
import type { Value } from "../workflows/workflow.ts";
import type { LiveTask } from "./live-task.ts";
import { uploadEnding } from "./named-files.ts";
import type { Placement, Run } from "./task.ts";

export interface GraphOptions {
  /** Pictures come over the socket. */
  bySocket: boolean;
  /** From 1; ComfyUI's cache answers no second one. */
  attempt: number;
}

/** What ComfyUI gets to run; `uploaded` names the inputs that it has been sent. */
export function graphAt(
  { recipe }: LiveTask,
  { seed, prompt, negativePrompt }: Run,
  at: Placement,
  { bySocket, attempt }: GraphOptions,
  uploaded: Readonly<Record<string, Value>> = {},
): Graph {
  const values: Record<string, Value> = { ...uploaded };
  if (seed !== undefined) values["seed"] = seed;
  if (prompt !== undefined) values["prompt"] = prompt;
  if (negativePrompt !== undefined) values["negative_prompt"] = negativePrompt;
  return shapeOutputs(graphOf(recipe, values, at.choices), recipe.outputs, {
    bySocket: bySocket && !recipe.extraData,
    attempt,
  });
}

/** What a graph that was handed in is posted with. */
export function extrasOf({ recipe, draft }: LiveTask): PromptExtras | undefined {
  const { extraData: data, outputs: targets } = recipe;
  return data && { data, targets, ...draft.prompt?.order };
}

export interface SendPorts {
  images: ImageStore;
  /** Throws when the task is not this server's to work on any more. */
  check(): void;
  onStatus(status: RunStatus): void;
  /** Aborted when the inputs are not needed there any more. */
  until: AbortSignal;
}

/** Sees to it that a ComfyUI has the inputs of a task: by parameter, the names it knows them by. */
export async function sendInputs(
  { draft }: LiveTask,
  backend: Backend,
  { images, check, onStatus, until }: SendPorts,
): Promise<Record<string, Value>> {
  const names: Record<string, Value> = {};
  for (const [parameter, input] of Object.entries(draft.uploads)) {
    const { sha256, mimeType } = input;
    check();
    names[parameter] = await backend.upload(
      `${sha256.slice(0, 32)}.${uploadEnding(input, resultExtensions[mimeType])}`,
      sha256,
      () => images.readInput(sha256, mimeType),
      onStatus,
      until,
    );
  }
  check();
  return names;
}
