import { describe, expect, test } from "vitest";
import type { Backend } from "../../src/comfy/backend.ts";
import type { Outcome } from "../../src/comfy/outcome.ts";
import { resultFiles } from "../../src/comfy/outputs.ts";
import { cancelledReason } from "../../src/comfy/signals.ts";
import type { Emulator } from "../../src/emulator/emulator.ts";
import { graphOf, impatientBackend, type Started, start } from "../support/comfy.ts";
import { type FaultRow, faultKinds, faultRows } from "../support/faults.ts";
import { startEmulator } from "../support/world.ts";

const whileMs = 250;
const silenceMs = 150;

interface Scene {
  emulator: Emulator;
  backend: Backend;
  /** From here on the fault is there. */
  strike(): void;
}

type Play = (scene: Scene) => Promise<string[]>;

function backendOf(url: string): Backend {
  return impatientBackend(url, { silenceMs });
}

/** What became of the runs, each with a picture that could be fetched. */
async function ends(backend: Backend, runs: readonly Started[]): Promise<string[]> {
  return Promise.all(
    runs.map(({ outcome }) =>
      outcome.then(
        (ended) => endOf(backend, ended),
        (error) => error.code ?? String(error),
      ),
    ),
  );
}

async function endOf(backend: Backend, outcome: Outcome): Promise<string> {
  if (outcome.kind !== "completed") return outcome.kind;
  const [file] = resultFiles(outcome.outputs["3"]);
  const bytes =
    file &&
    (await backend.persist(
      () => backend.fetchFile(file),
      () => {},
    ));
  return bytes?.subarray(1, 4).toString() === "PNG" ? "picture" : "no picture";
}

/** One run is held in the middle, the others wait behind it. */
async function heldAndWaiting({ emulator, backend }: Scene, waiting: number) {
  const hold = emulator.hold("ImageScale");
  const before = emulator.queued.length;
  const runs = [start(backend, graphOf(1))];
  await hold.reached;
  for (let shade = 2; shade < 2 + waiting; shade += 1) {
    runs.push(start(backend, graphOf(shade)));
    await expect.poll(() => emulator.queued.length).toBe(before + shade);
  }
  return { hold, runs };
}

const plays: Record<string, Play> = {
  async "beginning, with a picture to send"({ backend, strike }) {
    strike();
    const run = async (shade: number) => {
      const sent = await backend.upload(
        "a.png",
        "a",
        async () => Buffer.from("a picture"),
        () => {},
      );
      expect(sent).toBe("comfy-easel/a.png");
      return ends(backend, [start(backend, graphOf(shade))]);
    };
    const found = await Promise.allSettled([run(1), run(2)]);
    return found.map((each) =>
      each.status === "fulfilled" ? String(each.value) : each.reason.code,
    );
  },

  async waiting(scene) {
    const { hold, runs } = await heldAndWaiting(scene, 2);
    scene.strike();
    scene.emulator.dropSockets();
    hold.release();
    return ends(scene.backend, runs);
  },

  async running(scene) {
    const { hold, runs } = await heldAndWaiting(scene, 0);
    scene.strike();
    scene.emulator.dropSockets();
    hold.release();
    return ends(scene.backend, runs);
  },

  async collecting({ backend, strike }) {
    const run = start(backend, graphOf(1));
    await run.outcome;
    strike();
    return ends(backend, [run]);
  },

  async recovering(scene) {
    const done = start(scene.backend, graphOf(100));
    await done.outcome;
    const { hold, runs } = await heldAndWaiting(scene, 2);
    await scene.backend.close();
    scene.strike();
    const backend = backendOf(scene.emulator.url);
    const shades = [100, 1, 2, 3];
    const resumed = [done, ...runs].map(({ promptId }, i) =>
      start(backend, graphOf(shades[i] ?? 0), { promptId, resume: true }),
    );
    hold.release();
    return ends(backend, resumed);
  },

  async cancelling(scene) {
    const { hold, runs } = await heldAndWaiting(scene, 2);
    scene.strike();
    for (const run of runs) run.end.abort(cancelledReason);
    const ended = await ends(scene.backend, runs);
    hold.release();
    return ended;
  },
};

/** Prompts that ComfyUI has more than once. */
function twice(emulator: Emulator): string[] {
  const ids = emulator.queued;
  return ids.filter((id, i) => ids.indexOf(id) !== i);
}

async function playRow(play: Play, row: FaultRow, version: string): Promise<string> {
  const emulator = await startEmulator({ version });
  const backend = backendOf(emulator.url);
  const strike = () => emulator.faults.failRequests.push(row.kind.rule(row.route, whileMs));
  const found = await play({ emulator, backend, strike });
  return [...new Set(found), ...twice(emulator).map((id) => `${id} twice`)].toSorted().join(", ");
}

function expectedOf(name: string, row: FaultRow): string {
  if (name === "cancelling") return "interrupted";
  const isRefused = row.kind.isVerdict && row.route.takesPicturesOrGraphs;
  if (!isRefused || !name.startsWith("beginning")) return "picture";
  // One upload is shared by both runs; of the two prompts the first is refused.
  return row.route.path === "/prompt" ? "comfy_rejected, picture" : "comfy_rejected";
}

describe.for(["0.33.0", "0.3.64"])("ComfyUI %s", (version) => {
  describe.for(Object.keys(plays))("while %s", (name) => {
    test.for(faultKinds)("$name on any route loses no run and makes none twice", async (kind) => {
      const rows = faultRows(kind);
      const found = await Promise.all(
        rows.map(async (row) => [row.name, await playRow(plays[name] as Play, row, version)]),
      );

      const expected = rows.map((row) => [row.name, expectedOf(name, row)]);
      expect(Object.fromEntries(found)).toEqual(Object.fromEntries(expected));
    });
  });
});
