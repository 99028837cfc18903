import { signal } from "@preact/signals";

const leastPause = 5_000;

/** What a screen reader says by itself: at most one sentence in five seconds, the newest last. */
export class Announcer {
  readonly said = signal("");
  #last = Number.NEGATIVE_INFINITY;
  #next: string | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;
  readonly #now: () => number;

  constructor(now: () => number = () => performance.now()) {
    this.#now = now;
  }

  say(sentence: string): void {
    const wait = this.#last + leastPause - this.#now();
    if (wait <= 0) {
      this.#utter(sentence);
      return;
    }
    this.#next = sentence;
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined;
      if (this.#next !== undefined) this.#utter(this.#next);
    }, wait);
  }

  close(): void {
    clearTimeout(this.#timer);
  }

  #utter(sentence: string): void {
    this.#next = undefined;
    this.#last = this.#now();
    this.said.value = sentence;
  }
}
