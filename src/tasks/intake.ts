import type { Install } from "../comfy/installs.ts";
import type { Pool } from "../comfy/pool.ts";
import type { ObjectInfo } from "../comfy/protocol.ts";
import { AppError } from "../errors.ts";
import type { Reach } from "../files/roots.ts";
import type { SaveTo } from "../files/save-to.ts";
import type { ImageSources } from "../images/source.ts";
import type { ImageStore } from "../images/store.ts";
import type { AddressRule } from "../net/address.ts";
import { checkWebhook } from "../webhooks/webhook.ts";
import { Catalog } from "../workflows/catalog.ts";
import { type Plan, type PlanSources, plan } from "../workflows/plan.ts";
import { packsOf, recipeHash } from "../workflows/recipe.ts";
import { checkBounds, maxSeed, type TaskRequest } from "../workflows/request.ts";
import { againOf } from "./again.ts";
import type { Backlog } from "./backlog.ts";
import { withEditingModel } from "./edit-in-words.ts";
import { type Guests, type Host, isGuest, isPicture } from "./guests.ts";
import type { HandOver } from "./hand-over.ts";
import { prepareInputs } from "./inputs.ts";
import type { LoraHeaders } from "./lora-headers.ts";
import { promptOnRecord } from "./prompt-on-record.ts";
import { Recorder, type Taken } from "./recorder.ts";
import { runsOf } from "./runs.ts";
import { idempotencyOf, knownCall } from "./same-call.ts";
import type { TaskStore } from "./store/store.ts";
import { type Asker, askedBy, type SubmitOptions } from "./submission.ts";
import { isTaskId, newTaskId, type Task } from "./task.ts";

/** Before something is said to be missing, what is there must have been read this recently. */
const freshMs = 1_000;

export interface IntakeParts extends PlanSources {
  pool: Pool;
  handOver: HandOver;
  backlog: Backlog;
  sources: ImageSources;
  images: ImageStore;
  saver: SaveTo;
  store: TaskStore;
  loraHeaders: LoraHeaders;
  /** Which addresses webhooks may have. */
  addressRule: AddressRule;
  guests: Guests;
  /** Looks again at the workflows people saved in ComfyUI. */
  refreshSaved(maxAgeMs: number): Promise<unknown>;
}

/**
 * From a call to its task on record, in one line: check, plan, inputs, record. Everything that can
 * be wrong with a call is found here, and a refusal leaves nothing behind.
 */
export class Intake {
  readonly #parts: IntakeParts;
  readonly #recorder: Recorder;

  constructor(parts: IntakeParts) {
    this.#parts = parts;
    this.#recorder = new Recorder(parts.store, parts.images);
  }

  /** `hold` makes sure that this server may work before the task is on record as its own. */
  async take(
    tool: string,
    request: TaskRequest,
    asker: Asker,
    options: SubmitOptions,
    hold: () => Promise<string>,
  ): Promise<Taken> {
    const { pool, sources } = this.#parts;
    const { signal, webhook } = options;
    const idempotency = idempotencyOf(tool, request, options);
    const known = await knownCall(this.#parts.store, asker.caller, idempotency);
    if (known) return known;
    await options.admit?.();
    this.#parts.backlog.check();
    checkBounds(request);
    if (webhook) checkWebhook(webhook, this.#parts.addressRule);
    const saveTo = await this.#target(request, asker.folders);
    const earlier = (id: string) => this.#earlier(asker.caller, id);
    const { request: whole, notes: ofPrompt } = isGuest(request.workflow)
      ? { request, notes: [] }
      : await promptOnRecord(earlier, tool, request);
    await this.#parts.images.checkWritable();
    await pool.ready(signal ?? new AbortController().signal, options.patienceMs);
    const { planned, objectInfo } = await this.#plan(tool, whole, asker, signal);
    const ofLoras = await this.#parts.loraHeaders.check(
      ...[planned, whole.parameters["prompt"], this.#parts.catalog, objectInfo],
    );
    const inputs = await prepareInputs(sources, asker.sources, tool, planned, whole, signal).catch(
      (error) => {
        const isMaskless = tool === "inpaint" && whole.parameters["mask"] === undefined;
        throw isMaskless ? withEditingModel(error, this.#parts.catalog, objectInfo) : error;
      },
    );
    if (signal?.aborted) throw new AppError("cancelled", "Cancelled before there was a task.");
    const { pictures, notes, ...prepared } = inputs;
    const { workflow, recipe, loras, deliver, asked } = planned;
    const task: Task = {
      id: newTaskId(),
      tool,
      workflow: workflow.name,
      recipe: recipeHash(recipe),
      ...askedBy(asker, options),
      ...(idempotency ? { idempotency } : {}),
      backends: pool.all.map(({ url }) => url),
      state: "queued",
      createdAt: new Date().toISOString(),
      params: planned.params,
      ...(deliver ? { deliver } : {}),
      ...(asked ? { asked } : {}),
      ...prepared,
      ...(loras.length > 0 ? { loras } : {}),
      ...(saveTo ? { saveTo } : {}),
      ...(request.outputFormat ? { outputFormat: request.outputFormat } : {}),
      packs: packsOf(recipe, objectInfo),
      runs: runsOf(recipe, planned.pictures, this.#parts, objectInfo),
      warnings: [...planned.notes, ...ofLoras, ...ofPrompt, ...notes],
      ...(webhook ? { webhook } : {}),
      server: await hold(),
    };
    return this.#parts.backlog.within(task.runs.length, () =>
      this.#recorder.keep(task, recipe, pictures),
    );
  }

  /** The pictures of a task on record once more, in a task of their own. */
  async again(
    earlier: Task,
    asker: Asker,
    options: SubmitOptions,
    hold: () => Promise<string>,
  ): Promise<Taken> {
    const { store, pool } = this.#parts;
    const { signal, patienceMs } = options;
    const recipe = await store.recipe(earlier.recipe);
    if (!recipe) {
      throw new AppError(
        "not_found",
        `Task ${earlier.id} is from an earlier version and left no recipe; ask for its pictures anew.`,
      );
    }
    await this.#parts.images.checkWritable();
    await pool.ready(signal ?? new AbortController().signal, patienceMs);
    const { runs, notes } = againOf(earlier, recipe, this.#parts, await pool.installs());
    const { tool, workflow, params, inputs, uploads, loras, deliver, asked, finish } = earlier;
    const { outputFormat, packs } = earlier;
    const task: Task = {
      id: newTaskId(),
      ...{ tool, workflow, params, inputs, uploads, runs },
      recipe: earlier.recipe,
      ...askedBy(asker, options),
      backends: pool.all.map(({ url }) => url),
      state: "queued",
      createdAt: new Date().toISOString(),
      ...(loras ? { loras } : {}),
      ...(deliver ? { deliver } : {}),
      ...(asked ? { asked } : {}),
      ...(finish ? { finish } : {}),
      ...(outputFormat ? { outputFormat } : {}),
      ...(packs ? { packs } : {}),
      warnings: notes,
      ...(options.webhook ? { webhook: options.webhook } : {}),
      server: await hold(),
    };
    // It may have been deleted, with the pictures it was made from, while ComfyUI woke.
    const isThere = async () => (await store.get(earlier.id)) !== undefined;
    return this.#parts.backlog.within(task.runs.length, () =>
      this.#recorder.keep(task, recipe, new Map(), isThere),
    );
  }

  async #earlier(caller: string, id: string): Promise<Task | undefined> {
    const task = isTaskId(id) ? await this.#parts.store.get(id) : undefined;
    return task?.caller === caller ? task : undefined;
  }

  async #target(
    { saveTo, count = 1, overwrite = false }: TaskRequest,
    folders: Reach,
  ): Promise<Task["saveTo"]> {
    if (saveTo === undefined) return undefined;
    const options = { ...folders, overwrite };
    const path = await this.#parts.saver.check("save_to", saveTo, count, options);
    return { path, within: folders.roots, overwrite };
  }

  /**
   * What was installed or saved a minute ago is found: nothing is refused as missing, be it a
   * model, a LoRA, a sampler, a node or a workflow, on old knowledge.
   */
  async #plan(
    tool: string,
    request: TaskRequest,
    asker: Asker,
    signal: AbortSignal | undefined,
  ): Promise<{ planned: Plan; objectInfo: ObjectInfo }> {
    const { pool, catalog } = this.#parts;
    const host = { graphs: asker.graphs, sources: { ...asker.sources, signal } };
    const attempt = (objectInfo: ObjectInfo) => this.#planBy(objectInfo, tool, request, host);
    const order = catalog.ofTool(tool);
    const isBest = ({ workflow }: Plan) =>
      request.workflow !== undefined || order.indexOf(workflow) <= 0;
    const rank = ({ workflow }: Plan) => order.indexOf(workflow);
    const known = await pool.installs();
    try {
      return await planOnOne(known, attempt, isBest, rank);
    } catch (error) {
      const fresh = await pool.installs(freshMs);
      // A name that nobody knows may be that of a workflow saved this second.
      const isUnknown = error instanceof AppError && error.code === "not_found";
      await this.#parts.refreshSaved(isUnknown ? 0 : freshMs);
      const isSame = fresh.every(({ objectInfo }, i) => objectInfo === known[i]?.objectInfo);
      if (isSame && isGuest(request.workflow)) throw error;
      return await planOnOne(fresh, attempt, isBest, rank);
    }
  }

  /** By the catalogue, or by the workflow that the call brings along. */
  async #planBy(
    objectInfo: ObjectInfo,
    tool: string,
    request: TaskRequest,
    host: Host,
  ): Promise<Plan> {
    const { workflow: name } = request;
    if (!isGuest(name)) return plan(this.#parts, tool, request, objectInfo);
    const { catalog, guests } = this.#parts;
    const workflow = await guests.workflow(name, tool, host, objectInfo);
    const withGuest = { ...this.#parts, catalog: new Catalog([...catalog.all(), workflow]) };
    const seed = isPicture(name) ? workflow.parameters["seed"]?.default : undefined;
    const asked = {
      ...(typeof seed === "number" && seed <= maxSeed && { seed }),
      ...{ ...request, workflow: workflow.name },
    };
    return plan(withGuest, tool, asked, objectInfo);
  }
}

/**
 * By the ComfyUI on which the best workflow can run: the order of the workflows goes before that of
 * the ComfyUIs. Rejects with what the first lacks where none will do.
 */
async function planOnOne(
  installs: readonly Install[],
  attempt: (objectInfo: ObjectInfo) => Promise<Plan>,
  isBest: (plan: Plan) => boolean,
  rank: (plan: Plan) => number,
): Promise<{ planned: Plan; objectInfo: ObjectInfo }> {
  let best: { planned: Plan; objectInfo: ObjectInfo } | undefined;
  let refused: unknown;
  for (const { objectInfo } of installs) {
    try {
      const planned = await attempt(objectInfo);
      if (isBest(planned)) return { planned, objectInfo };
      if (!best || rank(planned) < rank(best.planned)) best = { planned, objectInfo };
    } catch (error) {
      refused ??= error;
    }
  }
  if (best) return best;
  throw refused;
}
