import type { Backend } from "../comfy/backend.ts";
import { ExecutionFailedError, quote } from "../comfy/errors.ts";
import type { Outcome, RunStatus } from "../comfy/outcome.ts";
import { pictureBeside, resultFiles } from "../comfy/outputs.ts";
import type { OutputFile } from "../comfy/protocol.ts";
import { sniffMedia } from "../images/media.ts";
import type { ImageStore } from "../images/store.ts";
import { keepResult } from "./keep.ts";
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

/** Brings the results of a run home. False when one that was made cannot be had. */
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
    throw new ExecutionFailedError(`ComfyUI ended the run without a result${why}.`);
  }
  const { draft, recipe } = live;
  const run = draft.runs[index];
  if (!run) throw new Error(`task ${live.id} has no run ${index}`);
  const images: ImageRecord[] = [];
  const notes: string[] = [];
  for (const [file, { node, bytes, still }] of pictures.entries()) {
    ports.check();
    const id = imageIdFor(draft, run, file);
    const kept = await keepResult(ports.images, draft, id, bytes, still);
    images.push({
      ...kept.record,
      ...(run.seed === undefined ? {} : { seed: run.seed }),
      ...(recipe.outputs.length > 1 ? { node } : {}),
    });
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

interface Fetched {
  node: string;
  bytes: Buffer;
  /** A picture that stands for what is none. */
  still?: Buffer | undefined;
}

async function fetchAll(
  live: LiveTask,
  backend: Backend,
  outcome: Completed,
  { onStatus }: CollectPorts,
): Promise<Fetched[] | undefined> {
  const pictures: Fetched[] = [];
  for (const id of live.recipe.outputs) {
    pictures.push(...(outcome.images[id] ?? []).map((bytes) => ({ node: id, bytes })));
    for (const file of resultFiles(outcome.outputs[id])) {
      const bytes = await backend.persist(() => backend.fetchFile(file), onStatus, live.leave);
      if (!bytes) return undefined;
      const still = sniffMedia(bytes) && (await stillOf(live, backend, outcome, id, file));
      pictures.push({ node: id, bytes, still });
    }
  }
  return pictures;
}

/** Asked for once: the film is the result, and it is there. */
async function stillOf(
  { recipe }: LiveTask,
  backend: Backend,
  { outputs, images }: Completed,
  output: string,
  film: OutputFile,
): Promise<Buffer | undefined> {
  const node = recipe.stills?.[output];
  const [pushed] = node === undefined ? [] : (images[node] ?? []);
  if (pushed) return pushed;
  const [kept] = node === undefined ? [] : resultFiles(outputs[node]);
  const file = kept ?? pictureBeside(film);
  return file && (await backend.fetchFile(file).catch(() => undefined));
}
