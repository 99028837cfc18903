import { signal } from "@preact/signals";

const patience = 8_000;

export interface PendingDeletion {
  ids: readonly string[];
  pictures: number;
}

export interface DeletionSteps {
  hide(ids: readonly string[]): void;
  show(ids: readonly string[]): void;
  remove(ids: readonly string[]): Promise<void>;
}

/** A deletion takes effect on the wall at once, and on the server when its time to undo is over. */
export class Deletions {
  readonly pending = signal<PendingDeletion | undefined>(undefined);
  readonly #steps: DeletionSteps;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(steps: DeletionSteps) {
    this.#steps = steps;
  }

  add(ids: readonly string[], pictures: number): void {
    this.settle();
    this.#steps.hide(ids);
    this.pending.value = { ids, pictures };
    this.#timer = setTimeout(() => this.settle(), patience);
  }

  undo(): void {
    clearTimeout(this.#timer);
    if (this.pending.value) this.#steps.show(this.pending.value.ids);
    this.pending.value = undefined;
  }

  /** Sends what waits; also when the page is about to go. */
  settle(): void {
    clearTimeout(this.#timer);
    const ids = this.pending.value?.ids;
    this.pending.value = undefined;
    if (ids) void this.#steps.remove(ids);
  }
}
