import type { Backend } from "../comfy/backend.ts";
import { ExecutionFailedError, quote } from "../comfy/errors.ts";
import type { Outcome, RunStatus } from "../comfy/outcome.ts";
import { imageFiles } from "../comfy/outputs.ts";
import type { ImageStore } from "../images/store.ts";
import { keepPicture } from "./keep.ts";
import type { LiveTask } from "./live-task.ts";
import { type ImageRecord, imageIdFor } from "./task.ts";

type Completed = Extract<Outcome, { kind: "completed" }>;

export interface CollectPorts {
  images: ImageStore;
  deliverBySocket: boolean;
  /** Throws when the task is not this server's to work on any more. */
  check(): void;
  onStatus(status: RunStatus): void;
}

/** Brings the pictures of a run home. False when one that was made cannot be had. */
export async function collect(
  live: LiveTask,
  index: number,
  backend: Backend,
  outcome: Completed,
  ports: CollectPorts,
): Promise<boolean> {
  const pictures = await fetchAll(live, backend, outcome, ports);
  if (!pictures) return false;
  if (pictures.length === 0) {
    if (ports.deliverBySocket && !outcome.blocked) return false;
    const why = outcome.blocked ? `: ${quote(outcome.blocked)}` : " and reported no error";
    throw new ExecutionFailedError(`ComfyUI ended the run without a picture${why}.`);
  }
  const { draft, recipe } = live;
  const run = draft.runs[index];
  if (!run) throw new Error(`task ${live.id} has no run ${index}`);
  const images: ImageRecord[] = [];
  const notes: string[] = [];
  for (const [file, bytes] of pictures.entries()) {
    ports.check();
    const kept = await keepPicture(ports.images, draft, imageIdFor(draft, run, file), bytes);
    images.push({ ...kept.record, ...(run.seed === undefined ? {} : { seed: run.seed }) });
    notes.push(...kept.notes);
  }
  live.editRun(index, (edited, task) => {
    edited.images = images;
    edited.state = "completed";
    if (recipe.outputs.some((id) => outcome.cached.has(id))) edited.cached = true;
    task.warnings.push(...notes.filter((note) => !task.warnings.includes(note)));
  });
  return true;
}

async function fetchAll(
  live: LiveTask,
  backend: Backend,
  outcome: Completed,
  { onStatus }: CollectPorts,
): Promise<Buffer[] | undefined> {
  const pictures: Buffer[] = [];
  for (const id of live.recipe.outputs) {
    pictures.push(...(outcome.images[id] ?? []));
    for (const file of imageFiles(outcome.outputs[id])) {
      const bytes = await backend.persist(() => backend.fetchFile(file), onStatus, live.leave);
      if (!bytes) return undefined;
      pictures.push(bytes);
    }
  }
  return pictures;
}
