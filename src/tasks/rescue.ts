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
  readonly #asking = new Set<Here>();
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
    if (this.#asking.has(station) || !station.given.some((held) => this.#mayGo(station, held))) {
      return;
    }
    this.#asking.add(station);
    void this.#ask(station).finally(() => this.#asking.delete(station));
  }

  async #ask(station: Here): Promise<void> {
    // Where it answers, something else failed, which the run itself tries again.
    const presence = await station.backend.presence();
    if (presence === "here") return;
    for (const held of station.given) {
      const isProven = presence === "ended" && station.backend.waitedToTheLast(held.promptId);
      if (this.#mayGo(station, held) && (isProven || !held.mayBeThere)) this.#move(station, held);
    }
  }

  /** What it is to be asked about, for nobody knows that it began there. */
  #mayGo(station: Here, held: Held): boolean {
    if (station.presence !== "away" || held.isStarted || held.move.signal.aborted) return false;
    if (!held.mayBeThere) return true;
    const isLong = Date.now() - (station.away?.since.getTime() ?? 0) >= this.#afterMs;
    return isLong && this.#hasOther(station);
  }

  #move(station: Here, held: Held): void {
    if (held.mayBeThere) {
      this.#log.info(`${held.promptId} only waited on ${station.name}: placed anew`);
      this.#left.push({ station, promptId: held.promptId });
    }
    held.move.abort();
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
}
