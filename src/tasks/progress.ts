import type { RunStatus } from "../comfy/outcome.ts";
import { isTerminal } from "./state.ts";
import type { Task } from "./task.ts";

/** Where a task is, right now; kept in memory only. */
export interface TaskProgress {
  /** 0..1 over all runs; never falls. */
  fraction: number;
  /** Pictures that are done, of so many. */
  done: number;
  count: number;
  /** The run that is furthest among those not done. */
  status: RunStatus;
}

/** Folds the statuses of a task's runs into one progress. */
export class ProgressBoard {
  readonly #statuses = new Map<string, RunStatus>();
  #fraction = 0;

  report(promptId: string, status: RunStatus): void {
    this.#statuses.set(promptId, status);
  }

  read(task: Task): TaskProgress {
    const done = task.runs.filter((run) => isTerminal(run.state)).length;
    const open = task.runs.filter((run) => !isTerminal(run.state));
    const statuses = open.map(
      (run): RunStatus => this.#statuses.get(run.promptId) ?? { phase: "queued" },
    );
    const shares = statuses.map(shareOf);
    const sum = shares.reduce((total, share) => total + share, done);
    this.#fraction = Math.max(this.#fraction, sum / task.runs.length);
    return {
      fraction: isTerminal(task.state) ? 1 : Math.min(this.#fraction, 0.999),
      done,
      count: task.runs.length,
      status: statuses.toSorted(byRank)[0] ?? { phase: "queued" },
    };
  }
}

function shareOf(status: RunStatus): number {
  return status.phase === "running" ? status.progress.fraction : 0;
}

function byRank(a: RunStatus, b: RunStatus): number {
  return rank(a) - rank(b);
}

/** What runs comes first, then what cannot be asked, then what waits with the fewest ahead. */
function rank(status: RunStatus): number {
  if (status.phase === "running") return -status.progress.fraction;
  if (status.phase === "waiting") return 1;
  return 2 + (status.ahead ?? 1e6);
}
