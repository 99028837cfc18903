import { describe, expect, test } from "vitest";
import { cancelledReason } from "../../src/comfy/signals.ts";
import { asked, graphOf, impatientBackend, posts, start } from "../support/comfy.ts";
import { Gate } from "../support/gate.ts";
import { startEmulator } from "../support/world.ts";

describe("a run that is let go of", () => {
  test("is followed no more at once, and goes on at ComfyUI", async () => {
    const emulator = await startEmulator();
    const hold = emulator.hold("ImageScale");
    const backend = impatientBackend(emulator.url);
    const run = start(backend, graphOf(1));
    await hold.reached;

    run.end.abort("taken over");

    await expect(run.outcome).rejects.toMatchObject({ name: "AbortError" });
    expect((await backend.lookup(run.promptId)).kind).toBe("running");
    hold.release();
    await expect.poll(async () => (await backend.lookup(run.promptId)).kind).toBe("completed");
  });

  test("while ComfyUI is away is not posted when it is back", async () => {
    const emulator = await startEmulator();
    const backend = impatientBackend(emulator.url);
    await emulator.stop();
    const run = start(backend, graphOf(1));
    await expect.poll(() => run.statuses.length).toBeGreaterThan(0);

    run.end.abort("taken over");

    await expect(run.outcome).rejects.toMatchObject({ name: "AbortError" });
    await emulator.restart();
    await start(backend, graphOf(2)).outcome;
    expect(posts(emulator)).toBe(1);
  });

  test("in the middle of its POST is not waited for", async () => {
    const emulator = await startEmulator();
    const gate = await Gate.open(emulator.url);
    const held = gate.hold("POST", /prompt/, "before");
    const run = start(impatientBackend(gate.url), graphOf(1));
    await held.reached;

    run.end.abort("taken over");

    await expect(run.outcome).rejects.toMatchObject({ name: "AbortError" });
    held.release();
  });

  test("in the middle of an upload is not waited for", async () => {
    const emulator = await startEmulator();
    const gate = await Gate.open(emulator.url);
    const held = gate.hold("POST", /upload/, "before");
    const end = new AbortController();
    const read = async () => Buffer.from("x");
    const sent = impatientBackend(gate.url).upload("a.png", "a", read, () => {}, end.signal);
    const outcome = expect(sent).rejects.toMatchObject({ name: "AbortError" });
    await held.reached;

    end.abort("taken over");

    await outcome;
    held.release();
  });

  test("before it began touches nothing", async () => {
    const emulator = await startEmulator();
    const end = new AbortController();
    end.abort("taken over");
    const { signal } = end;

    const run = start(impatientBackend(emulator.url), graphOf(1), { signal });

    await expect(run.outcome).rejects.toMatchObject({ name: "AbortError" });
    expect(emulator.requests).toEqual([]);
  });
});

describe.for(["0.3.64", "0.33.0"])("a run that is cancelled by its signal at %s", (version) => {
  test("is stopped where it runs, and what waits behind it never starts", async () => {
    const emulator = await startEmulator({ version });
    const hold = emulator.hold("EmptyImage");
    const backend = impatientBackend(emulator.url);
    const { signal, ...end } = withSignal();
    const runs = [start(backend, graphOf(1), { signal })];
    await hold.reached;
    for (const shade of [2, 3, 4]) {
      runs.push(start(backend, graphOf(shade), { signal }));
      await expect.poll(() => emulator.queued.length).toBe(shade);
    }

    end.cancel();

    const ended = await Promise.all(runs.map(({ outcome }) => outcome));
    expect(ended).toEqual(runs.map(() => ({ kind: "interrupted" })));
    const started = Object.keys(await backend.client.wholeHistory());
    expect(started).toEqual([runs[0]?.promptId]);
  });

  test("is kept from ComfyUI when it has not come there", async () => {
    const emulator = await startEmulator({ version });
    await emulator.stop();
    const backend = impatientBackend(emulator.url);
    const run = start(backend, graphOf(1));
    await expect.poll(() => run.statuses.length).toBeGreaterThan(0);

    run.end.abort(cancelledReason);

    await expect(run.outcome).rejects.toMatchObject({ code: "cancelled" });
    await emulator.restart();
    await backend.ready();
    expect(posts(emulator)).toBe(0);
  });

  test("is looked for before it is called cancelled, when its POST was in doubt", async () => {
    const emulator = await startEmulator({ version });
    const hold = emulator.hold("EmptyImage");
    const backend = impatientBackend(emulator.url);
    emulator.faults.silentSocket = true;
    emulator.faults.acceptThenFail = { times: 1, answer: "cut" };
    emulator.faults.failRequests = ["/jobs/*", "/queue"].map((path) => ({
      method: "GET",
      path,
      times: 4,
      status: 503,
    }));
    const run = start(backend, graphOf(1));
    await hold.reached;

    run.end.abort(cancelledReason);

    expect(await run.outcome).toEqual({ kind: "interrupted" });
    expect(emulator.queued).toHaveLength(1);
  });
});

test("a cancel that two ask for at once is one request", async () => {
  const emulator = await startEmulator();
  const hold = emulator.hold("ImageScale");
  const backend = impatientBackend(emulator.url);
  const run = start(backend, graphOf(1));
  await hold.reached;

  const both = await Promise.all([backend.cancel(run.promptId), backend.cancel(run.promptId)]);

  expect(both).toEqual(["interrupted", "interrupted"]);
  expect(asked(emulator, "POST", /\/cancel$/)).toBe(1);
});

test("a graph that lost a part is withdrawn, however long ComfyUI cannot be told", async () => {
  const emulator = await startEmulator();
  const graph = graphOf(1);
  graph["4"] = {
    class_type: "EmptyImage",
    inputs: { width: 0, height: 64, batch_size: 1, color: 0 },
  };
  graph["5"] = { class_type: "SaveImage", inputs: { images: ["4", 0], filename_prefix: "x" } };
  emulator.hold("EmptyImage");
  emulator.faults.failRequests = [
    { method: "POST", path: "/api/jobs/*/cancel", times: 3, status: 500 },
  ];
  const backend = impatientBackend(emulator.url);
  const run = start(backend, graph);

  await expect(run.outcome).rejects.toThrow(/withdrawn: node 4 \(EmptyImage\).*width/);
  await expect.poll(async () => (await backend.lookup(run.promptId)).kind).toBe("interrupted");
  expect(asked(emulator, "POST", /\/cancel$/)).toBe(4);
});

function withSignal() {
  const end = new AbortController();
  return { signal: end.signal, cancel: () => end.abort(cancelledReason) };
}
