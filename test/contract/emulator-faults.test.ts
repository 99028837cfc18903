import { randomUUID } from "node:crypto";
import { expect, test } from "vitest";
import {
  describeEmulator,
  longGraph,
  savedFiles,
  slowNodes,
  startEmulator,
  tinyGraph,
  types,
} from "./support.ts";

describeEmulator("faults", () => {
  test("the next requests to a path fail with a status, then it works again", async () => {
    const [comfy, { faults }] = await startEmulator();
    faults.failRequests = [{ method: "GET", path: "/queue", times: 2, status: 503 }];

    const statuses = [
      await comfy.fetch("/queue"),
      await comfy.fetch("/prompt"),
      await comfy.fetch("/api/queue"),
      await comfy.fetch("/queue"),
    ].map(({ status }) => status);

    expect(statuses).toEqual([503, 200, 503, 200]);
  });

  test("a connection is cut when the fault names no status", async () => {
    const [comfy, { faults }] = await startEmulator();
    faults.failRequests = [{ path: "/system_stats", times: 1 }];

    await expect(comfy.fetch("/system_stats")).rejects.toThrow();
    expect((await comfy.fetch("/system_stats")).status).toBe(200);
  });

  test("a request can be met by a web page, or by an answer that is cut in its body", async () => {
    const [comfy, { faults }] = await startEmulator();
    faults.failRequests = [
      { path: "/queue", times: 1, answer: "page" },
      { path: "/queue", times: 1, answer: "cut body" },
    ];

    const page = await comfy.fetch("/queue");
    expect(page.status).toBe(200);
    expect(page.headers.get("content-type")).toBe("text/html");
    const cut = await comfy.fetch("/queue");
    expect(cut.status).toBe(200);
    await expect(cut.text()).rejects.toThrow();
    expect((await comfy.fetch("/queue")).status).toBe(200);
  });

  test("a request can be met by silence", async () => {
    const [comfy, { faults }] = await startEmulator();
    faults.failRequests = [{ path: "/queue", times: 1, answer: "silence" }];

    const signal = AbortSignal.timeout(200);
    await expect(comfy.fetch("/queue", { signal })).rejects.toThrow(/timeout/);
  });

  test("a fault holds for any path of its pattern, until its time is over", async () => {
    const [comfy, { faults }] = await startEmulator();
    const rule = { path: "/history/*", times: 1_000, status: 500 };
    const statuses = () =>
      Promise.all(["/history/a", "/api/history/b", "/history"].map((path) => comfy.fetch(path)));

    faults.failRequests = [{ ...rule, until: Date.now() + 60_000 }];
    expect((await statuses()).map(({ status }) => status)).toEqual([500, 500, 200]);
    faults.failRequests = [{ ...rule, until: Date.now() }];
    expect((await statuses()).map(({ status }) => status)).toEqual([200, 200, 200]);
  });

  test("a prompt whose acceptance got lost runs all the same", async () => {
    const [comfy, { faults }] = await startEmulator();
    const listener = await comfy.connect();
    for (const answer of ["500", "cut"] as const) {
      faults.acceptThenFail = { times: 1, answer };
      const prompt_id = randomUUID();
      const body = { prompt: tinyGraph(), prompt_id, client_id: listener.clientId };

      const status = await comfy.post("/prompt", body).then(
        (response) => response.status,
        () => "cut",
      );
      await listener.end(prompt_id);

      expect(String(status)).toBe(answer);
      expect((await comfy.job(prompt_id)).status).toBe("completed");
    }
  });

  test("an acceptance may never be answered at all", async () => {
    const [comfy, { faults }] = await startEmulator();
    const listener = await comfy.connect();
    faults.acceptThenFail = { times: 1, answer: "silence" };
    const prompt_id = randomUUID();
    const body = { prompt: tinyGraph(), prompt_id, client_id: listener.clientId };
    const abort = new AbortController();

    const answer = comfy.fetch("/prompt", {
      method: "POST",
      body: JSON.stringify(body),
      signal: abort.signal,
    });
    await listener.end(prompt_id);
    abort.abort();

    await expect(answer).rejects.toThrow("aborted");
  });

  test("a class may raise, out of memory for one", async () => {
    const [comfy, { faults }] = await startEmulator();
    faults.raiseOutOfMemory("EmptyImage");

    const { entry, promptId } = await comfy.run(tinyGraph());

    const [type, data] = entry.status?.messages.at(-1) ?? [];
    expect(type).toBe("execution_error");
    expect(data).toMatchObject({ exception_type: "torch.OutOfMemoryError", node_id: "1" });
    expect(data?.["exception_message"]).toContain("CUDA out of memory");
    expect(data?.["exception_message"]).toContain("TIPS");
    expect((await comfy.job(promptId)).status).toBe("failed");
  });

  test("the client's socket is cut at an event while the run goes on", async () => {
    const [comfy, { faults }] = await startEmulator();
    const listener = await comfy.connect();
    faults.cutSocket = [{ event: "execution_start", when: "after", times: 1 }];
    const witness = await comfy.connect();
    const prompt_id = randomUUID();

    await comfy.submit(tinyGraph(), { prompt_id, client_id: listener.clientId });
    await listener.closed;
    await witness.untilTrue(async () => (await comfy.job(prompt_id)).status === "completed");

    expect(types(listener.of(prompt_id))).not.toContain("execution_success");
  });

  test("with a dead worker prompts wait while HTTP is healthy, until it lives again", async () => {
    const [comfy, { faults }] = await startEmulator();
    const listener = await comfy.connect();
    faults.neverStart = true;
    const prompt_id = randomUUID();
    await comfy.submit(tinyGraph(), { prompt_id, client_id: listener.clientId });

    const { status } = await comfy.job(prompt_id);
    faults.neverStart = false;
    await listener.end(prompt_id);

    expect(status).toBe("pending");
  });

  test("a silent socket opens and says nothing", async () => {
    const [comfy, emulator] = await startEmulator();
    const listener = await comfy.connect();
    const hold = emulator.hold("SaveImage");
    emulator.faults.silentSocket = true;
    const heard = listener.frames.length;

    await comfy.submit(tinyGraph(), { client_id: listener.clientId });
    await hold.reached;

    expect(listener.frames.length).toBe(heard);
    expect(listener.socket.readyState).toBe(listener.socket.OPEN);
  });

  test("history may come late, and the job runs until then", async () => {
    const [comfy, { faults }] = await startEmulator();
    faults.lateHistory = 80;
    const listener = await comfy.connect();
    const prompt_id = randomUUID();
    await comfy.submit(tinyGraph(), { prompt_id, client_id: listener.clientId });

    await listener.until(({ type }) => type === "execution_success");
    const [job, history] = [await comfy.job(prompt_id), await comfy.history(prompt_id)];
    await listener.end(prompt_id);

    expect([job.status, history]).toEqual(["in_progress", undefined]);
    expect((await comfy.job(prompt_id)).status).toBe("completed");
  });

  test("a view may be cut in the middle", async () => {
    const [comfy, { faults }] = await startEmulator();
    const { entry } = await comfy.run(tinyGraph());
    const [file] = savedFiles(entry);
    if (!file) throw new Error("nothing saved");
    faults.truncateView = 1;

    const cut = comfy.view(file).then((response) => response.arrayBuffer());

    await expect(cut).rejects.toThrow();
    expect((await comfy.view(file)).status).toBe(200);
  });

  test("rubbish is sent between the events of a run", async () => {
    const [comfy, { faults }] = await startEmulator();
    const listener = await comfy.connect();
    faults.rubbish = [
      { after: "execution_start", text: '{"type":"from.a.custom.node","data":null}' },
      { after: "executing", binary: "000000ff00" },
    ];

    const { frames } = await comfy.run(tinyGraph(), {}, listener);

    expect(types(frames)).toContain("from.a.custom.node");
    expect(frames.filter(({ bytes }) => bytes?.toString("hex") === "000000ff00")).toHaveLength(3);
  });

  test("a newer socket stays connected when the unregister bug is switched off", async () => {
    const [comfy, { faults }] = await startEmulator();
    faults.deafAfterReconnect = false;
    const id = randomUUID();
    const older = await comfy.connect(id);
    const newer = await comfy.connect(id);
    older.close();
    await older.closed;

    const { frames } = await comfy.run(tinyGraph(), {}, newer);

    expect(types(frames)).toContain("execution_success");
  });

  test("a class may be slow", async () => {
    const [comfy, { faults }] = await startEmulator();
    faults.slow = { SaveImage: 60 };
    const started = performance.now();

    await comfy.run(tinyGraph());

    expect(performance.now() - started).toBeGreaterThan(55);
  });

  test("clearing takes every fault away", async () => {
    const [comfy, { faults }] = await startEmulator();
    faults.set({
      neverStart: true,
      lateHistory: 1e6,
      raise: { SaveImage: { type: "E", message: "" } },
    });

    faults.clear();

    const { entry } = await comfy.run(tinyGraph());
    expect(entry.status?.status_str).toBe("success");
    expect(faults.deafAfterReconnect).toBe(true);
  });
});

describeEmulator("holds", () => {
  test("a run stops at a held class until it is released", async () => {
    const [comfy, emulator] = await startEmulator();
    const listener = await comfy.connect();
    const hold = emulator.hold("SaveImage");
    const prompt_id = randomUUID();
    await comfy.submit(tinyGraph(), { prompt_id, client_id: listener.clientId });

    const reached = await hold.reached;
    const { status } = await comfy.job(prompt_id);
    hold.release();
    await listener.end(prompt_id);

    expect(reached).toEqual({ promptId: prompt_id, nodeId: "2" });
    expect(status).toBe("in_progress");
    expect((await comfy.job(prompt_id)).status).toBe("completed");
  });

  test("an interrupt gets through a hold", async () => {
    const [comfy, emulator] = await startEmulator();
    const listener = await comfy.connect();
    const hold = emulator.hold("EmptyImage");
    const prompt_id = randomUUID();
    await comfy.submit(tinyGraph(), { prompt_id, client_id: listener.clientId });
    await hold.reached;

    await comfy.post("/interrupt", { prompt_id });
    await listener.end(prompt_id);

    expect((await comfy.job(prompt_id)).status).toBe("cancelled");
  });
});

describeEmulator("the life of the process", () => {
  test("cut sockets reconnect to a server that went on", async () => {
    const [comfy, emulator] = await startEmulator();
    const listener = await comfy.connect();

    emulator.dropSockets();
    await listener.closed;
    const { entry } = await comfy.run(tinyGraph(), {}, await comfy.connect(listener.clientId));

    expect(entry.status?.status_str).toBe("success");
  });

  test("a restart on the same port loses all but input and output files", async () => {
    const [comfy, emulator] = await startEmulator(slowNodes);
    const listener = await comfy.connect();
    const done = await comfy.run({
      ...tinyGraph("kept"),
      "3": { class_type: "PreviewImage", inputs: { images: ["1", 0] } },
    });
    await comfy.upload(Buffer.from("bytes"), "input.bin");
    const [temp] = savedFiles(done.entry, "3");
    const running = randomUUID();
    await comfy.submit(longGraph(), { prompt_id: running, client_id: listener.clientId });
    await listener.executing(running, "2");

    await emulator.restart();
    await listener.closed;

    expect(await comfy.json("/history")).toEqual({});
    expect(await comfy.json("/queue")).toEqual({ queue_running: [], queue_pending: [] });
    expect((await comfy.fetch(`/api/jobs/${running}`)).status).toBe(404);
    expect((await comfy.fetch("/view?filename=kept_00001_.png")).status).toBe(200);
    expect((await comfy.fetch("/view?filename=input.bin&type=input")).status).toBe(200);
    expect(temp && (await comfy.view(temp)).status).toBe(404);
    const again = await comfy.submit(tinyGraph("kept"));
    expect(again.body.number).toBe(0);
  });

  test("a stopped server refuses connections until it is brought back", async () => {
    const [comfy, emulator] = await startEmulator();
    const url = emulator.url;

    await emulator.stop();
    await expect(comfy.fetch("/queue")).rejects.toThrow();
    await emulator.restart();

    expect(emulator.url).toBe(url);
    expect((await comfy.fetch("/queue")).status).toBe(200);
  });

  test("an output file can be deleted behind the cache's back", async () => {
    const [comfy, emulator] = await startEmulator();
    const graph = tinyGraph("gone");
    await comfy.run(graph);
    expect(emulator.outputFiles()).toEqual(["gone_00001_.png"]);

    emulator.deleteOutput("gone_00001_.png");
    const { entry } = await comfy.run(graph);

    expect(savedFiles(entry)[0]?.filename).toBe("gone_00001_.png");
    expect((await comfy.fetch("/view?filename=gone_00001_.png")).status).toBe(404);
  });

  test("every request is on record, with its JSON", async () => {
    const [comfy, emulator] = await startEmulator();

    await comfy.post("/queue", { delete: ["x"] });
    await comfy.fetch("/view?filename=a");

    expect(emulator.requests).toEqual([
      { method: "POST", path: "/queue", body: { delete: ["x"] } },
      { method: "GET", path: "/view" },
    ]);
  });
});
