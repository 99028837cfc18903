import { messageOf } from "../errors.ts";
import type { Log } from "../log.ts";
import type { WebhookSender } from "../webhooks/sender.ts";
import type { Webhook } from "../webhooks/webhook.ts";
import type { TaskProgress } from "./progress.ts";
import { isTerminal } from "./state.ts";
import { imagesOf, type Task } from "./task.ts";

const progressSpacingMs = 2_000;

/** Tells a task's webhook of its start, its progress and its end. */
export class Announcer {
  readonly #sender: WebhookSender;
  readonly #log: Log;
  readonly #told = new Map<string, { started: boolean; progressAt: number; sending: boolean }>();

  constructor(sender: WebhookSender, log: Log) {
    this.#sender = sender;
    this.#log = log;
  }

  /** Called whenever a task is about to be stored. Start and end are kept until delivered. */
  async changed(task: Task): Promise<void> {
    if (!task.webhook) return;
    try {
      await this.#tell(task, task.webhook);
    } catch (error) {
      this.#log.error(`webhook of task ${task.id}: ${messageOf(error)}`);
    }
  }

  async #tell(task: Task, webhook: Webhook): Promise<void> {
    const told = this.#of(task.id);
    if (task.startedAt && !told.started) {
      await this.#sender.send(task.id, webhook, "task.started", about(task));
      told.started = true;
    }
    if (!isTerminal(task.state)) return;
    await this.#sender.send(task.id, webhook, `task.${task.state}`, about(task));
    this.#told.delete(task.id);
  }

  progressed(task: Task, read: () => TaskProgress): void {
    const { webhook } = task;
    if (!webhook) return;
    const told = this.#of(task.id);
    const now = Date.now();
    if (told.sending || now - told.progressAt < progressSpacingMs) return;
    told.progressAt = now;
    told.sending = true;
    const data = { ...about(task), progress: Math.round(read().fraction * 1000) / 1000 };
    this.#sender
      .attempt(task.id, webhook, "task.progress", data)
      .catch((error) => this.#log.debug(`webhook of task ${task.id}: ${messageOf(error)}`))
      .finally(() => {
        told.sending = false;
      });
  }

  /** The task is not worked on here any more. */
  forget(id: string): void {
    this.#told.delete(id);
  }

  #of(id: string) {
    const told = this.#told.get(id) ?? { started: false, progressAt: 0, sending: false };
    this.#told.set(id, told);
    return told;
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
