import { annotation } from "../as-comfyui/annotation.ts";
import type { Verdict } from "../as-comfyui/validate.ts";
import type { Install } from "../comfy/installs.ts";
import type { Pool } from "../comfy/pool.ts";
import type { Graph, NodeErrors, PromptErrorResponse } from "../comfy/protocol.ts";
import { AppError } from "../errors.ts";
import type { ImageStore } from "../images/store.ts";
import { copyJson } from "../json.ts";
import type { AddressRule } from "../net/address.ts";
import { checkWebhook } from "../webhooks/webhook.ts";
import {
  checkGraph,
  describeGraph,
  type FileSlot,
  fileSlots,
  recipeOf,
} from "../workflows/handed-in.ts";
import { paidClasses, paidReason } from "../workflows/paid.ts";
import { packsOf, type Recipe, recipeHash } from "../workflows/recipe.ts";
import type { Backlog } from "./backlog.ts";
import type { HandOver } from "./hand-over.ts";
import type { PreparedInputs } from "./inputs.ts";
import { describe, type NamedFile, type NamedFiles } from "./named-files.ts";
import { Recorder, type Taken } from "./recorder.ts";
import { runsOf } from "./runs.ts";
import { idempotencyOf, knownCall } from "./same-call.ts";
import type { TaskStore } from "./store/store.ts";
import { type Asker, askedBy, type SubmitOptions } from "./submission.ts";
import { type InputRecord, newTaskId, type PromptRecord, type Task } from "./task.ts";

/** Whoever asks has an answer within a second, whatever sleeps behind. */
const nodesWithinMs = 300;
/** Before something is said to be missing, what is there must have been read this recently. */
const freshMs = 1_000;

/** A graph that a caller hands in, to be run as it is. */
export interface GraphCall {
  graph: Graph;
  prompt: PromptRecord;
  /** Of its output nodes, the only ones that are wanted. */
  targets?: readonly string[] | undefined;
  extraData: Record<string, unknown>;
}

/** Taken, perhaps without some of its outputs, or refused in ComfyUI's own shape. */
export type GraphAnswer =
  | { kind: "taken"; task: Task; nodeErrors: NodeErrors; isNew: boolean }
  | { kind: "refused"; refusal: PromptErrorResponse };

export interface GraphsParts {
  pool: Pool;
  handOver: HandOver;
  backlog: Backlog;
  store: TaskStore;
  images: ImageStore;
  files: NamedFiles;
  addressRule: AddressRule;
}

interface Checked {
  verdict: Verdict;
  graph: Graph;
  install: Install;
}

/** From a graph of a caller's own to its task on record. */
export class GraphIntake {
  readonly #parts: GraphsParts;
  readonly #recorder: Recorder;

  constructor(parts: GraphsParts) {
    this.#parts = parts;
    this.#recorder = new Recorder(parts.store, parts.images);
  }

  /** As `Intake.take`. Throws `forbidden` for a caller that may bring no graphs. */
  async take(
    call: GraphCall,
    asker: Asker,
    options: SubmitOptions,
    hold: () => Promise<string>,
  ): Promise<(Taken & { nodeErrors: NodeErrors }) | PromptErrorResponse> {
    if (!asker.graphs) throw mayNot(asker.caller);
    const idempotency = idempotencyOf("graph", [call.graph, call.targets], options);
    const known = await knownCall(this.#parts.store, asker.caller, idempotency);
    if (known) return { ...known, nodeErrors: {} };
    await options.admit?.();
    this.#parts.backlog.check();
    if (options.webhook) checkWebhook(options.webhook, this.#parts.addressRule);
    const found = new Map<string, NamedFile>();
    const checked = await this.#check(call, asker.caller, found);
    const { verdict, graph, install } = checked;
    if (verdict.error) return { error: verdict.error, node_errors: verdict.nodeErrors };
    const paid = paidClasses(graph, install.objectInfo);
    if (paid.length > 0) throw new AppError("invalid_input", `prompt: it ${paidReason(paid)}.`);
    await this.#parts.images.checkWritable();
    const slots = fileSlots(graph, install.objectInfo).filter(({ file }) => found.has(file));
    const recipe = recipeOf(graph, verdict.outputs, slots, install.objectInfo, call.extraData);
    const { uploads, pictures } = await this.#uploads(slots, found);
    const whole = await this.#taskOf(call, recipe, install, uploads, asker, options, hold);
    const task = idempotency ? { ...whole, idempotency } : whole;
    const { nodeErrors } = verdict;
    return this.#parts.backlog.within(task.runs.length, async () => {
      await this.#name(task, slots, found);
      const taken = await this.#recorder.keep(task, recipe, pictures);
      if (!taken.isNew) await this.#parts.store.names.dropOf(task.id);
      return { ...taken, nodeErrors };
    });
  }

  /** The prompt, as its caller calls it, and the uploads, which stay while they are used. */
  async #name(
    { caller, id, prompt }: Task,
    slots: readonly FileSlot[],
    found: ReadonlyMap<string, NamedFile>,
  ): Promise<void> {
    const { store, files } = this.#parts;
    if (prompt) {
      await store.names.set({ caller, kind: "prompt", name: prompt.id, ref: id, task: id });
    }
    for (const file of new Set(slots.map((slot) => slot.file))) {
      const named = found.get(file);
      const { folder, path } = placeOf(file);
      if (named?.kind === "upload") await files.used(caller, folder, path, named.record);
    }
  }

  /** By the ComfyUI that takes most of it, with what is installed there a moment ago. */
  async #check(call: GraphCall, caller: string, found: Map<string, NamedFile>): Promise<Checked> {
    const known = await this.#parts.pool.installsWithin(nodesWithinMs);
    const checked = await this.#best(call, caller, known, found);
    if (!checked.verdict.error) return checked;
    const fresh = await this.#parts.pool.installsWithin(nodesWithinMs, freshMs);
    return this.#best(call, caller, fresh, found);
  }

  async #best(
    { graph, targets }: GraphCall,
    caller: string,
    installs: readonly Install[],
    found: Map<string, NamedFile>,
  ): Promise<Checked> {
    let best: Checked | undefined;
    for (const install of installs) {
      await this.#find(fileSlots(graph, install.objectInfo), caller, found);
      const copy = copyJson(graph);
      const verdict = checkGraph(copy, targets, install.objectInfo, (file) => found.has(file));
      if (!best || verdict.outputs.length > best.verdict.outputs.length) {
        best = { verdict, graph: copy, install };
      }
    }
    if (best) return best;
    throw new Error("a pool has no backend");
  }

  async #find(
    slots: readonly FileSlot[],
    caller: string,
    found: Map<string, NamedFile>,
  ): Promise<void> {
    for (const { file } of slots) {
      if (found.has(file)) continue;
      const { folder, path } = placeOf(file);
      const named = await this.#parts.files.find(caller, folder, path);
      if (named) found.set(file, named);
    }
  }

  async #uploads(
    slots: readonly FileSlot[],
    found: ReadonlyMap<string, NamedFile>,
  ): Promise<{ uploads: Record<string, InputRecord>; pictures: PreparedInputs["pictures"] }> {
    const uploads: Record<string, InputRecord> = {};
    const pictures: PreparedInputs["pictures"] = new Map();
    for (const { slot, file } of slots) {
      const named = found.get(file);
      if (!named) continue;
      const bytes = await this.#parts.files.read(named);
      const record = named.kind === "upload" ? named.record : await describe(bytes, file);
      uploads[slot] = record;
      pictures.set(record.sha256, { bytes, mimeType: record.mimeType });
    }
    return { uploads, pictures };
  }

  async #taskOf(
    { prompt }: GraphCall,
    recipe: Recipe,
    { objectInfo }: Install,
    uploads: Record<string, InputRecord>,
    asker: Asker,
    options: SubmitOptions,
    hold: () => Promise<string>,
  ): Promise<Task> {
    const { tool, params, seed } = describeGraph(recipe.graph);
    return {
      id: newTaskId(),
      tool,
      workflow: "graph",
      recipe: recipeHash(recipe),
      ...askedBy(asker, options),
      backends: this.#parts.pool.all.map(({ url }) => url),
      state: "queued",
      createdAt: new Date().toISOString(),
      params,
      inputs: uploads,
      uploads,
      packs: packsOf(recipe, objectInfo),
      prompt,
      runs: runsOf(recipe, [seed === undefined ? {} : { seed }], this.#parts, objectInfo),
      warnings: [],
      ...(options.webhook ? { webhook: options.webhook } : {}),
      server: await hold(),
    };
  }
}

/** Where a file lies that a node names: `sub/name.png`, or `name.png [output]`. */
export function placeOf(file: string): { folder: "input" | "output" | "temp"; path: string } {
  const { name, folder = "input" } = annotation(file);
  return { folder, path: name };
}

function mayNot(caller: string): AppError {
  return new AppError(
    "forbidden",
    `The key ${caller} may not run graphs of its own. Ask whoever runs this server for a key with the scope graphs.`,
  );
}
