import { randomUUID } from "node:crypto";
import type { Placement as Place, Pool } from "../comfy/pool.ts";
import type { ObjectInfo } from "../comfy/protocol.ts";
import type { Picture } from "../workflows/pictures.ts";
import { choicesOn, type Recipe } from "../workflows/recipe.ts";
import type { HandOver } from "./hand-over.ts";
import type { Placement, Run } from "./task.ts";

/** One run per picture; a place that is known now spares a write before the POST. */
export function runsOf(
  recipe: Recipe,
  pictures: readonly Picture[],
  { pool, handOver }: { pool: Pool; handOver: HandOver },
  objectInfo: ObjectInfo,
): Run[] {
  const place = handOver.hasOnePlace
    ? pool.only(objectInfo, (info) => choicesOn(recipe, info))
    : undefined;
  return pictures.map((picture) => ({
    promptId: randomUUID(),
    state: "queued",
    images: [],
    ...picture,
    ...(place ? { at: placementOf(place) } : {}),
  }));
}

/** As it is recorded. */
export function placementOf({ backend, choices }: Place): Placement {
  const { url, version } = backend;
  return { backend: url, choices, ...(version === undefined ? {} : { comfyui: version }) };
}
