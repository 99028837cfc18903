import type { Station } from "../comfy/placement.ts";
import type { Entry } from "./ask.ts";

/** The places in the queue are told this often at most. */
const tellMs = 400;

const drainedReason = "Every ComfyUI that can make it is drained: it takes nothing new.";

export interface PlacesPorts {
  stations: readonly Station<Entry>[];
  homeless: ReadonlySet<Entry>;
  /** Why no ComfyUI can be asked for it; undefined when those that can make it are drained. */
  whyNot(entry: Entry): string | undefined;
}

/** Tells the runs that wait here how many go before them, or why they wait. */
export class Places {
  readonly #ports: PlacesPorts;
  #timer: NodeJS.Timeout | undefined;

  constructor(ports: PlacesPorts) {
    this.#ports = ports;
  }

  tellSoon(): void {
    if (this.#timer) return;
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      this.#tell();
    }, tellMs);
    this.#timer.unref();
  }

  close(): void {
    clearTimeout(this.#timer);
  }

  #tell(): void {
    const { stations, homeless, whyNot } = this.#ports;
    for (const { line, given, foreign } of stations) {
      for (const [i, entry] of line.entries()) {
        const ahead = given.length + foreign + i;
        if (entry.told === ahead) continue;
        entry.told = ahead;
        entry.ask.onStatus({ phase: "queued", ahead });
      }
    }
    for (const entry of homeless) {
      const reason = whyNot(entry) ?? drainedReason;
      if (entry.told === reason) continue;
      entry.told = reason;
      entry.ask.onStatus({ phase: "waiting", since: entry.since, reason });
    }
  }
}
