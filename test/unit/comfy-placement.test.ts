import { expect, test } from "vitest";
import { Paces, type Sort } from "../../src/comfy/paces.ts";
import {
  choose,
  type Given,
  hasRoom,
  queue,
  type Station,
  take,
  type Waiting,
} from "../../src/comfy/placement.ts";
import { Turns } from "../../src/comfy/turns.ts";

const [quick, slow] = ["quick", "slow"];
const now = 0;

function sort(model: string): Sort {
  return { workflow: model, model, effort: 1 };
}

/** Each model's run takes 10 s on the slow one and 4 s on the quick one, and 20 s to load. */
function learnt(...models: string[]): Paces {
  const paces = new Paces();
  for (const model of models) {
    for (const [name, ms] of [
      [slow, 10_000],
      [quick, 4_000],
    ] as const) {
      paces.learn(name, sort(model), { ms: 20_000 + ms, beforeStepsMs: 20_000 }, false);
    }
  }
  return paces;
}

function station(name: string, more: Partial<Station> = {}): Station {
  return { name, isOpen: true, given: [], line: [], model: undefined, foreign: 0, ...more };
}

function given(model: string): Given {
  return { ...sort(model), since: now, isLoaded: true };
}

function waiting(model: string, turn = new Turns().of("anna", 0, 0, 1)): Waiting {
  return { ...sort(model), turn, able: new Set([quick, slow]), passedMs: 0 };
}

test("a run goes where it is done first: to the quick one, until more waits there than it saves", () => {
  const [paces, turns] = [learnt("a"), new Turns()];
  const all = [station(slow, { model: "a" }), station(quick, { model: "a" })];
  const chosen = Array.from({ length: 5 }, () => {
    const run = waiting("a", turns.of("anna", 0, 0, 10_000));
    const found = choose(run, all, paces, now);
    if (found) queue(run, found);
    return found?.name;
  });

  expect(chosen).toEqual([quick, quick, slow, quick, quick]);
});

test("waiting for a loaded model is preferred to loading it, while that is the shorter", () => {
  const paces = learnt("a", "b");
  const all = (ahead: number) => [
    station(slow, { model: "b" }),
    station(quick, { model: "a", given: Array.from({ length: ahead }, () => given("a")) }),
  ];

  expect(choose(waiting("a"), all(2), paces, now)?.name).toBe(quick);
  expect(choose(waiting("a"), all(100), paces, now)?.name).toBe(slow);
});

test("of idle ones, one loads another model whose own is loaded elsewhere too", () => {
  const paces = learnt("a", "b", "c");
  const able = new Set(["last", "one", "other"]);
  const all = [
    station("last", { model: "a" }),
    station("one", { model: "b" }),
    station("other", { model: "b" }),
  ];

  expect(choose({ ...waiting("c"), able }, all, paces, now)?.name).toBe("one");
});

test("one that lacks something, is away or is drained is given nothing", () => {
  const paces = learnt("a");
  const all = [station(quick, { isOpen: false }), station(slow)];

  expect(choose(waiting("a"), all, paces, now)?.name).toBe(slow);
  const run = { ...waiting("a"), able: new Set([quick]) };
  expect(choose(run, all, paces, now)).toBeUndefined();
  expect(hasRoom(station(quick, { isOpen: false }), 2, paces, now)).toBe(false);
});

test("a second prompt is given only when the first is nearly done", () => {
  const paces = learnt("a");
  const one = station(slow, { model: "a", given: [given("a")] });

  expect(hasRoom(one, 2, paces, now)).toBe(false);
  expect(hasRoom(one, 2, paces, now + 9_000)).toBe(true);
  expect(hasRoom(one, Number.POSITIVE_INFINITY, paces, now)).toBe(true);
  one.given = [given("a"), given("a")];
  expect(hasRoom(one, 2, paces, now + 9_000)).toBe(false);
});

test("a thousand of one caller do not keep another's one waiting", () => {
  const [paces, turns] = [learnt("a"), new Turns()];
  const one = station(slow, { model: "a" });
  for (let i = 0; i < 1_000; i += 1) queue(waiting("a", turns.of("crowd", 0, 0, 10_000)), one);
  const first = take(one, [one], paces, now);
  if (first) turns.given(first.turn);
  const single = waiting("a", turns.of("single", 0, 0, 10_000));
  queue(single, one);

  const next = [take(one, [one], paces, now), take(one, [one], paces, now)];
  expect(next).toContain(single);
});

test("callers with the same to do get the same", () => {
  const [paces, turns] = [learnt("a"), new Turns()];
  const one = station(slow, { model: "a" });
  const callers = ["anna", "ben", "carl"];
  const runs = callers.flatMap((caller) =>
    Array.from({ length: 50 }, () => ({
      ...waiting("a", turns.of(caller, 0, 0, 10_000)),
      caller,
    })),
  );
  for (const run of runs) queue(run, one);
  const order = runs.map(() => take(one, [one], paces, now));

  for (const caller of callers) {
    const early = order
      .slice(0, 30)
      .filter((run) => run && "caller" in run && run.caller === caller);
    expect(early).toHaveLength(10);
  }
});

test("a loaded model lets runs pass, but nobody for ever", () => {
  const [paces, turns] = [learnt("a", "b"), new Turns()];
  const one = station(slow, { model: "a" });
  queue(waiting("b", turns.of("ben", 0, 0, 10_000)), one);
  for (let i = 0; i < 50; i += 1) queue(waiting("a", turns.of("anna", 0, 0, 10_000)), one);
  const models = Array.from({ length: 51 }, () => take(one, [one], paces, now)?.model);

  expect(models[0]).toBe("a");
  // Three times what its model takes to load, in runs of 10 s.
  expect(models.indexOf("b")).toBe(6);
});

test("an idle one takes what would be done sooner on it, and each run is taken once", () => {
  const paces = learnt("a");
  const [busy, idle] = [station(slow, { model: "a" }), station(quick, { model: "a" })];
  const runs = Array.from({ length: 20 }, () => waiting("a"));
  for (const run of runs) queue(run, busy);
  const taken = runs.map((_, i) => take(i % 2 ? busy : idle, [busy, idle], paces, now));

  expect(new Set(taken)).toEqual(new Set(runs));
  expect(take(idle, [busy, idle], paces, now)).toBeUndefined();
});
