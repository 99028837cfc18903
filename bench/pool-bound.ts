/** A run of the simulation, in slots of time. */
export interface Job {
  release: number;
  /** Its length on a backend of each speed. */
  slots: readonly number[];
}

/** Counts of backends by speed. */
export type Counts = readonly number[];

/** What one schedule's length of waiting costs. */
export type Cost = (waited: number) => number;

/**
 * A lower bound of the mean cost of waiting over all schedules, whoever makes them and whatever they
 * know beforehand: the Lagrangian dual of the time-indexed linear programme in which every run
 * occupies one backend of some speed for its length, and models load in no time. Any prices give a
 * bound; the rounds look for good ones.
 */
export function lowerBound(
  jobs: readonly Job[],
  counts: Counts,
  cost: Cost,
  rounds: number,
  scale: number,
): number {
  const horizon = horizonOf(jobs, counts);
  const kinds = kindsOf(jobs);
  const prices = counts.map(() => new Float64Array(horizon));
  let best = Number.NEGATIVE_INFINITY;
  for (let round = 0; round < rounds; round += 1) {
    const { value, used } = relaxed(kinds, jobs.length, counts, prices, cost, horizon);
    best = Math.max(best, value);
    const step = (scale * (1 - round / rounds)) / Math.max(...counts);
    for (const [k, price] of prices.entries()) {
      const [busy, count] = [used[k], counts[k] ?? 0];
      for (let t = 0; t < horizon; t += 1) {
        price[t] = Math.max(0, (price[t] ?? 0) + step * ((busy?.[t] ?? 0) - count));
      }
    }
  }
  return best;
}

interface Kind {
  slots: readonly number[];
  /** How many are released in each slot that has some. */
  releases: Map<number, number>;
}

function kindsOf(jobs: readonly Job[]): Kind[] {
  const kinds = new Map<string, Kind>();
  for (const { release, slots } of jobs) {
    const key = slots.join();
    const kind = kinds.get(key) ?? { slots, releases: new Map() };
    kind.releases.set(release, (kind.releases.get(release) ?? 0) + 1);
    kinds.set(key, kind);
  }
  return [...kinds.values()];
}

/** Some best schedule ends before: everything after the last release, on the fastest alone. */
function horizonOf(jobs: readonly Job[], counts: Counts): number {
  const last = Math.max(...jobs.map(({ release }) => release));
  const work = jobs.reduce((sum, { slots }) => sum + Math.min(...slots), 0);
  const longest = Math.max(...jobs.map(({ slots }) => Math.max(...slots)));
  return last + Math.ceil(work / Math.min(...counts)) + 2 * longest;
}

function relaxed(
  kinds: readonly Kind[],
  count: number,
  counts: Counts,
  prices: readonly Float64Array[],
  cost: Cost,
  horizon: number,
): { value: number; used: Float64Array[] } {
  const sums = prices.map(summed);
  const change = counts.map(() => new Float64Array(horizon + 1));
  let value = 0;
  for (const { slots, releases } of kinds) {
    for (const [release, n] of releases) {
      const found = cheapest(release, slots, sums, cost, horizon);
      value += n * found.cost;
      const line = change[found.k];
      if (!line) continue;
      line[found.start] = (line[found.start] ?? 0) + n;
      const end = found.start + (slots[found.k] ?? 0);
      line[end] = (line[end] ?? 0) - n;
    }
  }
  for (const [k, price] of prices.entries()) {
    value -= (counts[k] ?? 0) * price.reduce((sum, each) => sum + each, 0);
  }
  return { value: value / count, used: change.map(accumulated) };
}

function cheapest(
  release: number,
  slots: readonly number[],
  sums: readonly Float64Array[],
  cost: Cost,
  horizon: number,
): { k: number; start: number; cost: number } {
  let best = { k: 0, start: release, cost: Number.POSITIVE_INFINITY };
  for (const [k, length] of slots.entries()) {
    const sum = sums[k];
    if (!sum) continue;
    for (let start = release; start + length <= horizon; start += 1) {
      const waits = cost(start + length - release);
      // Prices are never negative, so waiting longer cannot be cheaper.
      if (waits >= best.cost) break;
      const whole = waits + (sum[start + length] ?? 0) - (sum[start] ?? 0);
      if (whole < best.cost) best = { k, start, cost: whole };
    }
  }
  return best;
}

function summed(values: Float64Array): Float64Array {
  const sums = new Float64Array(values.length + 1);
  for (let t = 0; t < values.length; t += 1) sums[t + 1] = (sums[t] ?? 0) + (values[t] ?? 0);
  return sums;
}

function accumulated(changes: Float64Array): Float64Array {
  const levels = new Float64Array(changes.length);
  let level = 0;
  for (const [t, by] of changes.entries()) {
    level += by;
    levels[t] = level;
  }
  return levels;
}
