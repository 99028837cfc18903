import type { Outcome, RunStatus } from "../comfy/outcome.ts";
import type { Paces } from "../comfy/paces.ts";
import { givenUp } from "../comfy/patience.ts";
import { byTurn, choose, hasRoom, queue, take } from "../comfy/placement.ts";
import type { Pool } from "../comfy/pool.ts";
import { refuseAborted } from "../comfy/signals.ts";
import { type LiveStation, Stations } from "../comfy/stations.ts";
import { reorder, Turns } from "../comfy/turns.ts";
import { AppError, messageOf } from "../errors.ts";
import type { Log } from "../log.ts";
import type { Recipe } from "../workflows/recipe.ts";
import { type Ask, type Entry, Installed, sortOf } from "./ask.ts";
import { Places } from "./places.ts";
import { Rescue } from "./rescue.ts";
import { placementOf } from "./runs.ts";
import type { Placement } from "./task.ts";
import { type Held, Ticket } from "./ticket.ts";

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
  /** Those that no ComfyUI can take now. */
  readonly #homeless = new Set<Entry>();
  readonly #rescue: Rescue;
  readonly #places: Places;
  #tick: NodeJS.Timeout | undefined;
  #isDispatching = false;
  readonly #watch: NodeJS.Timeout;

  constructor(options: HandOverOptions) {
    this.#options = options;
    this.#most = options.handOver === "all" ? Number.POSITIVE_INFINITY : mostAtOnce;
    this.#stations = new Stations(options.pool, options.log, {
      came: (station) => this.#came(station),
      left: (station) => this.#left(station),
      failed: (error) => this.#failed(error),
    });
    const { all } = this.#stations;
    this.#rescue = new Rescue(all, options.replaceAfterMs ?? standardReplaceMs, options.log);
    this.#places = new Places({
      stations: all,
      homeless: this.#homeless,
      whyNot: (entry) => this.#whyNot(entry),
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
   * what it needs, with `lost` when none can be asked for too long, and when its signal is aborted.
   */
  place(ask: Ask): Promise<Ticket> {
    return new Promise((resolve, reject) => {
      const sort = sortOf(ask.live.record, ask.live.recipe);
      const { level, own } = ask.priority;
      const ms = this.#options.paces.runMs("", sort);
      const entry: Entry = {
        ...sort,
        ask,
        turn: this.#turns.of(ask.live.record.caller, level, own, ms),
        able: new Set(),
        passedMs: 0,
        since: new Date(),
        told: undefined,
        resolve: (ticket) => {
          ask.signal.removeEventListener("abort", stop);
          resolve(ticket);
        },
        reject: (error) => {
          ask.signal.removeEventListener("abort", stop);
          this.#remove(entry);
          reject(error);
        },
      };
      const stop = () => {
        try {
          refuseAborted(ask.signal);
        } catch (error) {
          entry.reject(error);
        }
      };
      ask.signal.addEventListener("abort", stop, { once: true });
      if (ask.signal.aborted) return stop();
      this.#stations.refresh();
      this.#settle(entry);
      if (own !== 0) this.#reorder(entry);
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
    clearInterval(this.#watch);
    this.#stations.stopLooking();
    clearTimeout(this.#tick);
    this.#places.close();
  }

  /** Looks which backends are drained now. */
  async refreshDrained(): Promise<void> {
    if (!this.#stations.drain(await this.#options.drained())) return;
    for (const station of this.#stations.all) if (station.isDrained) this.#empty(station);
    for (const entry of [...this.#homeless].sort(byTurn)) this.#settle(entry);
    this.#goOn();
  }

  #waiting(): Entry[] {
    return [...this.#homeless, ...this.#stations.all.flatMap(({ line }) => line)];
  }

  /** Puts a run into a line, or among those that have none. */
  #settle(entry: Entry): void {
    const { recipe } = entry.ask.live;
    entry.able = this.#installed.ableOf(recipe, this.#stations.all);
    const { paces } = this.#options;
    const station = choose(entry, this.#stations.all, paces, performance.now());
    this.#homeless.delete(entry);
    if (station) return queue(entry, station);
    this.#homeless.add(entry);
    entry.told = undefined;
    const isKnown = this.#stations.all.every(({ objectInfo }) => objectInfo !== undefined);
    if (entry.able.size === 0 && isKnown) void this.#lookAgain(entry, recipe);
  }

  /** What is missing everywhere may have been installed a minute ago. */
  async #lookAgain(entry: Entry, recipe: Recipe): Promise<void> {
    const { all } = this.#stations;
    const asked = await Promise.allSettled(all.map(({ backend }) => backend.objectInfo(0)));
    if (!this.#homeless.has(entry)) return;
    this.#stations.refresh();
    if (this.#installed.ableOf(recipe, all).size > 0) this.#settle(entry);
    else if (asked.every(({ status }) => status === "fulfilled")) entry.reject(lacking());
    this.#goOn();
  }

  #remove(entry: Entry): void {
    this.#homeless.delete(entry);
    for (const { line } of this.#stations.all) {
      const at = line.indexOf(entry);
      if (at >= 0) line.splice(at, 1);
    }
    this.#goOn();
  }

  /** The caller's runs of this level share their turns out by their own priorities. */
  #reorder({ ask, turn }: Entry): void {
    const { caller } = ask.live.record;
    const same = this.#waiting().filter(
      (other) => other.ask.live.record.caller === caller && other.turn.level === turn.level,
    );
    reorder(same.map((other) => other.turn));
    for (const { line } of this.#stations.all) line.sort(byTurn);
  }

  /** Gives what can be given, and sees to the rest. */
  #goOn(): void {
    if (this.#isDispatching) return;
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
    const isWaiting = this.#homeless.size > 0 || this.#stations.all.some(({ line }) => line.length);
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
    if (!choices) return this.#settle(entry);
    this.#turns.given(entry.turn);
    const at = placementOf({ backend: station.backend, choices });
    entry.resolve(this.#hold(station, entry.ask, at, false));
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
    return new Ticket(at, held, {
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
    for (const entry of this.#waiting()) {
      entry.able = this.#installed.ableOf(entry.ask.live.recipe, this.#stations.all);
    }
    for (const entry of [...this.#homeless].sort(byTurn)) this.#settle(entry);
    this.#goOn();
  }

  #left(station: Here): void {
    station.model = undefined;
    this.#empty(station);
    this.#rescueFrom(station);
    this.#giveUpOld();
    this.#goOn();
  }

  /** What waits here for a station that takes nothing is settled elsewhere. */
  #empty(station: Here): void {
    for (const entry of station.line.splice(0)) this.#settle(entry);
  }

  #rescueFrom(station: Here): void {
    if (this.mayMove) this.#rescue.look(station);
  }

  #giveUpOld(): void {
    const { lostAfterMs } = this.#options;
    for (const entry of this.#homeless) {
      const reason = this.#whyNot(entry);
      if (reason === undefined || Date.now() - entry.since.getTime() < lostAfterMs) continue;
      entry.reject(givenUp(entry.since, new Error(reason)));
    }
  }

  #failed(error: unknown): void {
    if (this.#stations.all.some(({ presence }) => presence !== "away")) return;
    for (const entry of [...this.#homeless]) entry.reject(error);
  }

  /** Why no ComfyUI can be asked for a run; undefined when one is only drained. */
  #whyNot({ able }: Entry): string | undefined {
    const possible = this.#stations.all.filter(
      ({ name, objectInfo }) => objectInfo === undefined || able.has(name),
    );
    if (possible.some(({ isDrained, presence }) => isDrained && presence !== "away")) {
      return undefined;
    }
    return possible.find(({ away }) => away)?.away?.reason ?? "No ComfyUI answers.";
  }
}

function lacking(): AppError {
  return new AppError(
    "not_ready",
    "No ComfyUI has the nodes and model files of this picture any more. list_workflows says what is missing.",
  );
}
