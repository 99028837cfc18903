import { messageOf } from "../errors.ts";
import type { Log } from "../log.ts";

export interface RoundsOptions {
  everyMs: number;
  /** The least time between the beginnings of two rounds that were hurried. @default 50 */
  soonMs?: number;
}

/** One round after another, never two at a time; a round that fails is told and forgotten. */
export class Rounds {
  readonly #round: () => Promise<void>;
  readonly #log: Log;
  readonly #times: Required<RoundsOptions>;
  #timer: NodeJS.Timeout | undefined;
  #begunAt = 0;
  #isBusy = false;
  #isHurried = false;
  #isClosed = false;

  /** The first round comes `everyMs` from now, or when it is hurried. */
  constructor(round: () => Promise<void>, log: Log, { everyMs, soonMs = 50 }: RoundsOptions) {
    this.#round = round;
    this.#log = log;
    this.#times = { everyMs, soonMs };
    this.#next(everyMs);
  }

  /** There is something to do. */
  hurry(): void {
    if (this.#isBusy) this.#isHurried = true;
    else this.#next(Math.max(0, this.#begunAt + this.#times.soonMs - performance.now()));
  }

  close(): void {
    this.#isClosed = true;
    clearTimeout(this.#timer);
  }

  #next(ms: number): void {
    clearTimeout(this.#timer);
    if (this.#isClosed) return;
    this.#timer = setTimeout(() => void this.#go(), ms);
    this.#timer.unref();
  }

  async #go(): Promise<void> {
    this.#isBusy = true;
    this.#isHurried = false;
    this.#begunAt = performance.now();
    await this.#round().catch((error) => this.#log.debug(messageOf(error)));
    this.#isBusy = false;
    if (this.#isHurried) this.hurry();
    else this.#next(this.#times.everyMs);
  }
}
