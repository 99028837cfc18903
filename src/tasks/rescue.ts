import type { LiveStation } from "../comfy/stations.ts";
import type { Log } from "../log.ts";
import type { Entry } from "./ask.ts";
import type { Held } from "./ticket.ts";

type Here = LiveStation<Entry, Held>;

/**
 * Has runs placed anew that were given to a ComfyUI which went away and cannot have run there. Its
 * running one is waited for: only ComfyUI can say what became of it.
 */
export class Rescue {
  readonly #stations: readonly Here[];
  readonly #afterMs: number;
  readonly #log: Log;
  /** Prompts that should not be there any more, to be withdrawn should they be. */
  readonly #left: { station: Here; promptId: string }[] = [];

  /** `afterMs`: how long one must be away before what was sent to it is placed anew. */
  constructor(stations: readonly Here[], afterMs: number, log: Log) {
    this.#stations = stations;
    this.#afterMs = afterMs;
    this.#log = log;
  }

  /** At once what was never sent, after a while what only waited there. */
  look(station: Here): void {
    if (station.presence !== "away") return;
    const isLong = Date.now() - (station.away?.since.getTime() ?? 0) >= this.#afterMs;
    for (const held of station.given) {
      if (held.isStarted || held.move.signal.aborted) continue;
      if (!held.mayBeThere) held.move.abort();
      else if (isLong && this.#hasOther(station)) void this.#moveIfProven(station, held);
    }
  }

  /** It is back, and so may be what it had, behind a tunnel that was cut. */
  cameBack(station: Here): void {
    for (const each of this.#left.filter((left) => left.station === station)) {
      this.#left.splice(this.#left.indexOf(each), 1);
      station.backend.cancel(each.promptId).catch(() => {
        // Nobody waits for it; at worst it is painted for nothing.
      });
    }
  }

  #hasOther(station: Here): boolean {
    return this.#stations.some((other) => other !== station && other.isOpen);
  }

  async #moveIfProven(station: Here, held: Held): Promise<void> {
    const isProven = await station.backend.cannotHaveRun(held.promptId);
    const isMoved = held.move.signal.aborted;
    if (!isProven || isMoved || held.isStarted || station.presence !== "away") return;
    this.#log.info(`${held.promptId} only waited on ${station.name}: placed anew`);
    this.#left.push({ station, promptId: held.promptId });
    held.move.abort();
  }
}
