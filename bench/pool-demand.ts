/** Half a second: everything in the simulation takes whole slots. */
export const slotMs = 500;
/** How fast the backends are beside each other, and how many there are of each speed. */
export const speeds = [1, 1.6, 2.5] as const;
export const counts = [80, 70, 50] as const;

const callers = 1_000;
/** Of what all backends could do together while demand comes. */
const busy = 0.75;

export interface Model {
  name: string;
  /** On a backend of speed 1, in slots. */
  run: number;
  load: number;
  /** How often it is asked for beside the others. */
  share: number;
}

/** From a few steps of a small model to a long one of a large model; seconds. */
const models: readonly Model[] = [2, 3, 4, 5, 6, 8, 10, 12, 15, 20, 25, 30].map((run, i) => ({
  name: `model ${i}`,
  run: run * 2,
  load: (2 + i) * 2,
  share: 1 / (i + 1),
}));

/** One picture that is asked for, in slots. */
export interface Job {
  caller: number;
  model: Model;
  release: number;
  /** Its length on a backend of each speed, without loading. */
  slots: readonly number[];
}

/** Gives the same numbers from 0 to 1 every time (mulberry32). */
export function numbers(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

/**
 * Callers ask in batches, over `span` slots: how often each asks and for how many is heavy-tailed
 * (Pareto), and most of it is for its favourite model.
 */
export function demand(seed: number, span: number): Job[] {
  const random = numbers(seed);
  const pareto = (shape: number) => random() ** (-1 / shape);
  const weights = Array.from({ length: callers }, () => Math.min(pareto(1.2), 200));
  const model = drawn(random, models, ({ share }) => share);
  const favourites = weights.map(() => model());
  const caller = drawn(random, [...weights.keys()], (i) => weights[i] ?? 0);
  const capacity = counts.reduce((sum, count, k) => sum + count * (speeds[k] ?? 0), 0);
  const jobs: Job[] = [];
  for (let work = 0; work < capacity * span * busy; ) {
    const who = caller();
    const wanted = random() < 0.8 ? (favourites[who] ?? model()) : model();
    const release = Math.floor(random() * span);
    const size = Math.min(Math.floor(pareto(1.3)), 100);
    for (let i = 0; i < size; i += 1) {
      const length = wanted.run * ([0.9, 1, 1.2][Math.floor(random() * 3)] ?? 1);
      const slots = speeds.map((speed) => Math.max(1, Math.ceil(length / speed)));
      jobs.push({ caller: who, model: wanted, release, slots });
      work += length;
    }
  }
  return jobs.sort((a, b) => a.release - b.release);
}

/** One of `all` at each call, by weight. */
function drawn<T>(random: () => number, all: readonly T[], weight: (one: T) => number): () => T {
  const whole = all.reduce((sum, one) => sum + weight(one), 0);
  const [first] = all;
  if (first === undefined) throw new Error("nothing to draw from");
  return () => {
    let left = random() * whole;
    const found = all.find((one) => {
      left -= weight(one);
      return left <= 0;
    });
    return found ?? first;
  };
}
