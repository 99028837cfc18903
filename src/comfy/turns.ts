import type { Turn } from "./placement.ts";

/** What one run may cost at most, so that a wrong guess does not hold its caller back for long. */
const mostMs = 10 * 60_000;

/**
 * Whose turn it is: callers take turns by the time their runs take, whatever the number of runs
 * that each has waiting (start-time fair queueing; Goyal, Vin and Cheng, 1996).
 */
export class Turns {
  /** The tag of the last run that was given. */
  #now = 0;
  #order = 0;
  readonly #next = new Map<string, number>();

  /**
   * The turn of a caller's next run, which takes about `ms`. A higher `level` goes before everybody
   * of a lower one, a higher `own` before the caller's other runs; see `reorder`.
   */
  of(caller: string, level: number, own: number, ms: number): Turn {
    const key = `${level} ${caller}`;
    const tag = Math.max(this.#now, this.#next.get(key) ?? 0);
    this.#next.set(key, tag + Math.min(ms, mostMs));
    this.#order += 1;
    return { level, tag, order: this.#order, own };
  }

  /** A run has been given: whoever comes from now on does not come before it. */
  given({ tag }: Turn): void {
    if (tag <= this.#now) return;
    this.#now = tag;
    // Who has nothing to catch up with is like one that was never here.
    for (const [key, next] of this.#next) if (next <= tag) this.#next.delete(key);
  }
}

/** Shares the turns of one caller and level out anew: those of a higher `own` get the earlier ones. */
export function reorder(turns: readonly Turn[]): void {
  const tags = turns.map(({ tag }) => tag).sort((a, b) => a - b);
  const wanted = turns.toSorted((a, b) => b.own - a.own || a.order - b.order);
  for (const [i, turn] of wanted.entries()) turn.tag = tags[i] ?? turn.tag;
}
