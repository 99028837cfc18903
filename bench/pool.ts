import { lowerBound } from "./pool-bound.ts";
import { demand, type Job, numbers, slotMs } from "./pool-demand.ts";
import { boundWithLoads } from "./pool-load-bound.ts";
import { atOnce, Ours, type Outcome } from "./pool-runs.ts";

/** While demand comes: ten minutes. */
const span = (10 * 60_000) / slotMs;
const seeds = [1, 2];
/** Of looking for good prices: for the mean, and for each wait that the 95 % is tried with. */
const rounds = { mean: 1_200, p95: 400 };

/**
 * A simulation: 200 backends of three speeds, 12 models, 1,000 callers. How long a picture takes from the call
 * by the product's own placement, at random, by the shortest queue, and at the least.
 */
export async function pool(): Promise<void> {
  for (const seed of seeds) {
    show(`seed ${seed}`, demand(seed, span));
    show(`seed ${seed}, models load in no time`, demand(seed, span).map(atHand));
  }
}

function atHand(job: Job): Job {
  return { ...job, model: { ...job.model, load: 0 } };
}

function show(what: string, jobs: readonly Job[]): void {
  const random = numbers(1_000);
  const ours = new Ours().run(jobs);
  const least = boundWithLoads(jobs, span + Math.max(...ours.waits), rounds.mean);
  const leastLate = leastP95(jobs, ours.waits);
  const all: [string, Outcome][] = [
    ["ours", ours],
    ["random", atOnce(jobs, (queues) => Math.floor(random() * queues.length))],
    ["shortest queue", atOnce(jobs, (queues) => queues.indexOf(Math.min(...queues)))],
  ];
  const told = all.map(
    ([name, { waits, loads }]) =>
      `${name} ${beside(mean(waits), least)} mean, ${beside(p95(waits), leastLate)} p95, ${loads} loads`,
  );
  console.log(
    `${jobs.length} pictures on 200 simulated ComfyUIs, ${what}: ${told.join("; ")}; ` +
      `bound ${seconds(least)} mean, ${seconds(leastLate)} p95 (for which models load in no time)`,
  );
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

function p95(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length * 0.95)] ?? Number.NaN;
}

/** In no schedule do fewer than one in twenty wait longer. */
function leastP95(jobs: readonly Job[], waits: readonly number[]): number {
  let [least, most] = [0, p95(waits)];
  while (most - least > 1) {
    const middle = Math.floor((least + most) / 2);
    const reachable = waits.filter((waited) => waited > middle).length / waits.length;
    const cost = (waited: number) => (waited > middle ? 1 : 0);
    const late = lowerBound(jobs, cost, reachable, rounds.p95);
    if (late > 0.05) least = middle;
    else most = middle;
  }
  return least;
}

function beside(slots: number, least: number): string {
  return `${seconds(slots)} (${(slots / least).toFixed(2)} x)`;
}

function seconds(slots: number): string {
  return `${((slots * slotMs) / 1_000).toFixed(1)} s`;
}
