import type { TaskProgress } from "../../tasks/progress.ts";
import { wordProgress } from "../../tasks/progress-words.ts";
import type { Call } from "./tool.ts";

/**
 * Reports progress on a call that asked for it, strictly increasing and below 1 until `finish`.
 * Without a progress token it does nothing.
 */
export class ProgressReporter {
  readonly #call: Call;
  #value = -1;

  constructor(call: Call) {
    this.#call = call;
  }

  report(progress: TaskProgress): void {
    this.#notify(
      Math.max(Math.min(progress.fraction, 0.999), this.#creep()),
      wordProgress(progress),
    );
  }

  /** Nothing is known of how far it is, but it goes on. */
  alive(message: string): void {
    this.#notify(this.#creep(), message);
  }

  /** The last word, only for work that has really ended well. */
  finish(message: string): void {
    this.#notify(1, message);
  }

  #creep(): number {
    return this.#value < 0 ? 0 : this.#value + (1 - this.#value) * 0.001;
  }

  #notify(value: number, message: string): void {
    if (this.#call.progressToken === undefined || value <= this.#value) return;
    this.#value = value;
    this.#call.sendProgress(value, message).catch(() => {
      // The client has gone; the task goes on.
    });
  }
}
