import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { type AddressInfo, createConnection, createServer } from "node:net";
import { describe, expect, onTestFinished, test } from "vitest";
import { Backend, type BackendOptions } from "../../src/comfy/backend.ts";
import { PromptRejectedError } from "../../src/comfy/errors.ts";
import type { Outcome, RunStatus } from "../../src/comfy/outcome.ts";
import { imageFiles } from "../../src/comfy/outputs.ts";
import type { Graph } from "../../src/comfy/protocol.ts";
import { parseTarget } from "../../src/comfy/target.ts";
import type { Emulator } from "../../src/emulator/emulator.ts";
import { quietLog, startBackend, startEmulator } from "../support/world.ts";

const quick: BackendOptions = {
  patience: {
    silentMs: { first: 40, last: 200 },
    blindMs: { first: 20, last: 100 },
    retryMs: { first: 20, last: 200 },
    lostAfterMs: 60_000,
  },
  stalledAfterMs: 0,
};

function impatientBackend(url: string): Backend {
  const backend = new Backend(parseTarget(url), quietLog(), quick);
  onTestFinished(() => backend.close());
  return backend;
}

/** Passes HTTP on, and the socket's bytes one small piece every few milliseconds. */
async function slowSocket(target: string): Promise<string> {
  const { hostname, port } = new URL(target);
  const server = createServer((from) => {
    const to = createConnection(Number(port), hostname);
    let isSocket = false;
    from.on("data", (data) => {
      isSocket ||= data.toString("latin1").startsWith("GET /ws");
      to.write(data);
    });
    to.on("data", async (data) => {
      if (!isSocket) return void from.write(data);
      to.pause();
      for (let at = 0; at < data.length; at += 2_048) {
        from.write(data.subarray(at, at + 2_048));
        // The slowness itself, not a wait for something to happen.
        await new Promise((resolve) => setTimeout(resolve, 10));
      }
      to.resume();
    });
    for (const [one, other] of [
      [from, to],
      [to, from],
    ] as const) {
      one.on("error", () => other.destroy());
      one.on("close", () => other.destroy());
    }
  });
  await once(server.listen(0, "127.0.0.1"), "listening");
  onTestFinished(() => void server.close());
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

/** A grey picture, scaled once; `shade` keeps it out of the cache. */
function graphOf(shade: number): Graph {
  return {
    "1": {
      class_type: "EmptyImage",
      inputs: { width: 64, height: 64, batch_size: 1, color: shade },
    },
    "2": {
      class_type: "ImageScale",
      inputs: {
        image: ["1", 0],
        upscale_method: "bilinear",
        width: 32,
        height: 32,
        crop: "disabled",
      },
    },
    "3": { class_type: "SaveImage", inputs: { images: ["2", 0], filename_prefix: "backend" } },
  };
}

interface Started {
  promptId: string;
  statuses: RunStatus[];
  outcome: Promise<Outcome>;
}

function start(
  backend: Backend,
  graph: Graph,
  resume = false,
  promptId: string = randomUUID(),
): Started {
  const statuses: RunStatus[] = [];
  const outcome = backend.run({
    promptId,
    graph,
    outputs: ["3"],
    resume,
    signal: new AbortController().signal,
    onStatus: (status) => statuses.push(status),
  });
  outcome.catch(() => {});
  return { promptId, statuses, outcome };
}

function expectPicture(outcome: Outcome): void {
  expect(outcome.kind).toBe("completed");
  if (outcome.kind === "completed") expect(imageFiles(outcome.outputs["3"])).toHaveLength(1);
}

function posts(emulator: Emulator): number {
  return emulator.requests.filter(({ method, path }) => method === "POST" && /\/prompt$/.test(path))
    .length;
}

describe.for(["0.3.64", "0.6.0", "0.20.0", "0.26.0", "0.33.0"])("ComfyUI %s", (version) => {
  test("a run comes to its picture", async () => {
    const emulator = await startEmulator({ version });
    const { outcome, statuses } = start(startBackend(emulator.url), graphOf(1));

    expectPicture(await outcome);
    const fractions = statuses.flatMap((status) =>
      status.phase === "running" ? [status.progress.fraction] : [],
    );
    expect(fractions.at(-1)).toBe(1);
    expect(fractions).toEqual(fractions.toSorted((a, b) => a - b));
  });

  test("a running prompt is interrupted, and a stranger's stays", async () => {
    const emulator = await startEmulator({ version });
    const hold = emulator.hold("ImageScale");
    const backend = startBackend(emulator.url);
    const stranger = startBackend(emulator.url);
    const ours = start(backend, graphOf(1));
    await hold.reached;
    const theirs = start(stranger, graphOf(2));
    await expect.poll(() => posts(emulator)).toBe(2);

    expect(await backend.cancel(ours.promptId)).toBe("interrupted");
    expect(await ours.outcome).toEqual({ kind: "interrupted" });

    hold.release();
    expectPicture(await theirs.outcome);
  });

  test("a pending prompt is taken from the queue", async () => {
    const emulator = await startEmulator({ version });
    const hold = emulator.hold("ImageScale");
    const backend = startBackend(emulator.url);
    const first = start(backend, graphOf(1));
    await hold.reached;
    const second = start(backend, graphOf(2));
    await expect.poll(() => posts(emulator)).toBe(2);

    expect(await backend.cancel(second.promptId)).toBe("removed_from_queue");
    expect(await second.outcome).toEqual({ kind: "interrupted" });

    hold.release();
    expectPicture(await first.outcome);
    expect(await backend.cancel(first.promptId)).toBe("already_finished");
    expect(await backend.cancel(randomUUID())).toBe("unknown");
  });

  test("a node that raises is a failure with node and reason", async () => {
    const emulator = await startEmulator({ version });
    emulator.faults.raise["ImageScale"] = { type: "ValueError", message: "kaboom" };
    const { outcome } = start(startBackend(emulator.url), graphOf(1));

    const ended = await outcome;
    expect(ended.kind === "failed" && ended.error.message).toBe(
      'ComfyUI node 2 (ImageScale) failed: "ValueError: kaboom".',
    );
  });

  test("a lost socket in the middle of a run loses nothing", async () => {
    const emulator = await startEmulator({ version });
    const hold = emulator.hold("ImageScale");
    const { outcome } = start(impatientBackend(emulator.url), graphOf(1));
    await hold.reached;

    emulator.dropSockets();
    hold.release();

    expectPicture(await outcome);
    expect(posts(emulator)).toBe(1);
  });
});

test.for(["500", "cut", "silence"] as const)(
  "a POST that is accepted but answered with %s is not posted again",
  async (answer) => {
    const emulator = await startEmulator();
    emulator.faults.acceptThenFail = { times: 1, answer };
    const { outcome } = start(impatientBackend(emulator.url), graphOf(1));

    expectPicture(await outcome);
    expect(posts(emulator)).toBe(1);
  },
);

test("a POST that is refused with a 500 is posted again", async () => {
  const emulator = await startEmulator();
  emulator.faults.failRequests = [{ method: "POST", path: "/prompt", times: 1, status: 500 }];
  const { outcome } = start(startBackend(emulator.url), graphOf(1));

  expectPicture(await outcome);
});

test("a run that ended before the POST was answered is not missed", async () => {
  const emulator = await startEmulator();
  const backend = startBackend(emulator.url);
  await backend.ready();
  const ended = await Promise.all(
    Array.from({ length: 20 }, (_, i) => start(backend, graphOf(i)).outcome),
  );

  for (const outcome of ended) expectPicture(outcome);
});

test.for(["execution_start", "executed", "execution_success"])(
  "a socket cut before %s and after it loses nothing",
  async (event) => {
    for (const when of ["before", "after"] as const) {
      const emulator = await startEmulator();
      emulator.faults.cutSocket = [{ event, when, times: 1 }];
      const { outcome } = start(impatientBackend(emulator.url), graphOf(1));

      expectPicture(await outcome);
      expect(posts(emulator)).toBe(1);
    }
  },
);

test("a socket that never says a word is made good over HTTP", async () => {
  const emulator = await startEmulator();
  emulator.faults.silentSocket = true;
  const { outcome } = start(impatientBackend(emulator.url), graphOf(1));

  expectPicture(await outcome);
});

test("a picture that is cut on its way is asked for again", async () => {
  const emulator = await startEmulator();
  emulator.faults.truncateView = 1;
  const backend = startBackend(emulator.url);
  const outcome = await start(backend, graphOf(1)).outcome;
  const [file] = outcome.kind === "completed" ? imageFiles(outcome.outputs["3"]) : [];

  const bytes = await backend.fetchFile(file!);

  expect(bytes?.subarray(-8, -4).toString()).toBe("IEND");
});

test("rubbish frames are passed over", async () => {
  const emulator = await startEmulator();
  emulator.faults.rubbish = [
    { after: "execution_start", text: "{not json" },
    { after: "execution_start", text: '{"type":"mystery","data":null}' },
    { after: "execution_start", text: '{"type":"my_pack.done","data":"hello"}' },
    { after: "execution_start", text: '{"type":"progress_state","data":{}}' },
    { after: "executing", binary: "00000004ffffffff00" },
    { after: "executing", binary: "00" },
  ];
  const { outcome } = start(startBackend(emulator.url), graphOf(1));

  expectPicture(await outcome);
});

test("a history that comes late is waited for", async () => {
  const emulator = await startEmulator();
  emulator.faults.lateHistory = 60;
  emulator.faults.cutSocket = [{ event: "execution_start", when: "after", times: 1 }];
  const { outcome } = start(impatientBackend(emulator.url), graphOf(1));

  expectPicture(await outcome);
});

test("a restart that loses the queue is told from a removal by hand", async () => {
  const emulator = await startEmulator();
  const hold = emulator.hold("ImageScale");
  const backend = impatientBackend(emulator.url);
  const first = start(backend, graphOf(1));
  await hold.reached;
  const second = start(backend, graphOf(2));
  await expect.poll(() => posts(emulator)).toBe(2);

  await backend.client.deleteFromQueue(second.promptId);
  expect(await second.outcome).toEqual({ kind: "gone", removed: true });

  await emulator.restart();
  expect(await first.outcome).toEqual({ kind: "gone", removed: false });
});

test("a run waits while ComfyUI is away and goes on when it is back", async () => {
  const emulator = await startEmulator();
  const backend = impatientBackend(emulator.url);
  await backend.ready();
  await emulator.stop();
  const { outcome, statuses } = start(backend, graphOf(1));
  await expect.poll(() => statuses.some(({ phase }) => phase === "waiting")).toBe(true);

  await emulator.restart();

  expectPicture(await outcome);
});

test("a run that is not known yet is given up when ComfyUI stays away", async () => {
  const emulator = await startEmulator();
  const backend = new Backend(parseTarget(emulator.url), quietLog(), {
    patience: { ...quick.patience!, lostAfterMs: 300 },
  });
  onTestFinished(() => backend.close());
  await emulator.stop();

  await expect(start(backend, graphOf(1), true).outcome).rejects.toThrow(
    /Given up: ComfyUI has been away/,
  );
});

test("a picture that comes slowly over the socket is not taken for silence", async () => {
  const emulator = await startEmulator();
  const proxy = await slowSocket(emulator.url);
  const graph = graphOf(1);
  graph["1"]!.inputs = { width: 700, height: 700, batch_size: 1, color: 77 };
  graph["2"] = {
    class_type: "ImageScale",
    inputs: {
      image: ["1", 0],
      upscale_method: "lanczos",
      width: 3000,
      height: 3000,
      crop: "disabled",
    },
  };
  graph["3"] = { class_type: "SaveImageWebsocket", inputs: { images: ["2", 0] } };
  const { outcome } = start(impatientBackend(proxy), graph);

  const ended = await outcome;
  expect(ended.kind === "completed" && ended.images["3"]).toHaveLength(1);
});

test("a prompt that an earlier process posted is followed, not posted again", async () => {
  const emulator = await startEmulator();
  const hold = emulator.hold("ImageScale");
  const earlier = startBackend(emulator.url);
  const { promptId } = start(earlier, graphOf(1));
  await hold.reached;
  await earlier.close();

  const { outcome } = start(impatientBackend(emulator.url), graphOf(1), true, promptId);
  hold.release();

  expectPicture(await outcome);
  expect(posts(emulator)).toBe(1);
});

test("a worker that takes nothing is named as stalled", async () => {
  const emulator = await startEmulator();
  emulator.faults.neverStart = true;
  const { statuses } = start(impatientBackend(emulator.url), graphOf(1));

  await expect
    .poll(() => statuses.some((status) => status.phase === "queued" && status.stalled), {
      timeout: 5_000,
    })
    .toBe(true);
});

test("the place in the queue is told", async () => {
  const emulator = await startEmulator();
  const hold = emulator.hold("ImageScale");
  const backend = startBackend(emulator.url);
  start(backend, graphOf(1));
  await hold.reached;
  start(backend, graphOf(2));
  const third = start(backend, graphOf(3));

  await expect
    .poll(() => third.statuses.at(-1), { timeout: 5_000 })
    .toEqual({ phase: "queued", ahead: 2, stalled: false });
  hold.release();
  expectPicture(await third.outcome);
});

test("a 200 that dropped an output is withdrawn and reported", async () => {
  const emulator = await startEmulator();
  const graph = graphOf(1);
  graph["4"] = {
    class_type: "EmptyImage",
    inputs: { width: 0, height: 64, batch_size: 1, color: 0 },
  };
  graph["5"] = { class_type: "SaveImage", inputs: { images: ["4", 0], filename_prefix: "x" } };
  const hold = emulator.hold("EmptyImage");
  const { outcome, promptId } = start(startBackend(emulator.url), graph);

  await expect(outcome).rejects.toThrow(/withdrawn: node 4 \(EmptyImage\).*width/);
  hold.release();
  const backend = startBackend(emulator.url);
  await expect.poll(async () => (await backend.lookup(promptId)).kind).toMatch(/gone|interrupted/);
});

test("a refused graph names node, input and value", async () => {
  const emulator = await startEmulator();
  const graph = graphOf(1);
  graph["2"]!.inputs["upscale_method"] = "nope";
  const { outcome } = start(startBackend(emulator.url), graph);

  await expect(outcome).rejects.toThrow(PromptRejectedError);
  await expect(outcome).rejects.toThrow(
    /node 2 \(ImageScale\): "Value not in list: upscale_method: 'nope' not in/,
  );
});

test("pictures sent over the socket arrive whole and leave no file", async () => {
  const emulator = await startEmulator();
  const graph = graphOf(1);
  graph["3"] = { class_type: "SaveImageWebsocket", inputs: { images: ["2", 0] } };
  const { outcome } = start(startBackend(emulator.url), graph);

  const ended = await outcome;
  expect(ended.kind === "completed" && ended.images["3"]?.[0]?.subarray(1, 4).toString()).toBe(
    "PNG",
  );
  expect(emulator.outputFiles()).toEqual([]);
});

test("credentials and a path prefix reach HTTP and the socket", async () => {
  const value = `Basic ${Buffer.from("ann:p@ss").toString("base64")}`;
  const emulator = await startEmulator({
    pathPrefix: "/comfy",
    auth: { header: "authorization", value },
  });
  const url = emulator.url.replace("://", "://ann:p%40ss@");
  const backend = startBackend(url);
  const { outcome, statuses } = start(backend, graphOf(1));

  expectPicture(await outcome);
  expect(statuses.some(({ phase }) => phase === "running")).toBe(true);
  expect(backend.url).not.toContain("p%40ss");
});

test("while events flow nothing is asked over HTTP", async () => {
  const emulator = await startEmulator({ timing: { nodeMs: 30 } });
  const { outcome, promptId } = start(startBackend(emulator.url), graphOf(1));
  await outcome;

  const asked = emulator.requests.filter(
    ({ path }) => path.includes(promptId) || /\/(queue|history)/.test(path),
  );
  expect(asked).toEqual([]);
});
