import type { Paces } from "../comfy/paces.ts";
import { givenUp } from "../comfy/patience.ts";
import { byTurn, choose, queue } from "../comfy/placement.ts";
import type { LiveStation, Stations } from "../comfy/stations.ts";
import { reorder } from "../comfy/turns.ts";
import { AppError } from "../errors.ts";
import type { Entry, Installed } from "./ask.ts";
import type { Held } from "./ticket.ts";

type Here = LiveStation<Entry, Held>;

export interface WaitingRoomPorts {
  stations: Stations<Entry, Held>;
  installed: Installed;
  paces: Paces;
  /** A run that no ComfyUI can take for so long has failed. */
  lostAfterMs: number;
  /** Somebody was settled or went. */
  changed(): void;
}

/** The runs that wait here: each in the line of a ComfyUI, or without one. */
export class WaitingRoom {
  /** Those that no ComfyUI can take now. */
  readonly homeless = new Set<Entry>();
  readonly #ports: WaitingRoomPorts;

  constructor(ports: WaitingRoomPorts) {
    this.#ports = ports;
  }

  get #all(): readonly Here[] {
    return this.#ports.stations.all;
  }

  get isEmpty(): boolean {
    return this.homeless.size === 0 && this.#all.every(({ line }) => line.length === 0);
  }

  /** Puts a run into the line where it is done first, or among those that have none. */
  settle(entry: Entry): void {
    const { installed, paces } = this.#ports;
    const { recipe } = entry.ask.live;
    entry.able = installed.ableOf(recipe, this.#all);
    const station = choose(entry, this.#all, paces, performance.now());
    this.homeless.delete(entry);
    if (station) return queue(entry, station);
    this.homeless.add(entry);
    entry.told = undefined;
    const isKnown = this.#all.every(({ objectInfo }) => objectInfo !== undefined);
    if (entry.able.size === 0 && isKnown) void this.#lookAgain(entry);
  }

  settleHomeless(): void {
    for (const entry of [...this.homeless].sort(byTurn)) this.settle(entry);
  }

  /** What waits for a station that takes nothing is settled elsewhere. */
  leave(station: Here): void {
    for (const entry of station.line.splice(0)) this.settle(entry);
  }

  /** What is installed has changed somewhere. */
  lookAtAll(): void {
    const waiting = [...this.homeless, ...this.#all.flatMap(({ line }) => line)];
    for (const entry of waiting) {
      entry.able = this.#ports.installed.ableOf(entry.ask.live.recipe, this.#all);
    }
  }

  remove(entry: Entry): void {
    this.homeless.delete(entry);
    for (const { line } of this.#all) {
      const at = line.indexOf(entry);
      if (at >= 0) line.splice(at, 1);
    }
    this.#ports.changed();
  }

  /** The caller's runs of this level share their turns out by their own priorities. */
  reorder({ ask, turn }: Entry): void {
    const { caller } = ask.live.record;
    const waiting = [...this.homeless, ...this.#all.flatMap(({ line }) => line)];
    const same = waiting.filter(
      (other) => other.ask.live.record.caller === caller && other.turn.level === turn.level,
    );
    reorder(same.map((other) => other.turn));
    for (const { line } of this.#all) line.sort(byTurn);
  }

  /** Those that no ComfyUI could be asked for, for too long, have failed. */
  giveUpOld(): void {
    for (const entry of this.homeless) {
      const reason = this.whyNot(entry);
      const waitedMs = Date.now() - entry.since.getTime();
      if (reason === undefined || waitedMs < this.#ports.lostAfterMs) continue;
      entry.reject(givenUp(entry.since, new Error(reason)));
    }
  }

  /** Looking for a ComfyUI has failed, and no other is left. */
  fail(error: unknown): void {
    if (this.#all.some(({ presence }) => presence !== "away")) return;
    // It was given up after its time, which is not that of who came later.
    if (error instanceof AppError && error.code === "lost") return this.giveUpOld();
    for (const entry of [...this.homeless]) entry.reject(error);
  }

  /** Why no ComfyUI can be asked for a run; undefined when one is only drained. */
  whyNot({ able }: Entry): string | undefined {
    const possible = this.#all.filter(
      ({ name, objectInfo }) => objectInfo === undefined || able.has(name),
    );
    if (possible.some(({ isDrained, presence }) => isDrained && presence !== "away")) {
      return undefined;
    }
    return possible.find(({ away }) => away)?.away?.reason ?? "No ComfyUI answers.";
  }

  /** What is missing everywhere may have been installed a minute ago. */
  async #lookAgain(entry: Entry): Promise<void> {
    const { stations, installed } = this.#ports;
    const asked = await Promise.allSettled(this.#all.map(({ backend }) => backend.objectInfo(0)));
    if (!this.homeless.has(entry)) return;
    stations.refresh();
    if (installed.ableOf(entry.ask.live.recipe, this.#all).size > 0) this.settle(entry);
    else if (asked.every(({ status }) => status === "fulfilled")) entry.reject(lacking());
    this.#ports.changed();
  }
}

function lacking(): AppError {
  return new AppError(
    "not_ready",
    "No ComfyUI has the nodes and model files of this picture any more. list_workflows says what is missing.",
  );
}
