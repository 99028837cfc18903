import { messageOf } from "../errors.ts";
import type { Log } from "../log.ts";
import type { WebhookSender } from "../webhooks/sender.ts";
import type { Webhook } from "../webhooks/webhook.ts";
import type { TaskEvent } from "./events.ts";
import { isTerminal } from "./state.ts";
import { imagesOf, type Task } from "./task.ts";

/** Between two messages of progress. */
export const progressSpacingMs = 2_000;

/** What a webhook is told, as JSON, for clients of another system. */
export interface WebhookShape {
  /** Of a task that has ended. */
  ended(task: Task): string;
  /** On its way, `fraction` from 0 to 1; left out, only the end is told. */
  progress?(task: Task, fraction: number): string;
}

/** By `Webhook.shape`. */
export type WebhookShapes = Readonly<Record<string, WebhookShape>>;

/** Tells a task's webhook of its start, its progress and its end. */
export class Announcer {
  readonly #sender: WebhookSender;
  readonly #log: Log;
  readonly #shapes: WebhookShapes;
  /** Tasks whose start has been told. */
  readonly #started = new Set<string>();

  constructor(sender: WebhookSender, log: Log, shapes: WebhookShapes = {}) {
    this.#sender = sender;
    this.#log = log;
    this.#shapes = shapes;
  }

  /**
   * Called before a task is stored: what its start or end says is kept first, so that a crash in
   * between tells it twice rather than never. Messages go out once the record is there.
   */
  async keep(task: Task): Promise<void> {
    if (task.webhook) await this.#keep(task, task.webhook);
  }

  /** The record is there. */
  written(task: Task): void {
    if (task.webhook) this.#sender.deliver();
  }

  /** Tells progress as it comes, one message after the other; the stream ends with the task. */
  async follow(task: Task, events: AsyncIterable<TaskEvent>): Promise<void> {
    const { webhook } = task;
    const shape = webhook && this.#shapeOf(webhook);
    if (!webhook || (shape && !shape.progress)) return;
    for await (const event of events) {
      if (event.kind !== "progress") continue;
      const { fraction } = event.progress;
      const data = { ...about(task), progress: Math.round(fraction * 1000) / 1000 };
      const told = shape?.progress
        ? this.#sender.attemptBody(task.id, webhook, shape.progress(task, fraction))
        : this.#sender.attempt(task.id, webhook, "task.progress", { ...data, state: "running" });
      await told.catch((error) =>
        this.#log.debug(`webhook of task ${task.id}: ${messageOf(error)}`),
      );
    }
  }

  /** The task is not worked on here any more. */
  forget(id: string): void {
    this.#started.delete(id);
  }

  #shapeOf({ shape = "" }: Webhook): WebhookShapes[string] | undefined {
    return Object.hasOwn(this.#shapes, shape) ? this.#shapes[shape] : undefined;
  }

  async #keep(task: Task, webhook: Webhook): Promise<void> {
    const shape = this.#shapeOf(webhook);
    if (shape) {
      if (!isTerminal(task.state)) return;
      return this.#sender.keepBody(task.id, webhook, `task.${task.state}`, shape.ended(task));
    }
    if (task.startedAt && !this.#started.has(task.id)) {
      await this.#sender.keep(task.id, webhook, "task.started", about(task));
      this.#started.add(task.id);
    }
    if (!isTerminal(task.state)) return;
    await this.#sender.keep(task.id, webhook, `task.${task.state}`, about(task));
  }
}

function about(task: Task): object {
  return {
    task_id: task.id,
    tool: task.tool,
    state: task.state,
    images: imagesOf(task).map(({ id, mimeType, width, height, seed, sha256 }) => ({
      image_id: id,
      mime_type: mimeType,
      width,
      height,
      seed,
      sha256,
    })),
    ...(task.error ? { error: task.error } : {}),
  };
}
