import type { Paces, Sort } from "./paces.ts";

/** A run that waits to be given to a ComfyUI. */
export interface Waiting extends Sort {
  turn: Turn;
  /** The backends that have its nodes and files. */
  able: ReadonlySet<string>;
  /** How long others went before it because their model was loaded, in ms. */
  passedMs: number;
}

/** Who goes first: the higher level, then the smaller tag, then who came first. */
export interface Turn {
  level: number;
  tag: number;
  order: number;
  /** Priority among the runs of its caller, whose tags it shares out; see `Turns`. */
  own: number;
}

/** A run that a ComfyUI was given and that has not ended. */
export interface Given extends Sort {
  /** When it began there, or was given where that is not known; by the clock of `now`. */
  since: number;
  isLoaded: boolean;
  /** How much of it is done, from 0 to 1, where its events tell. */
  fraction?: number;
}

/** A ComfyUI as placement sees it. */
export interface Station<Run extends Waiting = Waiting> {
  name: string;
  /** Takes runs now: it answers, and is not drained. */
  isOpen: boolean;
  given: readonly Given[];
  /** What waits for it here, in the order of turns. */
  line: Run[];
  /** The model of the last run it was given. */
  model: string | undefined;
  /** Prompts of others in its queue. */
  foreign: number;
}

/** Waiting for a loaded model delays others by at most so many times what theirs takes to load. */
const passLimit = 3;
/**
 * While every ComfyUI is at work, a load counts so many times beside its own length: it takes the GPU
 * from others, and what it displaces is soon loaded again.
 */
const loadWeight = 2;
/** Where one is idle, it is the last that has its model: loading that again counts so many times. */
const keepWeight = 2;
/** A second prompt is handed over this long before the first ends, so that the GPU never rests. */
const aheadMs = 2_000;

export function byTurn(a: { turn: Turn }, b: { turn: Turn }): number {
  const [mine, other] = [a.turn, b.turn];
  return other.level - mine.level || mine.tag - other.tag || mine.order - other.order;
}

/** How much longer a run takes that has taken `elapsedMs`; one that is late is believed to go on. */
export function remainingMs(expectedMs: number, elapsedMs: number, fraction = 0): number {
  if (fraction > 0.2) return (elapsedMs * (1 - fraction)) / fraction;
  return elapsedMs < expectedMs ? expectedMs - elapsedMs : elapsedMs * 0.3;
}

/** When a ComfyUI will have done what it was given, in ms from now. */
export function busyMs(station: Station, paces: Paces, now: number): number {
  const { name, given, foreign } = station;
  const own = given.reduce((sum, run, i) => {
    const load = run.isLoaded ? 0 : paces.loadMs(name, run.model);
    const expected = paces.runMs(name, run) + load;
    const elapsed = i === 0 ? now - run.since : 0;
    return sum + remainingMs(expected, elapsed, run.fraction);
  }, 0);
  if (foreign === 0) return own;
  const usual = given[0] ?? { workflow: "", model: "", effort: 1 };
  return own + foreign * paces.runMs(name, usual);
}

/**
 * When a run would be done there, given everything that goes before it, in ms from now, others'
 * losses counted in; undefined where that is not before `withinMs`.
 */
function doneMs(
  run: Waiting,
  station: Station,
  all: Usage,
  paces: Paces,
  now: number,
  withinMs: number,
): number | undefined {
  let ms = busyMs(station, paces, now);
  let { model } = station;
  for (const other of station.line) {
    if (ms >= withinMs) return undefined;
    if (byTurn(other, run) >= 0) break;
    ms += costMs(other, station.name, model, paces);
    model = other.model;
  }
  ms += costMs(run, station.name, model, paces) + upsetMs(run, station, model, all, paces);
  return ms < withinMs ? ms : undefined;
}

function costMs(run: Sort, backend: string, loaded: string | undefined, paces: Paces): number {
  const load = loaded === run.model ? 0 : paces.loadMs(backend, run.model);
  return paces.runMs(backend, run) + load;
}

/** What others lose when a station loads another model: the GPU meanwhile, and what was loaded. */
function upsetMs(
  run: Sort,
  { name }: Station,
  loaded: string | undefined,
  { busyShare, idle }: Usage,
  paces: Paces,
): number {
  if (loaded === undefined || loaded === run.model) return 0;
  const again = paces.loadMs(name, loaded) / (idle.get(loaded) ?? 1);
  return loadWeight * busyShare * paces.loadMs(name, run.model) + keepWeight * again;
}

interface Usage {
  /** Which part of the open stations have something to do. */
  busyShare: number;
  /** How many of those that have not have each model loaded. */
  idle: ReadonlyMap<string, number>;
}

function usageOf(stations: readonly Station[]): Usage {
  let [open, busy] = [0, 0];
  const idle = new Map<string, number>();
  for (const { isOpen, given, line, model } of stations) {
    if (!isOpen) continue;
    open += 1;
    if (given.length + line.length > 0) busy += 1;
    else if (model !== undefined) idle.set(model, (idle.get(model) ?? 0) + 1);
  }
  return { busyShare: open === 0 ? 0 : busy / open, idle };
}

/**
 * The station where a run is expected to be done first, others' losses counted in; undefined when
 * none that is open can.
 */
export function choose<S extends Station>(
  run: Waiting,
  stations: readonly S[],
  paces: Paces,
  now: number,
): S | undefined {
  const possible = stations.filter(({ isOpen, name }) => isOpen && run.able.has(name));
  // What it has to do is summed up, which takes the longer the more that is.
  if (possible.length === 1) return possible[0];
  let best: { station: S; ms: number } | undefined;
  const all = usageOf(stations);
  for (const station of possible) {
    const withinMs = best?.ms ?? Number.POSITIVE_INFINITY;
    const ms = doneMs(run, station, all, paces, now, withinMs);
    if (ms !== undefined) best = { station, ms };
  }
  return best?.station;
}

/** Puts a run into the line of a station, by its turn. */
export function queue<Run extends Waiting>(run: Run, { line }: Station<Run>): void {
  let [from, to] = [0, line.length];
  while (from < to) {
    const middle = (from + to) >> 1;
    const other = line[middle];
    if (other && byTurn(other, run) <= 0) from = middle + 1;
    else to = middle;
  }
  line.splice(from, 0, run);
}

/** Whether a station should be given another run now; `most` is how many it may have at once. */
export function hasRoom(station: Station, most: number, paces: Paces, now: number): boolean {
  const { isOpen, given } = station;
  if (!isOpen || given.length >= most) return false;
  if (given.length === 0 || most === Number.POSITIVE_INFINITY) return true;
  return busyMs(station, paces, now) <= aheadMs;
}

/** Takes the run that a station with room is to be given next out of its line; undefined for none. */
export function take<Run extends Waiting>(
  station: Station<Run>,
  stations: readonly Station<Run>[],
  paces: Paces,
  now: number,
): Run | undefined {
  const own = ofItsLine(station, paces);
  const other = ofOthers(station, stations, own, paces, now);
  const run = other?.run ?? own;
  if (!run) return undefined;
  const line = other?.station.line ?? station.line;
  line.splice(line.indexOf(run), 1);
  const first = station.line[0];
  // Who was passed over is owed the time.
  if (first && byTurn(first, run) < 0)
    first.passedMs += costMs(run, station.name, run.model, paces);
  return run;
}

/** The first, or one whose model is loaded while the first can still be kept waiting. */
function ofItsLine<Run extends Waiting>(
  { name, line, model }: Station<Run>,
  paces: Paces,
): Run | undefined {
  const [first] = line;
  if (!first || first.model === model) return first;
  const patience = passLimit * paces.loadMs(name, first.model) - first.passedMs;
  if (patience <= 0) return first;
  const warm = line.find((run) => run.model === model && run.turn.level === first.turn.level);
  return warm && paces.runMs(name, warm) <= patience ? warm : first;
}

/**
 * A run of another line that comes before its own and would be done sooner here. Where nothing
 * waits for the station itself, any run that would be.
 */
function ofOthers<Run extends Waiting>(
  station: Station<Run>,
  stations: readonly Station<Run>[],
  own: Run | undefined,
  paces: Paces,
  now: number,
): { run: Run; station: Station<Run> } | undefined {
  const others = stations.filter((other) => other !== station && other.line.length > 0);
  if (others.length === 0) return undefined;
  const [busy, all] = [busyMs(station, paces, now), usageOf(stations)];
  const hereMs = (run: Run) =>
    busy +
    costMs(run, station.name, station.model, paces) +
    upsetMs(run, station, station.model, all, paces);
  let best: { run: Run; station: Station<Run> } | undefined;
  for (const other of others) {
    const isBefore = (run: Run) =>
      !(own && byTurn(run, own) >= 0) && !(best && byTurn(run, best.run) >= 0);
    const isSooner = (run: Run, ms: number) => !other.isOpen || hereMs(run) < ms;
    // Its own line goes before all but the first of another one.
    const looked = own ? 1 : other.line.length;
    const run = firstSooner(station, other, looked, { isBefore, isSooner }, paces, now);
    if (run) best = { run, station: other };
  }
  return best;
}

/** Of the first so many in a line, those that `isBefore`: the first that would be done sooner here. */
function firstSooner<Run extends Waiting>(
  station: Station<Run>,
  other: Station<Run>,
  looked: number,
  { isBefore, isSooner }: { isBefore(run: Run): boolean; isSooner(run: Run, ms: number): boolean },
  paces: Paces,
  now: number,
): Run | undefined {
  let ms: number | undefined;
  let { model } = other;
  for (const [i, run] of other.line.entries()) {
    if (i === looked || !isBefore(run)) return undefined;
    ms = (ms ?? busyMs(other, paces, now)) + costMs(run, other.name, model, paces);
    model = run.model;
    if (run.able.has(station.name) && isSooner(run, ms)) return run;
  }
  return undefined;
}
