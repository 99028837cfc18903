import { signal } from "@preact/signals";

const shownFor = 6_000;

/** One sentence above the ledge, for a while. */
export class Remarks {
  readonly current = signal<string | undefined>(undefined);
  #timer: ReturnType<typeof setTimeout> | undefined;

  make(sentence: string): void {
    clearTimeout(this.#timer);
    this.current.value = sentence;
    this.#timer = setTimeout(() => {
      this.current.value = undefined;
    }, shownFor);
  }

  close(): void {
    clearTimeout(this.#timer);
  }
}
