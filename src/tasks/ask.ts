import type { RunStatus } from "../comfy/outcome.ts";
import type { Sort } from "../comfy/paces.ts";
import type { Turn, Waiting } from "../comfy/placement.ts";
import type { ObjectInfo } from "../comfy/protocol.ts";
import { type Choices, choicesOn, type Recipe } from "../workflows/recipe.ts";
import type { LiveTask } from "./live-task.ts";
import type { Task } from "./task.ts";
import type { Ticket } from "./ticket.ts";

/** A run that asks for its place. */
export interface Ask {
  live: LiveTask;
  promptId: string;
  priority: { level: number; own: number };
  /** It had one, and is placed anew. */
  turn: Turn | undefined;
  /** Aborted when it is let go of, or not wanted any more. */
  signals: readonly AbortSignal[];
  onStatus(status: RunStatus): void;
}

/** One that waits here. */
export interface Entry extends Waiting {
  ask: Ask;
  able: ReadonlySet<string>;
  since: Date;
  /** What it was last told of its waiting. */
  told: string | number | undefined;
  resolve(ticket: Ticket): void;
  reject(error: unknown): void;
}

/** What tells how long a run of this task takes. */
export function sortOf({ workflow, params, prompt }: Task, { files }: Recipe): Sort {
  const amount = (name: string) => {
    const value = params[name];
    return typeof value === "number" && value > 0 ? value : undefined;
  };
  const [width, height] = [amount("width"), amount("height")];
  const pixels = width && height ? (width * height) / 1e6 : 1;
  // LoRAs are small beside the model they are laid over.
  const models = Object.entries(files).flatMap(([slot, file]) =>
    slot.endsWith(".lora_name") ? [] : [file],
  );
  const model = [...new Set(models)].sort().join(", ");
  return {
    // Graphs that are handed in have no name of their own.
    workflow: prompt ? `${workflow} with ${model}` : workflow,
    model,
    effort: (amount("steps") ?? 1) * pixels,
  };
}

/** Which backends have what a recipe needs; looked up once for each of both. */
export class Installed {
  readonly #known = new WeakMap<Recipe, WeakMap<ObjectInfo, Choices | "lacks">>();

  choices(recipe: Recipe, objectInfo: ObjectInfo | undefined): Choices | undefined {
    if (!objectInfo) return undefined;
    const ofRecipe = this.#known.get(recipe) ?? new WeakMap<ObjectInfo, Choices | "lacks">();
    this.#known.set(recipe, ofRecipe);
    const known = ofRecipe.get(objectInfo) ?? choicesOn(recipe, objectInfo) ?? "lacks";
    ofRecipe.set(objectInfo, known);
    return known === "lacks" ? undefined : known;
  }

  ableOf(
    recipe: Recipe,
    backends: readonly { name: string; objectInfo: ObjectInfo | undefined }[],
  ): Set<string> {
    const able = backends.filter(({ objectInfo }) => this.choices(recipe, objectInfo));
    return new Set(able.map(({ name }) => name));
  }
}
