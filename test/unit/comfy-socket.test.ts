import { once } from "node:events";
import { type AddressInfo, createConnection, createServer } from "node:net";
import { expect, onTestFinished, test } from "vitest";
import { expectPicture, graphOf, impatientBackend, posts, start } from "../support/comfy.ts";
import { startBackend, startEmulator } from "../support/world.ts";

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

test("while events flow nothing is asked over HTTP", async () => {
  const emulator = await startEmulator({ timing: { nodeMs: 30 } });
  const { outcome, promptId } = start(startBackend(emulator.url), graphOf(1));
  await outcome;

  const asked = emulator.requests.filter(
    ({ path }) => path.includes(promptId) || /\/(queue|history)/.test(path),
  );
  expect(asked).toEqual([]);
});
