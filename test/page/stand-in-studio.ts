import { randomBytes } from "node:crypto";
import type { BackendRecord, PictureRecord, Task } from "../../page/src/records.ts";
import { backends, workflows } from "./stand-in-catalogue.ts";
import { type Painter, previewOf } from "./stand-in-pictures.ts";

export interface File {
  bytes: Buffer;
  mimeType: string;
  width: number;
  height: number;
}

export interface Sent {
  id?: number;
  event: string;
  data: unknown;
}

export interface StudioOptions {
  paint: Painter;
  /** Milliseconds from one sampling step to the next. */
  stepTime: number;
}

const steps = 20;

/** Tasks that live as the real ones do: they wait, paint with previews, and end. */
export class StandInStudio {
  readonly tasks = new Map<string, Task>();
  readonly files = new Map<string, File>();
  readonly previews = new Map<string, Buffer>();
  readonly keptEvents: Sent[] = [];
  readonly listeners = new Set<(sent: Sent) => void>();
  /** Every call as it came in. */
  readonly calls: { tool: string; arguments: Record<string, unknown> }[] = [];
  backends: BackendRecord[] = structuredClone(backends) as BackendRecord[];
  workflows = structuredClone(workflows);
  /** The next tasks fail with it. */
  failure: Task["error"] = null;
  readonly #options: StudioOptions;
  readonly #timers = new Set<NodeJS.Timeout>();
  #heldAt: number | undefined;
  #goOn: () => void = () => {};
  #held: Promise<void> = Promise.resolve();
  #line: Promise<void> = Promise.resolve();
  #nextEvent = 1;
  #closed = false;

  constructor(options: StudioOptions) {
    this.#options = options;
  }

  /** Puts a finished task on record. */
  async hang(
    prompt: string,
    {
      count = 1,
      width = 512,
      height = 512,
      via = "page",
      client = "page",
      at = new Date(),
      seed = 7,
    } = {},
  ): Promise<Task> {
    const task = this.#record(
      "generate_image",
      { prompt, seed, count, width, height },
      via,
      client,
      at,
    );
    task.state = "completed";
    task.started_at = task.created_at;
    task.finished_at = new Date(at.getTime() + 13_400 * count).toISOString();
    task.progress = null;
    for (let i = 0; i < count; i += 1) task.images.push(await this.#picture(task, i));
    this.tasks.set(task.id, task);
    return task;
  }

  submit(tool: string, given: Record<string, unknown>): Task {
    this.calls.push({ tool, arguments: given });
    const task = this.#record(tool, given, "page", "page", new Date());
    this.tasks.set(task.id, task);
    this.#send("state", { task }, true);
    this.#line = this.#line.then(() => this.#live(task));
    return task;
  }

  cancel(id: string): string {
    const task = this.tasks.get(id);
    if (!task || (task.state !== "queued" && task.state !== "running")) return "It had ended.";
    const at = task.state === "running" ? `at step ${task.progress?.step ?? 0}` : "before it began";
    task.state = "cancelled";
    task.finished_at = new Date().toISOString();
    task.progress = null;
    this.#send("state", { task }, true);
    return `Cancelled ${at}. ${task.images.length} of ${task.count} kept.`;
  }

  delete(ids: readonly string[]): { tasks: number; images: number } {
    const found = ids.flatMap((id) => this.tasks.get(id) ?? []);
    for (const task of found) {
      this.tasks.delete(task.id);
      for (const { id } of task.images) this.files.delete(id);
    }
    this.#send("deleted", { task_ids: found.map(({ id }) => id) }, true);
    return { tasks: found.length, images: found.flatMap(({ images }) => images).length };
  }

  /** Painting stops at this step until it may go on. */
  holdAt(step: number): void {
    this.#heldAt = step;
    this.#held = new Promise((resolve) => {
      this.#goOn = resolve;
    });
  }

  goOn(): void {
    this.#heldAt = undefined;
    this.#goOn();
  }

  setBackends(change: Partial<BackendRecord>): void {
    this.backends = this.backends.map((backend) => ({ ...backend, ...change }));
    this.#send("backends", { backends: this.backends });
  }

  keep(file: File): string {
    const id = `u${randomBytes(8).toString("hex")}`;
    this.files.set(id, file);
    return id;
  }

  close(): void {
    this.#closed = true;
    this.goOn();
    for (const timer of this.#timers) clearTimeout(timer);
  }

  #record(
    tool: string,
    given: Record<string, unknown>,
    via: string,
    client: string,
    at: Date,
  ): Task {
    const own = this.workflows.filter((one) => one.tool === tool);
    const chosen = own.find(({ name }) => name === given["workflow"]) ?? own[0];
    const input = this.files.get(String(given["image"]));
    const [a = 1, b = 1] = String(given["aspect_ratio"] ?? "1:1")
      .split(":")
      .map(Number);
    const width = Number(given["width"] ?? input?.width ?? Math.round(512 * Math.sqrt(a / b)));
    const height = Number(given["height"] ?? input?.height ?? Math.round(512 * Math.sqrt(b / a)));
    const seed = Number(given["seed"] ?? randomBytes(4).readUInt32BE());
    return {
      id: `t${randomBytes(8).toString("hex")}`,
      tool,
      workflow: chosen?.name ?? tool,
      workflow_title: chosen?.title ?? tool,
      state: "queued",
      client,
      via,
      label: null,
      created_at: at.toISOString(),
      started_at: null,
      finished_at: null,
      prompt: typeof given["prompt"] === "string" ? given["prompt"] : null,
      count: Number(given["count"] ?? 1),
      width,
      height,
      arguments: { ...given, seed, workflow: chosen?.name, steps },
      backend: "attic",
      images: [],
      inputs: input
        ? { image: { id: String(given["image"]), width, height, mime_type: input.mimeType } }
        : {},
      progress: {
        phase: "queued",
        fraction: 0,
        done: 0,
        count: Number(given["count"] ?? 1),
        ahead: 0,
        message: "Queued",
      },
      warnings: [],
      error: null,
    };
  }

  async #live(task: Task): Promise<void> {
    await this.#pause(1);
    if (task.state !== "queued") return;
    task.state = "running";
    task.started_at = new Date().toISOString();
    this.#send("state", { task }, true);
    for (let i = 0; i < task.count && task.state === "running"; i += 1)
      await this.#paintOne(task, i);
    if (task.state !== "running") return;
    task.state = "completed";
    task.finished_at = new Date().toISOString();
    task.progress = null;
    this.#send("state", { task }, true);
  }

  async #paintOne(task: Task, i: number): Promise<void> {
    this.#progress(task, i, 0, "loading");
    const picture = await this.#picture(task, i);
    const bytes = this.files.get(picture.id)?.bytes ?? Buffer.alloc(0);
    for (let step = 1; step <= steps; step += 1) {
      await this.#pause(1);
      if (task.state !== "running" || this.#closed) return;
      this.previews.set(task.id, await previewOf(bytes, step / steps));
      this.#progress(task, i, step, "painting");
      this.#send("preview", { task_id: task.id, frame: i * 100 + step, picture: i + 1 });
      if (step === this.#heldAt) await this.#held;
      if (this.failure && step === 11) {
        task.state = "failed";
        task.error = this.failure;
        task.finished_at = new Date().toISOString();
        task.progress = null;
        this.#send("state", { task }, true);
        return;
      }
    }
    task.images.push(picture);
    this.#send("state", { task }, true);
  }

  #progress(task: Task, i: number, step: number, activity: "loading" | "painting"): void {
    task.progress = {
      phase: "running",
      activity,
      fraction: (i + step / steps) / task.count,
      done: i,
      count: task.count,
      step: step === 0 ? null : step,
      steps: step === 0 ? null : steps,
      message: `Sampling ${step}/${steps}`,
    };
    this.#send("progress", { task_id: task.id, progress: task.progress });
  }

  async #picture(task: Task, i: number): Promise<PictureRecord> {
    const [width, height] = [task.width ?? 512, task.height ?? 512];
    const seed = Number(task.arguments["seed"]) + i;
    const { bytes, mimeType, color } = await this.#options.paint(
      task.prompt ?? task.tool,
      seed,
      width,
      height,
    );
    const id = `${task.id}-${i + 1}`;
    this.files.set(id, { bytes, mimeType, width, height });
    return {
      id,
      width,
      height,
      seed,
      color,
      mime_type: mimeType,
      bytes: bytes.length,
      has_alpha: false,
      prompt: null,
    };
  }

  #send(event: string, data: unknown, kept = false): void {
    const sent: Sent = { event, data: structuredClone(data) };
    if (kept) {
      sent.id = this.#nextEvent;
      this.#nextEvent += 1;
      this.keptEvents.push(sent);
    }
    for (const listener of this.listeners) listener(sent);
  }

  #pause(count: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(() => {
        this.#timers.delete(timer);
        resolve();
      }, count * this.#options.stepTime);
      this.#timers.add(timer);
    });
  }
}
