import { Paces, type Sort } from "../src/comfy/paces.ts";
import {
  choose,
  type Given,
  hasRoom,
  queue,
  type Station,
  take,
  type Waiting,
} from "../src/comfy/placement.ts";
import { Turns } from "../src/comfy/turns.ts";
import { type Job, lowerBound } from "./pool-bound.ts";

/** Half a second: everything in the simulation takes whole slots. */
const slotMs = 500;
const speeds = [1, 1.6, 2.5];
const counts = [80, 70, 50];
const callers = 1_000;
/** While demand comes, in slots. */
const span = 2 * 1_800;
const busy = 0.75;

interface Model {
  name: string;
  /** On a backend of speed 1, in slots. */
  run: number;
  load: number;
  /** How often it is asked for. */
  share: number;
}

/** From a few steps of a small model to a long one of a large model. */
const models: Model[] = [2, 3, 4, 5, 6, 8, 10, 12, 15, 20, 25, 30].map((seconds, i) => ({
  name: `model ${i}`,
  run: seconds * 2,
  load: (8 + i * 2) * 2,
  share: 1 / (i + 1),
}));

interface Ask extends Job {
  caller: number;
  model: Model;
}

/** A generator of numbers from 0 to 1 that gives the same ones every time (mulberry32). */
function numbers(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** Callers ask in batches; how often and how many is heavy-tailed, and each has a favourite model. */
export function demand(seed: number): Ask[] {
  const random = numbers(seed);
  const pareto = (shape: number) => random() ** (-1 / shape);
  const shares = models.map(({ share }) => share);
  const pick = () => {
    let left = random() * shares.reduce((a, b) => a + b, 0);
    return models.find(({ share }) => (left -= share) <= 0) ?? models[0];
  };
  const weights = Array.from({ length: callers }, () => Math.min(pareto(1.2), 200));
  const favourites = weights.map(() => pick());
  const capacity = counts.reduce((sum, n, k) => sum + n * (speeds[k] ?? 0), 0);
  const wanted = capacity * span * busy;
  const asks: Ask[] = [];
  const whole = weights.reduce((a, b) => a + b, 0);
  for (let work = 0; work < wanted; ) {
    let left = random() * whole;
    const caller = Math.max(0, weights.findIndex((weight) => (left -= weight) <= 0));
    const model = random() < 0.8 ? favourites[caller] : pick();
    if (!model) continue;
    const release = Math.floor(random() * span);
    const size = Math.min(Math.floor(pareto(1.3)), 100);
    for (let i = 0; i < size; i += 1) {
      const noise = [0.9, 1, 1.2][Math.floor(random() * 3)] ?? 1;
      const slots = speeds.map((speed) => Math.max(1, Math.ceil((model.run * noise) / speed)));
      asks.push({ release, slots, caller, model });
      work += model.run * noise;
    }
  }
  return asks.sort((a, b) => a.release - b.release);
}

interface Outcome {
  /** From the call to the picture, in slots. */
  waits: number[];
  loads: number;
}

/** One backend of the simulation. */
interface Machine {
  k: number;
  freeAt: number;
  loaded: string | undefined;
}

/** When a run given now will be done. */
function started(machine: Machine, ask: Ask, now: number): { begin: number; end: number; isLoaded: boolean } {
  const begin = Math.max(now, machine.freeAt);
  const isLoaded = machine.loaded === ask.model.name;
  const end = begin + (isLoaded ? 0 : ask.model.load) + (ask.slots[machine.k] ?? 0);
  machine.freeAt = end;
  machine.loaded = ask.model.name;
  return { begin, end, isLoaded };
}

function machines(): Machine[] {
  return counts.flatMap((n, k) =>
    Array.from({ length: n }, () => ({ k, freeAt: 0, loaded: undefined })),
  );
}

/** Every run goes to a backend when it is asked for, and waits there. */
function atOnce(asks: readonly Ask[], pick: (all: readonly Machine[], now: number, queues: number[]) => number): Outcome {
  const all = machines();
  const queues = all.map(() => 0);
  const ends: [number, number][] = [];
  const waits: number[] = [];
  let loads = 0;
  for (const ask of asks) {
    for (let i = ends.length - 1; i >= 0; i -= 1) {
      const end = ends[i];
      if (!end || end[0] > ask.release) continue;
      queues[end[1]] = (queues[end[1]] ?? 0) - 1;
      ends.splice(i, 1);
    }
    const at = pick(all, ask.release, queues);
    const machine = all[at];
    if (!machine) continue;
    const { end, isLoaded } = started(machine, ask, ask.release);
    queues[at] = (queues[at] ?? 0) + 1;
    ends.push([end, at]);
    if (!isLoaded) loads += 1;
    waits.push(end - ask.release);
  }
  return { waits, loads };
}

interface Wanted extends Waiting {
  ask: Ask;
}

interface Run extends Given {
  ask: Ask;
  end: number;
}

/** By the product's own placement, which learns the times as it does. */
export function ours(asks: readonly Ask[], paces = new Paces()): Outcome {
  const all = machines();
  const given: Run[][] = all.map(() => []);
  const stations: Station<Wanted>[] = all.map((_, i) => ({
    name: `${i}`, isOpen: true, given: given[i] ?? [], line: [], model: undefined, foreign: 0,
  }));
  const able = new Set(stations.map(({ name }) => name));
  const turns = new Turns();
  const waits: number[] = [];
  let loads = 0;
  let next = 0;
  for (let slot = 0; waits.length < asks.length; slot += 1) {
    const now = slot * slotMs;
    for (const [i, runs] of given.entries()) {
      const [first] = runs;
      if (!first || first.end > slot) continue;
      runs.shift();
      waits.push(first.end - first.ask.release);
      const ms = now - first.since;
      paces.learn(`${i}`, first, { ms }, first.isLoaded);
      const [second] = runs;
      if (second) second.since = now;
    }
    for (let ask = asks[next]; ask && ask.release <= slot; ask = asks[++next]) {
      const sort: Sort = { workflow: ask.model.name, model: ask.model.name, effort: 1 };
      const turn = turns.of(String(ask.caller), 0, 0, paces.runMs("0", sort));
      const run: Wanted = { ...sort, turn, able, passedMs: 0, ask };
      const station = choose(run, stations, paces, now);
      if (station) queue(run, station);
    }
    for (const [i, station] of stations.entries()) {
      while (hasRoom(station, 2, paces, now)) {
        const run = take(station, stations, paces, now);
        const machine = all[i];
        if (!run || !machine) break;
        turns.given(run.turn);
        const { end, isLoaded } = started(machine, run.ask, slot);
        if (!isLoaded) loads += 1;
        station.model = run.model;
        given[i]?.push({ ...run, since: now, isLoaded, end });
      }
    }
  }
  return { waits, loads };
}

const asks = demand(Number(process.argv[2] ?? 1));
const random = numbers(7);
const mean = (x: number[]) => x.reduce((a, b) => a + b, 0) / x.length;
const p95 = (x: number[]) => x.toSorted((a, b) => a - b)[Math.floor(x.length * 0.95)] ?? 0;
console.log(asks.length, "runs", "largest callers");
const show = (name: string, o: Outcome) => console.log(name, (mean(o.waits) / 2).toFixed(2), (p95(o.waits) / 2).toFixed(2), o.loads);
let t0 = performance.now();
show("ours", ours(asks));
console.log(performance.now() - t0); t0 = performance.now();
show("random", atOnce(asks, (all) => Math.floor(random() * all.length)));
show("shortest", atOnce(asks, (_, __, q) => q.indexOf(Math.min(...q))));
console.log(performance.now() - t0); t0 = performance.now();
for (const scale of [2, 8, 30]) {
const b = lowerBound(asks, counts, (w) => w, 60, scale);
console.log("bound", scale, (b / 2).toFixed(2), performance.now() - t0);
}
