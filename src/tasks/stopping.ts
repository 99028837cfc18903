import type { Pool } from "../comfy/pool.ts";
import type { Log } from "../log.ts";
import {
  type CancelReport,
  endsBefore,
  endsElsewhere,
  reportOf,
  skipHere,
  stopHere,
} from "./cancelling.ts";
import type { EventsOptions, ToldEvent } from "./events.ts";
import type { LiveTasks } from "./live-tasks.ts";
import type { TaskStore } from "./store/store.ts";
import { openRuns, type Task } from "./task.ts";

/** How long a cancel waits to see the run really stop. */
const cancelWatchMs = 10_000;

export interface StoppingParts {
  store: TaskStore;
  pool: Pool;
  log: Log;
  live: LiveTasks;
  /** Throws `not_found`, also for another caller's. */
  get(id: string, caller?: string): Promise<Task>;
  events(id: string, options: EventsOptions): AsyncGenerator<ToldEvent>;
}

/** Stops tasks that callers do not want any more, wherever they are worked on. */
export class Stopping {
  readonly #parts: StoppingParts;

  constructor(parts: StoppingParts) {
    this.#parts = parts;
  }

  /** See `Tasks.cancel`. */
  async cancel(id: string, caller?: string): Promise<CancelReport> {
    const { store, pool, log, live } = this.#parts;
    const before = await this.#parts.get(id, caller);
    const ends = endsBefore(before);
    if (openRuns(before).length === 0) return reportOf(before, ends);
    await store.wantCancel(id);
    const atWork = live.get(id);
    if (!atWork) {
      const after = await this.#ended(id, cancelWatchMs);
      return reportOf(after, [...ends, ...endsElsewhere(before, after)]);
    }
    ends.push(...(await stopHere(atWork, pool, log)));
    const isAway = ends.includes("when_back");
    return reportOf(await this.#ended(id, isAway ? 0 : cancelWatchMs), ends);
  }

  /** See `Tasks.skip`. */
  async skip(id: string, caller?: string): Promise<boolean> {
    const { pool, log, live } = this.#parts;
    await this.#parts.get(id, caller);
    const atWork = live.get(id);
    return atWork ? skipHere(atWork, pool, log) : false;
  }

  async #ended(id: string, timeoutMs: number): Promise<Task> {
    let last: Task | undefined;
    const signal = AbortSignal.timeout(timeoutMs);
    for await (const event of this.#parts.events(id, { signal })) {
      if (event.kind === "state") last = event.task;
    }
    return last ?? this.#parts.get(id);
  }
}
