import { counts, type Job } from "./pool-demand.ts";

/** What waiting so many slots costs; never less for longer. */
export type Cost = (waited: number) => number;

/** The start of one job of each sort that is cheapest by the prices. */
interface Start {
  speed: number;
  at: number;
  cost: number;
}

/** Jobs of the same lengths that are asked for in the same slot. */
interface Group {
  slots: readonly number[];
  release: number;
  size: number;
}

/**
 * A lower bound of the mean cost over all schedules, whoever makes them and whatever they know
 * beforehand, for any cost of a wait: the Lagrangian dual of the time-indexed linear programme in which every job holds one
 * backend of some speed for its length, and models load in no time. Any prices give a bound; the
 * rounds look for good ones (subgradients, with Polyak's steps towards `reachable`, the mean cost
 * of some schedule).
 */
export function lowerBound(
  jobs: readonly Job[],
  cost: Cost,
  reachable: number,
  rounds: number,
): number {
  const horizon = horizonOf(jobs);
  const groups = groupsOf(jobs);
  const prices = counts.map(() => new Float64Array(horizon));
  let best = 0;
  // The steps aim so far above the best one; nearer when that is not reached.
  let ahead = reachable * jobs.length;
  let idle = 0;
  let centre = prices.map((line) => line.slice());
  for (let round = 0; round < rounds; round += 1) {
    const { value, used } = relaxed(groups, prices, cost, horizon);
    if (value > best) {
      if (value > best + ahead * 0.1) idle = 0;
      best = value;
      centre = prices.map((line) => line.slice());
    } else idle += 1;
    if (idle > 15) {
      ahead /= 2;
      idle = 0;
      for (const [k, line] of centre.entries()) prices[k]?.set(line);
      continue;
    }
    const excess = used.map((line, k) => line.map((busy) => busy - (counts[k] ?? 0)));
    const norm = sum(excess.map((line, k) => sum(line.map((x, t) => step2(x, prices[k]?.[t])))));
    if (norm === 0) break;
    const step = (best + ahead - value) / norm;
    for (const [k, line] of prices.entries()) {
      for (let t = 0; t < horizon; t += 1) {
        line[t] = Math.max(0, (line[t] ?? 0) + step * (excess[k]?.[t] ?? 0));
      }
    }
  }
  return best / jobs.length;
}

/** What counts of an excess: a price that is nothing cannot fall. */
function step2(excess: number, price: number | undefined): number {
  return excess < 0 && !price ? 0 : excess * excess;
}

function sum(values: Iterable<number>): number {
  let whole = 0;
  for (const value of values) whole += value;
  return whole;
}

function groupsOf(jobs: readonly Job[]): Group[] {
  const groups = new Map<string, Group>();
  for (const { release, slots } of jobs) {
    const key = `${release} ${slots.join()}`;
    const group = groups.get(key) ?? { slots, release, size: 0 };
    group.size += 1;
    groups.set(key, group);
  }
  return [...groups.values()];
}

/** Some best schedule ends before: everything after the last release, on one speed alone. */
function horizonOf(jobs: readonly Job[]): number {
  const last = Math.max(...jobs.map(({ release }) => release));
  const work = sum(jobs.map(({ slots }) => slots.at(-1) ?? 0));
  return (
    last +
    Math.ceil(work / (counts.at(-1) ?? 1)) +
    2 * Math.max(...jobs.map(({ slots }) => slots[0] ?? 0))
  );
}

function relaxed(
  groups: readonly Group[],
  prices: readonly Float64Array[],
  cost: Cost,
  horizon: number,
): { value: number; used: Float64Array[] } {
  const sums = prices.map(summed);
  const used = counts.map(() => new Float64Array(horizon + 1));
  let value = -sum(prices.map((line, k) => (counts[k] ?? 0) * sum(line)));
  for (const { slots, release, size } of groups) {
    const start = cheapest(release, slots, sums, cost, horizon);
    value += size * start.cost;
    const line = used[start.speed];
    if (!line) continue;
    line[start.at] = (line[start.at] ?? 0) + size;
    const end = start.at + (slots[start.speed] ?? 0);
    line[end] = (line[end] ?? 0) - size;
  }
  return { value, used: used.map((line) => accumulated(line).subarray(0, horizon)) };
}

function cheapest(
  release: number,
  slots: readonly number[],
  sums: readonly Float64Array[],
  cost: Cost,
  horizon: number,
): Start {
  let best: Start = { speed: 0, at: release, cost: Number.POSITIVE_INFINITY };
  for (const [speed, length] of slots.entries()) {
    const line = sums[speed];
    for (let at = release; line && at + length <= horizon; at += 1) {
      const waits = cost(at + length - release);
      // Prices are never negative, so waiting longer cannot be cheaper.
      if (waits >= best.cost) break;
      const whole = waits + (line[at + length] ?? 0) - (line[at] ?? 0);
      if (whole < best.cost) best = { speed, at, cost: whole };
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
  let level = 0;
  return changes.map((by) => {
    level += by;
    return level;
  });
}
