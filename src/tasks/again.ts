import type { Install } from "../comfy/installs.ts";
import type { Pool } from "../comfy/pool.ts";
import { AppError } from "../errors.ts";
import { choicesOn, type Recipe } from "../workflows/recipe.ts";
import type { HandOver } from "./hand-over.ts";
import { runsOf } from "./runs.ts";
import type { Run, Task } from "./task.ts";

/** What is the same when a task is made again, and what is told where it may not be. */
export interface Again {
  runs: Run[];
  notes: string[];
}

/**
 * The runs of a task once more: its recipe and seeds, with no catalogue asked. Throws `not_ready`
 * where no ComfyUI has its nodes and files any more.
 */
export function againOf(
  task: Task,
  recipe: Recipe,
  where: { pool: Pool; handOver: HandOver },
  installs: readonly Install[],
): Again {
  const able = installs.find(({ objectInfo }) => choicesOn(recipe, objectInfo));
  if (!able) {
    throw new AppError(
      "not_ready",
      `Task ${task.id} cannot be made again: ComfyUI lacks a node or a model file of it (${Object.values(recipe.files).join(", ") || "its nodes"}).`,
    );
  }
  const runs = runsOf(recipe, task.runs.map(pictureOf), where, able.objectInfo);
  return { runs, notes: doubts(task, runs) };
}

function pictureOf({ seed, prompt, negativePrompt }: Run) {
  return {
    ...(seed === undefined ? {} : { seed }),
    ...(prompt === undefined ? {} : { prompt }),
    ...(negativePrompt === undefined ? {} : { negativePrompt }),
  };
}

/** Why the pictures may differ from the ones on record. */
function doubts({ runs, packs = [] }: Task, next: readonly Run[]): string[] {
  const then = runs.find(({ at }) => at?.comfyui)?.at?.comfyui;
  const now = next.find(({ at }) => at?.comfyui)?.at?.comfyui;
  const notes: string[] = [];
  if (then === undefined || now === undefined) {
    notes.push("Whether ComfyUI is the version of then is not known; the pictures may differ.");
  } else if (then !== now) {
    notes.push(`ComfyUI was ${then} then and is ${now} now; the pictures may differ.`);
  }
  if (packs.length > 0) {
    notes.push(
      `It uses node packs (${packs.join(", ")}), whose versions ComfyUI does not tell; the pictures may differ.`,
    );
  }
  return notes;
}
