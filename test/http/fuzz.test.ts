import { Agent, request } from "node:http";
import { connect as connectSocket } from "node:net";
import fc from "fast-check";
import { expect, test } from "vitest";
import { initialize, toolCall } from "../support/child.ts";
import { assembled, startHttp } from "../support/http.ts";
import { startApp, startEmulator } from "../support/world.ts";

const token = "token-of-ann-0123456789";

const headerText = fc
  .string({
    unit: fc.integer({ min: 0x20, max: 0x7e }).map((code) => String.fromCharCode(code)),
    maxLength: 60,
  })
  .map((text) => text.trim());

const path = fc.oneof(
  fc.constantFrom("/mcp", "/mcp/", "/mcp/x", "/metrics", "/healthz", "/readyz", "/", "/files/x"),
  fc.constantFrom(
    "/mcp/..%2F..%2Fetc",
    "/%00",
    "/%ff%fe",
    "/..",
    "//mcp",
    "/mcp?tools=%00",
    "/mcp?tools=%",
  ),
  fc.webPath().map((text) => `/${text}`),
);

const method = fc.constantFrom(
  "GET",
  "POST",
  "PUT",
  "DELETE",
  "PATCH",
  "OPTIONS",
  "HEAD",
  "PROPFIND",
);

const message = fc.oneof(
  fc.json(),
  fc.string(),
  fc.constant(""),
  fc
    .constantFrom<object>(initialize, toolCall(1, "list_tasks", {}), toolCall(2, "task_status", {}))
    .map((sane) => JSON.stringify(sane)),
  fc
    .record(
      {
        jsonrpc: fc.constantFrom("2.0", "1.0", 2),
        id: fc.oneof(fc.integer(), fc.string(), fc.constant(null)),
        method: fc.oneof(
          fc.string(),
          fc.constantFrom("initialize", "tools/call", "resources/read", "ping"),
        ),
        params: fc.oneof(
          fc.jsonValue(),
          fc.record(
            {
              name: fc.string(),
              arguments: fc.jsonValue(),
              uri: fc.string(),
              _meta: fc.jsonValue(),
            },
            { requiredKeys: [] },
          ),
        ),
      },
      { requiredKeys: [] },
    )
    .map((wild) => JSON.stringify(wild)),
);

function mostly<T>(sane: T, wild: fc.Arbitrary<T>) {
  return fc.option(
    fc.oneof({ arbitrary: fc.constant(sane), weight: 3 }, { arbitrary: wild, weight: 1 }),
    { nil: undefined },
  );
}

const headers = fc.record({
  "x-api-key": mostly(token, headerText),
  authorization: fc.option(headerText, { nil: undefined, freq: 8 }),
  host: mostly("localhost", headerText),
  origin: fc.option(headerText, { nil: undefined, freq: 8 }),
  accept: mostly("application/json, text/event-stream", headerText),
  "content-type": mostly("application/json", headerText),
  "mcp-session-id": fc.option(fc.oneof(headerText, fc.constant("SESSION")), { nil: undefined }),
  "mcp-protocol-version": fc.option(headerText, { nil: undefined, freq: 4 }),
  "x-easel-tools": fc.option(headerText, { nil: undefined, freq: 8 }),
  "last-event-id": fc.option(headerText, { nil: undefined, freq: 8 }),
});

interface Answer {
  status: number;
  text: string;
  session: string | undefined;
}

const rest = fc.oneof(
  fc.constantFrom(
    "/api/v1/tasks",
    "/api/v1/tasks/delete",
    "/api/v1/uploads",
    "/api/v1/events",
    "/api/v1/tasks/t0123456789abcdef/events",
    "/api/v1/openapi.json",
    "/files/images/t0123456789abcdef-1?expires=9e9&signature=x",
  ),
  fc
    .tuple(
      fc.constantFrom("limit", "cursor", "state", "q", "since", "width", "format", "expires"),
      fc.string({ unit: "binary", maxLength: 20 }),
    )
    .map((pair) => `/api/v1/tasks?${new URLSearchParams([pair])}`),
  fc
    .string({ unit: "binary", maxLength: 20 })
    .map((id) => `/files/images/${encodeURIComponent(id)}?signature=${encodeURIComponent(id)}`),
);

const call = fc
  .record(
    {
      tool: fc.constantFrom("generate_image", "img2img", "nothing", ""),
      arguments: fc.dictionary(
        fc.constantFrom("prompt", "image", "width", "count", "seed", "loras", "__proto__"),
        fc.jsonValue(),
      ),
      label: fc.jsonValue(),
      filter: fc.dictionary(fc.constantFrom("ids", "state", "since"), fc.jsonValue()),
    },
    { requiredKeys: [] },
  )
  .map((wild) => JSON.stringify(wild));

test("10,000 malformed requests to every face: no crash, no 500, no stack trace", async () => {
  const world = await startApp((await startEmulator()).url);
  const handle = await assembled(world, { authTokens: [`ann:${token}`], maxSessions: 50 });
  const opened = await handle(
    new Request("http://localhost/mcp", {
      method: "POST",
      headers: sane(),
      body: JSON.stringify(initialize),
    }),
  );
  const session = opened.headers.get("mcp-session-id") ?? "";
  await opened.text();
  const statuses = new Map<number, number>();

  await fc.assert(
    fc.asyncProperty(
      fc.oneof(path, rest),
      method,
      headers,
      fc.oneof(message, call),
      async (where, how, with_, body) => {
        const given = Object.entries(with_).flatMap(([name, value]): [string, string][] =>
          value === undefined ? [] : [[name, value.replace("SESSION", session)]],
        );
        const url = `http://localhost${where}`;
        const hasBody = how !== "GET" && how !== "HEAD";
        const request = new Request(URL.canParse(url) ? url : "http://localhost/none", {
          method: how,
          headers: given,
          ...(hasBody ? { body } : {}),
        });
        const answer = await handle(request);
        statuses.set(answer.status, (statuses.get(answer.status) ?? 0) + 1);
        expect(answer.status).not.toBe(500);
        const isEndless =
          how === "GET" && answer.headers.get("content-type") === "text/event-stream";
        if (isEndless) await answer.body?.cancel();
        else expect(await answer.text()).not.toMatch(/\bat .+\.[jt]s:\d+/);
      },
    ),
    { numRuns: 10_000, endOnFailure: true },
  );

  expect([...statuses.keys()]).toEqual(expect.arrayContaining([200, 400, 401, 403, 404, 415]));
  expect((await handle(new Request("http://localhost/healthz"))).status).toBe(200);
  expect(world.log.lines.filter((line) => line.includes(" error "))).toEqual([]);
}, 300_000);

test("200 malformed requests through a socket: no crash, no 500, no stack trace", async () => {
  const world = await startApp((await startEmulator()).url);
  const server = await startHttp(world, { authTokens: [`ann:${token}`] });
  const agent = new Agent();
  const opened = await send(server.url, agent, "/mcp", "POST", sane(), JSON.stringify(initialize));
  expect(opened.status).toBe(200);
  const statuses = new Map<number, number>();

  await fc.assert(
    fc.asyncProperty(path, method, headers, message, async (where, how, with_, body) => {
      const filled = {
        ...with_,
        "mcp-session-id": with_["mcp-session-id"]?.replace("SESSION", String(opened.session)),
      };
      const { status, text } = await send(server.url, agent, where, how, filled, body);
      statuses.set(status, (statuses.get(status) ?? 0) + 1);
      expect(status).not.toBe(500);
      expect(text).not.toMatch(/\bat .+\.[jt]s:\d+/);
    }),
    { numRuns: 200, endOnFailure: true },
  );

  agent.destroy();
  expect(statuses.size).toBeGreaterThan(2);
  expect((await fetch(`${server.url}/healthz`)).status).toBe(200);
  expect(world.log.lines.filter((line) => line.includes(" error "))).toEqual([]);
}, 180_000);

test.for<[what: string, bytes: string]>([
  ["no HTTP at all", "\u0000\u0001\u0002garbage\r\n\r\n"],
  ["no host", "GET /healthz HTTP/1.1\r\n\r\n"],
  ["two hosts", "GET /healthz HTTP/1.1\r\nHost: localhost\r\nHost: evil.example.com\r\n\r\n"],
  ["a host with a path", "GET /healthz HTTP/1.1\r\nHost: localhost/../x\r\n\r\n"],
  [
    "another server's URL",
    "GET http://evil.example.com/healthz HTTP/1.1\r\nHost: evil.example.com\r\n\r\n",
  ],
  ["a URL that is none", "GET http:// HTTP/1.1\r\nHost: localhost\r\n\r\n"],
  [
    "two lengths",
    "POST /mcp HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\nx",
  ],
  [
    "a header without end",
    `GET /healthz HTTP/1.1\r\nHost: localhost\r\nX: ${"x".repeat(100_000)}\r\n\r\n`,
  ],
])("%s is answered with a refusal and no more", async ([, bytes]) => {
  const world = await startApp((await startEmulator()).url);
  const { url } = await startHttp(world);
  const answer = await raw(Number(new URL(url).port), bytes);

  expect(answer).toMatch(/^HTTP\/1\.1 4\d\d /);
  expect(answer).not.toMatch(/\bat .+\.[jt]s:\d+/);
  expect((await fetch(`${url}/healthz`)).status).toBe(200);
});

function sane(): Record<string, string> {
  return {
    "x-api-key": token,
    accept: "application/json, text/event-stream",
    "content-type": "application/json",
  };
}

/** Streams are let go of with their head, for some never end. */
function send(
  url: string,
  agent: Agent,
  path: string,
  method: string,
  headers: Record<string, string | undefined>,
  body: string,
): Promise<Answer> {
  const kept = Object.entries(headers).filter(([, value]) => value !== undefined);
  return new Promise((resolve, reject) => {
    const { hostname, port } = new URL(url);
    const sent = request(
      { agent, hostname, port, path, method, headers: Object.fromEntries(kept) },
      (response) => {
        const status = response.statusCode ?? 0;
        const session = response.headers["mcp-session-id"]?.toString();
        let text = "";
        const done = () => resolve({ status, text, session });
        if (method === "GET" && response.headers["content-type"] === "text/event-stream") {
          done();
          response.destroy();
          return;
        }
        response.setEncoding("utf8").on("data", (chunk) => {
          text += chunk;
        });
        response.on("end", done).on("error", reject);
      },
    );
    sent.on("error", reject);
    sent.end(method === "GET" || method === "HEAD" ? undefined : body);
  });
}

function raw(port: number, bytes: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connectSocket(port, "127.0.0.1", () => socket.write(bytes));
    let text = "";
    socket.setEncoding("utf8").on("data", (chunk) => {
      text += chunk;
      if (text.includes("\r\n\r\n")) socket.end();
    });
    socket.on("close", () => resolve(text)).on("error", reject);
  });
}
