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
import { counts, type Job, slotMs } from "./pool-demand.ts";

export interface Outcome {
  /** From the call to the picture, in slots, of each job. */
  waits: number[];
  /** How often a model was loaded. */
  loads: number;
}

/** One backend. */
interface Machine {
  speed: number;
  freeAt: number;
  loaded: string | undefined;
}

function machines(): Machine[] {
  return counts.flatMap((count, speed) =>
    Array.from({ length: count }, () => ({ speed, freeAt: 0, loaded: undefined })),
  );
}

/** Puts a job into a machine's queue; says when it ends, and whether its model was there. */
function given(machine: Machine, { slots, model }: Job, now: number) {
  const isLoaded = machine.loaded === model.name;
  const work = (isLoaded ? 0 : model.load) + (slots[machine.speed] ?? 0);
  machine.freeAt = Math.max(now, machine.freeAt) + work;
  machine.loaded = model.name;
  return { end: machine.freeAt, isLoaded };
}

/** Every job goes to a backend as it is asked for: `pick` says which, by how many each has. */
export function atOnce(jobs: readonly Job[], pick: (queues: readonly number[]) => number): Outcome {
  const all = machines();
  const queues = all.map(() => 0);
  const ends = new Map<number, number[]>();
  const waits: number[] = [];
  let loads = 0;
  let now = 0;
  for (const job of jobs) {
    for (; now <= job.release; now += 1) {
      for (const i of ends.get(now) ?? []) queues[i] = (queues[i] ?? 0) - 1;
    }
    const i = pick(queues);
    const machine = all[i];
    if (!machine) throw new Error(`there is no backend ${i}`);
    const { end, isLoaded } = given(machine, job, job.release);
    queues[i] = (queues[i] ?? 0) + 1;
    ends.set(end, [...(ends.get(end) ?? []), i]);
    if (!isLoaded) loads += 1;
    waits.push(end - job.release);
  }
  return { waits, loads };
}

interface Wanted extends Waiting {
  job: Job;
}

interface Held extends Given {
  job: Job;
  end: number;
}

/** By the product's own turns and placement, which learn the times as they do there. */
export class Ours {
  readonly #paces = new Paces();
  readonly #turns = new Turns();
  readonly #machines = machines();
  readonly #given: Held[][] = this.#machines.map(() => []);
  readonly #stations: Station<Wanted>[] = this.#given.map((held, i) => ({
    ...{ name: `${i}`, isOpen: true, given: held, line: [] },
    ...{ model: undefined, foreign: 0 },
  }));
  readonly #able = new Set(this.#stations.map(({ name }) => name));
  readonly #outcome: Outcome = { waits: [], loads: 0 };

  run(jobs: readonly Job[]): Outcome {
    let next = 0;
    for (let slot = 0; this.#outcome.waits.length < jobs.length; slot += 1) {
      for (const i of this.#given.keys()) this.#end(i, slot);
      for (let job = jobs[next]; job && job.release <= slot; job = jobs[++next]) {
        this.#ask(job, slot);
      }
      for (const i of this.#stations.keys()) this.#give(i, slot);
    }
    return this.#outcome;
  }

  #end(i: number, slot: number): void {
    const held = this.#given[i];
    const [first] = held ?? [];
    if (!held || !first || first.end > slot) return;
    held.shift();
    this.#outcome.waits.push(first.end - first.job.release);
    const ms = slot * slotMs - first.since;
    const beforeStepsMs = first.isLoaded ? 0 : first.job.model.load * slotMs;
    this.#paces.learn(`${i}`, first, { ms, beforeStepsMs }, first.isLoaded);
    const [second] = held;
    if (second) second.since = slot * slotMs;
  }

  #ask(job: Job, slot: number): void {
    const { name } = job.model;
    const sort: Sort = { workflow: name, model: name, effort: 1 };
    const turn = this.#turns.of(`${job.caller}`, 0, 0, this.#paces.runMs("", sort));
    const run: Wanted = { ...sort, turn, able: this.#able, passedMs: 0, job };
    const station = choose(run, this.#stations, this.#paces, slot * slotMs);
    if (station) queue(run, station);
  }

  #give(i: number, slot: number): void {
    const [station, machine] = [this.#stations[i], this.#machines[i]];
    if (!station || !machine) return;
    const now = slot * slotMs;
    while (hasRoom(station, 2, this.#paces, now)) {
      const run = take(station, this.#stations, this.#paces, now);
      if (!run) return;
      this.#turns.given(run.turn);
      const { end, isLoaded } = given(machine, run.job, slot);
      if (!isLoaded) this.#outcome.loads += 1;
      station.model = run.model;
      this.#given[i]?.push({ ...run, since: now, isLoaded, end });
    }
  }
}
