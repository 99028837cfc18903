import { signal } from "@preact/signals";
import { type Client, type NewTask, Refused } from "../client.ts";
import type { ErrorRecord, Task } from "../records.ts";

/** What the canvas is for before the server has answered. */
export interface Commission {
  request: NewTask;
  title: string;
  /** Width divided by height of the picture to come. */
  ratio: number;
  count: number;
}

export type EaselState =
  | { at: "empty" }
  | { at: "asking"; commission: Commission }
  | { at: "refused"; commission: Commission; error: ErrorRecord }
  | { at: "task"; id: string; ratio: number };

/** The newest task of this page, from the press of the button on. */
export class Easel {
  readonly state = signal<EaselState>({ at: "empty" });
  /** When the server takes tasks again, in milliseconds since 1970. */
  readonly retryAfter = signal<number | undefined>(undefined);
  readonly #client: Client;
  readonly #put: (task: Task) => void;
  #asked = 0;

  constructor(client: Client, put: (task: Task) => void) {
    this.#client = client;
    this.#put = put;
  }

  async paint(commission: Commission): Promise<Task | undefined> {
    this.#asked += 1;
    const asked = this.#asked;
    this.state.value = { at: "asking", commission };
    this.retryAfter.value = undefined;
    try {
      const task = await this.#client.submit(commission.request);
      this.#put(task);
      if (asked === this.#asked) {
        this.state.value = { at: "task", id: task.id, ratio: commission.ratio };
      }
      return task;
    } catch (error) {
      if (error instanceof Refused && error.retryAfter !== undefined) {
        this.retryAfter.value = Date.now() + error.retryAfter * 1000;
      }
      if (asked !== this.#asked) return undefined;
      this.state.value = { at: "refused", commission, error: recordOf(error) };
      return undefined;
    }
  }

  show(task: Task, ratio: number): void {
    this.state.value = { at: "task", id: task.id, ratio };
  }

  dismiss(): void {
    this.#asked += 1;
    this.state.value = { at: "empty" };
  }
}

function recordOf(error: unknown): ErrorRecord {
  if (error instanceof Refused) return error.record;
  return {
    code: "unreachable",
    message: "The server does not answer. What you typed is kept.",
  };
}
