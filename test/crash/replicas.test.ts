import { expect, onTestFinished, test } from "vitest";
import { noPostgres } from "../support/postgres.ts";
import { Siege } from "../support/siege.ts";
import { freshDatabase } from "../support/stores.ts";
import { tempDir } from "../support/world.ts";

/** `SIEGE_ROUNDS=100 SIEGE_SEED=7 SIEGE_APART=1 npx vitest run --project newest test/crash/replicas.test.ts` */
const { SIEGE_ROUNDS = "2", SIEGE_SEED = "1", SIEGE_APART } = process.env;

/** The same deaths for the same seed (mulberry32). */
function randomBy(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

test("whichever server or ComfyUI is killed under load, nothing is lost, made twice or left over", async (context) => {
  context.skip(noPostgres !== undefined, noPostgres);
  const siege = await Siege.start({
    databaseUrl: await freshDatabase(),
    dir: await tempDir(),
    tasksEachRound: 6,
    random: randomBy(Number(SIEGE_SEED)),
    apart: SIEGE_APART !== undefined,
  });
  onTestFinished(() => siege.close());
  for (let round = 1; round <= Number(SIEGE_ROUNDS); round += 1) {
    const { killed, seconds, tasks, ...damage } = await siege.round();
    if (SIEGE_APART ?? process.env["SIEGE_ROUNDS"]) {
      console.error(
        `round ${round}: ${killed} killed, ${tasks} tasks, ${seconds.toFixed(1)} s`,
        damage,
      );
    }
    expect(damage, `round ${round}, ${killed} killed`).toEqual({
      lost: [],
      twice: [],
      orphans: [],
    });
  }
}, 3_600_000);
