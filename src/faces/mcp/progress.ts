import { wordProgress } from "../../tasks/progress-words.ts";
import type { Tasks } from "../../tasks/tasks.ts";
import type { Call } from "./tool.ts";

/** At most 4 notifications a second. */
const spacingMs = 250;
/** Clients with an idle watchdog give up after minutes, some after 10 s. */
const heartbeatMs = 8_000;

/**
 * Reports a task's progress on a call that asked for it, strictly increasing and below 1 until
 * `finish`. Without a progress token it does nothing.
 */
export class ProgressReporter {
  readonly #tasks: Tasks;
  readonly #taskId: string;
  readonly #call: Call;
  readonly #unwatch: () => void;
  readonly #heartbeat: NodeJS.Timeout | undefined;
  #pending: NodeJS.Timeout | undefined;
  #sentAt = 0;
  #value = -1;

  constructor(tasks: Tasks, taskId: string, call: Call) {
    this.#tasks = tasks;
    this.#taskId = taskId;
    this.#call = call;
    if (call.progressToken === undefined) {
      this.#unwatch = () => {};
      return;
    }
    this.#unwatch = tasks.watch(taskId, () => this.#schedule());
    this.#heartbeat = setInterval(() => this.#send(), heartbeatMs);
    this.#send();
  }

  /** The last word, only for work that has really ended well. */
  finish(message: string): void {
    this.stop();
    if (this.#call.progressToken !== undefined) this.#notify(1, message);
  }

  stop(): void {
    this.#unwatch();
    clearInterval(this.#heartbeat);
    clearTimeout(this.#pending);
  }

  #schedule(): void {
    const wait = this.#sentAt + spacingMs - Date.now();
    if (this.#pending) return;
    this.#pending = setTimeout(
      () => {
        this.#pending = undefined;
        this.#send();
      },
      Math.max(0, wait),
    );
  }

  #send(): void {
    const progress = this.#tasks.progress(this.#taskId);
    if (!progress) return;
    const creep = this.#value + (1 - this.#value) * 0.001;
    this.#notify(Math.max(progress.fraction, this.#value < 0 ? 0 : creep), wordProgress(progress));
  }

  #notify(value: number, message: string): void {
    this.#value = value;
    this.#sentAt = Date.now();
    this.#call.sendProgress(value, message).catch(() => {
      // The client has gone; the task goes on.
    });
  }
}
