import type { Outcome, RunStatus } from "../comfy/outcome.ts";
import type { Paces } from "../comfy/paces.ts";
import { hasRoom, take } from "../comfy/placement.ts";
import type { Pool } from "../comfy/pool.ts";
import { refuseAborted } from "../comfy/signals.ts";
import { type LiveStation, Stations } from "../comfy/stations.ts";
import { Turns } from "../comfy/turns.ts";
import { messageOf } from "../errors.ts";
import type { Log } from "../log.ts";
import { type Ask, type Entry, Installed, sortOf } from "./ask.ts";
import { Places } from "./places.ts";
import { Rescue } from "./rescue.ts";
import { placementOf } from "./runs.ts";
import type { Placement } from "./task.ts";
import { type Held, Ticket } from "./ticket.ts";
import { WaitingRoom } from "./waiting-room.ts";

type Here = LiveStation<Entry, Held>;

/** One that runs, and one that follows it at once. */
const mostAtOnce = 2;
/** Expectations change while time goes by. */
const tickMs = 500;
const standardReplaceMs = 15_000;
/** Another process's wish to drain one is seen this soon. */
const drainedMs = 2_000;

export interface HandOverOptions {
  pool: Pool;
  paces: Paces;
  log: Log;
  /** "few": a ComfyUI is given the next run when the one before is nearly done; "all": at once. */
  handOver: "few" | "all";
  /** How long a ComfyUI is away before what only waited there is placed anew (default 15 s). */
  replaceAfterMs?: number | undefined;
  /** A run that no ComfyUI can take for so long has failed. */
  lostAfterMs: number;
  /** The backends that are to be given nothing; read again and again while runs wait. */
  drained(): Promise<ReadonlySet<string>>;
}

/**
 * What waits here, and when it is given to which ComfyUI: callers take turns, and each run goes
 * where it is expected to be done first.
 */
export class HandOver {
  readonly #options: HandOverOptions;
  readonly #stations: Stations<Entry, Held>;
  readonly #turns = new Turns();
  readonly #installed = new Installed();
  readonly #most: number;
  readonly #room: WaitingRoom;
  readonly #rescue: Rescue;
  readonly #places: Places;
  #tick: NodeJS.Timeout | undefined;
  #isDispatching = false;
  #isClosed = false;
  readonly #watch: NodeJS.Timeout;

  constructor(options: HandOverOptions) {
    this.#options = options;
    this.#most = options.handOver === "all" ? Number.POSITIVE_INFINITY : mostAtOnce;
    this.#stations = new Stations(options.pool, options.log, {
      came: (station) => this.#came(station),
      left: (station) => this.#left(station),
      failed: (error) => {
        this.#room.fail(error);
        this.#goOn();
      },
    });
    this.#room = new WaitingRoom({
      ...{ stations: this.#stations, installed: this.#installed, paces: options.paces },
      lostAfterMs: options.lostAfterMs,
      changed: () => this.#goOn(),
    });
    const { all } = this.#stations;
    this.#rescue = new Rescue(all, options.replaceAfterMs ?? standardReplaceMs, options.log);
    this.#places = new Places({
      stations: all,
      homeless: this.#room.homeless,
      whyNot: (entry) => this.#room.whyNot(entry),
    });
    const complain = (error: unknown) => options.log.debug(messageOf(error));
    this.#watch = setInterval(() => this.refreshDrained().catch(complain), drainedMs);
    this.#watch.unref();
  }

  /** Whether runs are given in the order of their tasks as soon as a ComfyUI can be asked. */
  get isAtOnce(): boolean {
    return this.#options.handOver === "all";
  }

  /** Whether there is but one ComfyUI, which is given everything at once. */
  get hasOnePlace(): boolean {
    return !this.mayMove && this.#stations.all.every(({ isDrained }) => !isDrained);
  }

  /** Whether a run that ComfyUI lost may be given to another one, or later. */
  get mayMove(): boolean {
    return !this.isAtOnce || this.#stations.all.length > 1;
  }

  /** What is known here of a backend, because runs are given to it. */
  standing(name: string) {
    const station = this.#stations.of(name);
    return {
      drained: station?.isDrained ?? false,
      given: station?.given.length ?? 0,
      stepMs: this.#options.paces.stepsOf(name),
      ...(station?.model ? { loaded: station.model } : {}),
    };
  }

  /**
   * Waits for the run's turn and a ComfyUI that can make it. Rejects with `not_ready` when none has
   * what it needs, with `lost` when none can be asked for too long, and when one of its signals is aborted.
   */
  place(ask: Ask): Promise<Ticket> {
    return new Promise((resolve, reject) => {
      const sort = sortOf(ask.live.record, ask.live.recipe);
      const { level, own } = ask.priority;
      const ms = this.#options.paces.runMs("", sort);
      const entry: Entry = {
        ...sort,
        ask,
        turn: ask.turn ?? this.#turns.of(ask.live.record.caller, level, own, ms),
        able: new Set(),
        passedMs: 0,
        since: new Date(),
        told: undefined,
        resolve: (ticket) => {
          unlisten();
          resolve(ticket);
        },
        reject: (error) => {
          unlisten();
          this.#room.remove(entry);
          reject(error);
        },
      };
      const stop = () => {
        try {
          for (const signal of ask.signals) refuseAborted(signal);
        } catch (error) {
          entry.reject(error);
        }
      };
      const unlisten = () => {
        for (const signal of ask.signals) signal.removeEventListener("abort", stop);
      };
      for (const signal of ask.signals) signal.addEventListener("abort", stop, { once: true });
      if (ask.signals.some(({ aborted }) => aborted)) return stop();
      this.#stations.refresh();
      this.#room.settle(entry);
      if (own !== 0) this.#room.reorder(entry);
      this.#goOn();
    });
  }

  /**
   * A run that has its place on record; undefined where this server does not use that ComfyUI.
   * `mayBeThere`: it may have been sent already.
   */
  adopt(ask: Ask, at: Placement, mayBeThere: boolean): Ticket | undefined {
    const station = this.#stations.of(at.backend);
    return station && this.#hold(station, ask, at, mayBeThere);
  }

  close(): void {
    this.#isClosed = true;
    clearInterval(this.#watch);
    this.#stations.stopLooking();
    clearTimeout(this.#tick);
    this.#places.close();
  }

  /** Looks which backends are drained now. */
  async refreshDrained(): Promise<void> {
    if (!this.#stations.drain(await this.#options.drained())) return;
    for (const station of this.#stations.all) if (station.isDrained) this.#room.leave(station);
    this.#room.settleHomeless();
    this.#goOn();
  }

  /** Gives what can be given, and sees to the rest. */
  #goOn(): void {
    if (this.#isDispatching || this.#isClosed) return;
    this.#isDispatching = true;
    try {
      this.#stations.refresh();
      const { all } = this.#stations;
      for (const station of all) {
        while (hasRoom(station, this.#most, this.#options.paces, performance.now())) {
          const entry = take(station, all, this.#options.paces, performance.now());
          if (!entry) break;
          this.#give(entry, station);
        }
      }
    } finally {
      this.#isDispatching = false;
    }
    const isWaiting = !this.#room.isEmpty;
    if (isWaiting) this.#stations.look();
    else this.#stations.stopLooking();
    if (isWaiting) this.#places.tellSoon();
    const isStranded = this.#stations.all.some(
      ({ presence, given }) => presence === "away" && given.length > 0,
    );
    if (isWaiting || (isStranded && this.mayMove)) this.#tickSoon();
  }

  #tickSoon(): void {
    if (this.#tick) return;
    this.#tick = setTimeout(() => {
      this.#tick = undefined;
      for (const station of this.#stations.all) this.#rescueFrom(station);
      this.#goOn();
    }, tickMs);
    this.#tick.unref();
  }

  #give(entry: Entry, station: Here): void {
    const choices = this.#installed.choices(entry.ask.live.recipe, station.objectInfo);
    // What was able a moment ago is not: it is looked at anew.
    if (!choices) return this.#room.settle(entry);
    this.#turns.given(entry.turn);
    const at = placementOf({ backend: station.backend, choices });
    entry.resolve(this.#hold(station, { ...entry.ask, turn: entry.turn }, at, false));
  }

  #hold(station: Here, ask: Ask, at: Placement, mayBeThere: boolean): Ticket {
    const sort = sortOf(ask.live.record, ask.live.recipe);
    const wasLoaded = station.model === undefined ? undefined : station.model === sort.model;
    const held: Held = {
      ...sort,
      promptId: ask.promptId,
      since: performance.now(),
      isLoaded: wasLoaded === true,
      mayBeThere,
      isStarted: false,
      move: new AbortController(),
    };
    station.given.push(held);
    station.model = sort.model;
    return new Ticket(at, ask.turn, held, {
      status: (status) => this.#heard(station, status),
      ended: (outcome) => this.#ended(station, held, outcome, wasLoaded),
    });
  }

  #heard(station: Here, status: RunStatus): void {
    if (status.phase === "waiting") this.#stations.heard(station, status);
    else if (status.phase === "running") this.#stations.heard(station);
  }

  #ended(
    station: Here,
    held: Held,
    outcome: Outcome | undefined,
    wasLoaded: boolean | undefined,
  ): void {
    station.given.splice(station.given.indexOf(held), 1);
    const [next] = station.given;
    if (next && !next.isStarted) next.since = performance.now();
    const timing = outcome?.kind === "completed" ? outcome.timing : undefined;
    if (timing) this.#options.paces.learn(station.name, held, timing, wasLoaded);
    this.#goOn();
  }

  #came(station: Here): void {
    this.#rescue.cameBack(station);
    this.#room.lookAtAll();
    this.#room.settleHomeless();
    this.#goOn();
  }

  #left(station: Here): void {
    station.model = undefined;
    this.#room.leave(station);
    this.#rescueFrom(station);
    this.#room.giveUpOld();
    this.#goOn();
  }

  #rescueFrom(station: Here): void {
    if (this.mayMove) this.#rescue.look(station);
  }
}
