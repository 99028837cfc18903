import { once } from "node:events";
import { createServer, type RequestListener } from "node:http";
import type { AddressInfo } from "node:net";
import { gzipSync } from "node:zlib";
import { describe, expect, onTestFinished, test } from "vitest";
import { ComfyClient } from "../../src/comfy/client.ts";
import { foundInJob } from "../../src/comfy/found.ts";
import type { Job } from "../../src/comfy/protocol.ts";
import { parseJson } from "../../src/comfy/python-json.ts";
import { parseTarget } from "../../src/comfy/target.ts";
import { AppError } from "../../src/errors.ts";
import { asked, graphOf, impatientBackend, start } from "../support/comfy.ts";
import { startEmulator } from "../support/world.ts";

/** What stands where a ComfyUI should be, answering as it is told. */
async function standIn(answer: RequestListener): Promise<string> {
  const server = createServer(answer);
  await once(server.listen(0, "127.0.0.1"), "listening");
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

async function clientOf(answer: RequestListener, silenceMs = 2_000): Promise<ComfyClient> {
  const client = new ComfyClient(parseTarget(await standIn(answer)), { silenceMs });
  onTestFinished(() => client.close());
  return client;
}

const file = { filename: "a.png", subfolder: "", type: "output" } as const;

async function codeOf(work: Promise<unknown>): Promise<string> {
  return work.then(
    () => "answered",
    (error: unknown) => (error instanceof AppError ? error.code : String(error)),
  );
}

describe("an answer that is not ComfyUI's", () => {
  test.for([
    [500, "comfy_unreachable"],
    [502, "comfy_unreachable"],
    [503, "comfy_unreachable"],
    [520, "comfy_unreachable"],
    [408, "comfy_unreachable"],
    [409, "comfy_unreachable"],
    [425, "comfy_unreachable"],
    [429, "comfy_unreachable"],
    [302, "comfy_unreachable"],
    [401, "comfy_unreachable"],
    [404, "comfy_unreachable"],
    [400, "comfy_rejected"],
    [413, "comfy_rejected"],
    [422, "comfy_rejected"],
  ] as const)("a status %i is %s wherever something is sent", async ([status, code]) => {
    const client = await clientOf((_, response) => {
      response.writeHead(status, { "content-type": "text/plain" }).end("something odd");
    });

    expect(await codeOf(client.queuePrompt({ prompt: graphOf(1) }))).toBe(code);
    expect(await codeOf(client.uploadImage("a.png", Buffer.alloc(10), "x"))).toBe(code);
    expect(await codeOf(client.interrupt("x"))).toBe(code);
  });

  test("a web page with 200 is no answer to any request", async () => {
    const client = await clientOf((_, response) => {
      response.writeHead(200, { "content-type": "text/html" }).end("<!DOCTYPE html><p>Hello");
    });

    const works = [
      client.systemStats(),
      client.objectInfo(),
      client.queue(),
      client.jobs(),
      client.job("x"),
      client.history("x"),
      client.view(file),
      client.interrupt("x"),
      client.deleteFromQueue("x"),
      client.uploadImage("a.png", Buffer.alloc(10), "x"),
      client.queuePrompt({ prompt: graphOf(1) }),
    ];
    await Promise.all(
      works.map((work) => expect(work).rejects.toThrow(/is not a ComfyUI .*HTML page/)),
    );
  });

  test("what came compressed is read, and what only says so is no answer", async () => {
    const queue = { queue_running: [], queue_pending: [] };
    const bodies = [gzipSync(JSON.stringify(queue)), Buffer.from("{}")];
    const client = await clientOf((_, response) => {
      const headers = { "content-type": "application/json", "content-encoding": "gzip" };
      response.writeHead(200, headers).end(bodies.shift());
    });

    expect(await client.queue()).toEqual(queue);
    expect(await codeOf(client.queue())).toBe("comfy_unreachable");
  });

  test("whoever lets go of a request does not wait for its answer", async () => {
    const leave = new AbortController();
    const client = await clientOf(() => leave.abort());

    expect(await codeOf(client.queuePrompt({ prompt: graphOf(1) }, leave.signal))).toBe(
      "comfy_unreachable",
    );
  });

  test("a proxy's 404 is no word of ComfyUI that a job or a file is gone", async () => {
    const client = await clientOf((_, response) => {
      response.writeHead(404, { "content-type": "text/html" }).end("<html>404</html>");
    });

    await expect(client.job("x")).rejects.toThrow(/is not a ComfyUI \(status 404/);
    await expect(client.view(file)).rejects.toThrow(/is not a ComfyUI \(status 404/);
  });

  test("ComfyUI's own 404 is", async () => {
    const emulator = await startEmulator();
    const client = new ComfyClient(parseTarget(emulator.url));
    onTestFinished(() => client.close());

    expect(await client.job("00000000-0000-4000-8000-000000000001")).toBeUndefined();
    expect(await client.view(file)).toBeUndefined();
  });

  test("a body too large for the proxy is said with its size and the way out", async () => {
    const client = await clientOf((request, response) => {
      request.resume();
      response.writeHead(413, { "content-type": "text/html" }).end("<html>413</html>");
    });

    await expect(client.uploadImage("a.png", Buffer.alloc(2_500_000), "x")).rejects.toThrow(
      /refused POST upload\/image: 2\.5 MB is too large.*client_max_body_size.*--max-upload-size.*smaller picture/,
    );
  });

  test("a refusal says what ComfyUI said", async () => {
    const client = await clientOf((_, response) => {
      response.writeHead(400, { "content-type": "text/plain" }).end("no such folder");
    });

    await expect(client.view(file)).rejects.toThrow(
      /refused GET view \(status 400: "no such folder"\)\. Look at its log/,
    );
  });
});

describe("a transfer", () => {
  test("that is slow but never silent is not cut", async () => {
    const client = await clientOf((_, response) => {
      response.writeHead(200, { "content-type": "image/png" });
      let left = 12;
      const timer = setInterval(() => {
        left -= 1;
        if (left > 0) response.write("x");
        else {
          clearInterval(timer);
          response.end();
        }
      }, 100);
    }, 600);

    expect((await client.view(file))?.length).toBe(11);
  });

  test("that falls silent in the middle is given up", async () => {
    const client = await clientOf((_, response) => {
      response.writeHead(200, { "content-type": "image/png" });
      response.write("x");
    }, 200);

    await expect(client.view(file)).rejects.toThrow(/does not answer: its answer stopped/);
  });
});

test("a file without a subfolder is asked for without one", async () => {
  const seen: (string | undefined)[] = [];
  const client = await clientOf((request, response) => {
    seen.push(request.url);
    response.writeHead(200, { "content-type": "image/png" }).end("x");
  });

  await client.view({ filename: "a.png", type: "output" });

  expect(seen).toEqual(["/api/view?filename=a.png&type=output"]);
});

test("NaN and Infinity are read outside of strings, and strings stay as they are", () => {
  const text =
    '{"a":NaN,"b":[Infinity,-Infinity,1],"c":"NaN, \\"-Infinity\\" \\\\","NaN":{"d":"x\\\\"},"e":NaN}';

  expect(parseJson(text)).toEqual({
    a: null,
    b: [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, 1],
    c: 'NaN, "-Infinity" \\',
    NaN: { d: "x\\" },
    e: null,
  });
  expect(parseJson("NaN or not")).toBeUndefined();
});

test("a node catalogue with NaN in it is read", async () => {
  const client = await clientOf((_, response) => {
    response
      .writeHead(200, { "content-type": "application/json; charset=utf-8" })
      .end('{"Odd":{"input":{"required":{"x":["FLOAT",{"default":NaN,"max":Infinity}]}}}}');
  });

  expect((await client.objectInfo())["Odd"]?.input.required?.["x"]).toEqual([
    "FLOAT",
    { default: null, max: Number.POSITIVE_INFINITY },
  ]);
});

test("an interrupted job is not failed, though ComfyUI until 0.8.2 calls it so", () => {
  const job: Job = {
    id: "x",
    status: "failed",
    outputs_count: 0,
    execution_status: {
      status_str: "error",
      completed: false,
      messages: [["execution_interrupted", { prompt_id: "x" }]],
    },
  };

  expect(foundInJob(job)).toEqual({ kind: "interrupted" });
  expect(foundInJob({ ...job, execution_status: undefined as never }).kind).toBe("failed");
});

describe("when /api/jobs fails for good", () => {
  test.for([2, 9])("%i runs at once are found in queue and history", async (count) => {
    const emulator = await startEmulator();
    const hold = emulator.hold("ImageScale");
    const first = impatientBackend(emulator.url);
    const runs = Array.from({ length: count }, (_, shade) => start(first, graphOf(shade)));
    await expect.poll(() => emulator.queued.length).toBe(count);
    await first.close();
    for (const path of ["/api/jobs", "/api/jobs/*"]) {
      emulator.faults.failRequests.push({ method: "GET", path, times: 1e9, status: 500 });
    }

    const second = impatientBackend(emulator.url);
    const resumed = runs.map(({ promptId }, shade) =>
      start(second, graphOf(shade), { promptId, resume: true }),
    );
    await expect.poll(() => asked(emulator, "GET", /\/queue$/)).toBeGreaterThan(0);
    hold.release();

    const kinds = await Promise.all(resumed.map(async ({ outcome }) => (await outcome).kind));
    expect(kinds).toEqual(runs.map(() => "completed"));
    expect(emulator.queued.length).toBe(count);
  });
});
