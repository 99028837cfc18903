import { AppError } from "../errors.ts";

/** Bounds how many pictures may wait on one server, so that nobody waits for days. */
export class Backlog {
  readonly #most: number;
  readonly #waiting: () => number;
  /** Of calls that are no record yet. */
  #coming = 0;

  /** `waiting` counts the pictures that are queued now. */
  constructor(most: number, waiting: () => number) {
    this.#most = most;
    this.#waiting = waiting;
  }

  /** Throws `too_many` where nothing more may wait. */
  check(): void {
    if (this.#waiting() + this.#coming >= this.#most) throw this.#refusal();
  }

  /** Room for so many pictures until `make` has made them a task; throws `too_many` without. */
  async within<T>(pictures: number, make: () => Promise<T>): Promise<T> {
    if (this.#waiting() + this.#coming + pictures > this.#most) throw this.#refusal();
    this.#coming += pictures;
    try {
      return await make();
    } finally {
      this.#coming -= pictures;
    }
  }

  #refusal(): AppError {
    return new AppError(
      "too_many",
      `${this.#waiting()} pictures wait here already, and at most ${this.#most} may (--most-waiting). Ask again when some are done, for fewer, or cancel what is not needed any more.`,
    );
  }
}
