import type { Outcome, RunStatus } from "../comfy/outcome.ts";
import type { Given, Turn } from "../comfy/placement.ts";
import type { Placement } from "./task.ts";

/** A run on a ComfyUI, as whoever gave it there sees it. */
export interface Held extends Given {
  promptId: string;
  /** A POST was begun, now or by an earlier process. */
  mayBeThere: boolean;
  isStarted: boolean;
  move: AbortController;
}

interface TicketPorts {
  status(status: RunStatus): void;
  ended(outcome: Outcome | undefined): void;
}

/** The right of one run to be given to one ComfyUI, until it has ended there. */
export class Ticket {
  readonly at: Placement;
  /** Missing where it had its place before. */
  readonly turn: Turn | undefined;
  readonly #held: Held;
  readonly #ports: TicketPorts;
  #isOver = false;

  constructor(at: Placement, turn: Turn | undefined, held: Held, ports: TicketPorts) {
    this.at = at;
    this.turn = turn;
    this.#held = held;
    this.#ports = ports;
  }

  /** Aborted when the run is to be placed anew, because it cannot have run here. */
  get moved(): AbortSignal {
    return this.#held.move.signal;
  }

  /** From here on ComfyUI may have it. Throws when it is to be placed anew. */
  posting(): void {
    this.moved.throwIfAborted();
    this.#held.mayBeThere = true;
  }

  status(status: RunStatus): void {
    if (status.phase === "running") {
      if (!this.#held.isStarted) this.#held.since = performance.now();
      this.#held.isStarted = true;
      this.#held.fraction = status.progress.fraction;
    }
    this.#ports.status(status);
  }

  /** It has ended there; again has no effect. */
  end(outcome?: Outcome): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#ports.ended(outcome);
  }
}
