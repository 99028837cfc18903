import { messageOf } from "../errors.ts";
import type { Log } from "../log.ts";
import type { Backend } from "./backend.ts";
import type { Given, Station, Waiting } from "./placement.ts";
import type { Pool } from "./pool.ts";
import type { ObjectInfo } from "./protocol.ts";

/** A backend of the pool as runs are given to it. */
export interface LiveStation<Run extends Waiting, Held extends Given> extends Station<Run> {
  backend: Backend;
  given: Held[];
  /** What it had installed when that was last read. */
  objectInfo: ObjectInfo | undefined;
  presence: "unknown" | "here" | "away";
  isDrained: boolean;
  /** Why it cannot be asked, and since when. */
  away: { since: Date; reason: string } | undefined;
}

export interface StationsPorts<S> {
  /** It answers, for the first time or again. */
  came(station: S): void;
  /** It does not answer any more, or still does not. */
  left(station: S): void;
  /** Looking for it was given up. */
  failed(error: unknown): void;
}

/** The backends of a pool, and whether each can be asked; only what is wanted is looked for. */
export class Stations<Run extends Waiting, Held extends Given> {
  readonly all: readonly LiveStation<Run, Held>[];
  readonly #ports: StationsPorts<LiveStation<Run, Held>>;
  readonly #log: Log;
  readonly #looks = new Map<LiveStation<Run, Held>, AbortController>();

  constructor(pool: Pool, log: Log, ports: StationsPorts<LiveStation<Run, Held>>) {
    this.#log = log;
    this.#ports = ports;
    this.all = pool.all.map((backend) => ({
      ...{ backend, name: backend.url, given: [], line: [], model: undefined, foreign: 0 },
      ...{ isOpen: false, isDrained: false, presence: "unknown" as const },
      ...{ objectInfo: undefined, away: undefined },
    }));
  }

  of(name: string): LiveStation<Run, Held> | undefined {
    return this.all.find((station) => station.name === name);
  }

  /** Takes over what is known of each without asking. */
  refresh(): void {
    for (const station of this.all) {
      const { backend } = station;
      const known = backend.knownObjectInfo;
      if (known) station.objectInfo = known;
      if (known && station.presence === "unknown") station.presence = "here";
      // The other side closed the socket: it may have been started anew, with other models.
      if (!known && station.presence === "here") {
        station.presence = "unknown";
        station.model = undefined;
      }
      station.foreign = Math.max(0, backend.remaining - station.given.length);
      this.#open(station);
    }
  }

  /** Those of these names take nothing new; false when that is as before. */
  drain(names: ReadonlySet<string>): boolean {
    const changed = this.all.filter(({ name, isDrained }) => names.has(name) !== isDrained);
    for (const station of changed) {
      station.isDrained = !station.isDrained;
      this.#open(station);
    }
    return changed.length > 0;
  }

  /** It was heard of, or could not be asked, by a run that is there. */
  heard(station: LiveStation<Run, Held>, away?: { since: Date; reason: string }): void {
    const isAway = away !== undefined;
    if (isAway === (station.presence === "away")) return;
    station.presence = isAway ? "away" : "here";
    station.away = away;
    this.#open(station);
    if (isAway) this.#ports.left(station);
    else this.#ports.came(station);
  }

  /** Looks for every one that is not here until it is; those that sleep are woken if nobody is here. */
  look(): void {
    const isAnybody = this.all.some(({ presence }) => presence === "here");
    for (const station of this.all) {
      if (station.presence !== "here" && !this.#looks.has(station)) {
        this.#lookFor(station, isAnybody);
      }
    }
  }

  /** Nobody waits: what sleeps is left alone. */
  stopLooking(): void {
    for (const look of this.#looks.values()) look.abort();
  }

  #lookFor(station: LiveStation<Run, Held>, isAnybody: boolean): void {
    const { backend } = station;
    const look = new AbortController();
    this.#looks.set(station, look);
    const work = async () => {
      await (isAnybody ? backend.ready() : backend.wake(look.signal));
      return backend.objectInfo();
    };
    const isAway = (since: Date, reason: string) => {
      if (look.signal.aborted) return;
      station.presence = "away";
      station.away = { since: station.away?.since ?? since, reason };
      this.#open(station);
      this.#ports.left(station);
    };
    backend
      .persist(
        work,
        (status) => {
          if (status.phase === "waiting") isAway(status.since, status.reason);
        },
        look.signal,
      )
      .then(
        (objectInfo) => {
          this.#looks.delete(station);
          station.objectInfo = objectInfo;
          station.presence = "here";
          station.away = undefined;
          this.#open(station);
          this.#ports.came(station);
        },
        (error) => {
          this.#looks.delete(station);
          if (look.signal.aborted) return;
          this.#log.debug(`${station.name}: ${messageOf(error)}`);
          isAway(new Date(), messageOf(error));
          this.#ports.failed(error);
        },
      );
  }

  #open(station: LiveStation<Run, Held>): void {
    station.isOpen =
      station.presence === "here" && !station.isDrained && station.objectInfo !== undefined;
  }
}
