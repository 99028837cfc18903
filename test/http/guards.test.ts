import { Hono } from "hono";
import { beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { httpApp } from "../../src/faces/http/app.ts";
import { Callers } from "../../src/faces/http/callers.ts";
import { callerOf, type HttpEnv } from "../../src/faces/http/env.ts";
import type { Face } from "../../src/faces/http/face.ts";
import { Keys } from "../../src/faces/http/keys.ts";
import { listen } from "../../src/faces/http/listen.ts";
import { plainRefusal } from "../../src/faces/http/refusal.ts";
import { Studio } from "../../src/studio/studio.ts";
import { quietLog } from "../support/world.ts";

const token = "a-token-of-some-length";
const log = quietLog();
let app: Hono<HttpEnv>;

const echo = new Hono<HttpEnv>()
  .get("/", (c) => c.json({ caller: callerOf(c).name, scopes: [...callerOf(c).scopes] }))
  .post("/", async (c) => c.json({ bytes: (await c.req.arrayBuffer()).byteLength }))
  .get("/defect", () => {
    throw new Error("secret detail");
  });

function face(path: string, access: Face["access"]): Face {
  return { path, app: echo, access, refuse: plainRefusal };
}

beforeAll(async () => {
  app = httpApp({
    guards: { hosts: ["studio.example.com"], origins: ["https://chat.example.com"] },
    callers: new Callers({
      keys: await Keys.read([`ann:${token}`, "bob:another-long-token:read"], {}),
      requestsAtOnce: 10,
      allowAnonymous: false,
      limits: {},
      studio: (caller) => new Studio({} as never, caller),
      imageUrl: (base, id) => `${base}/files/${id}`,
    }),
    faces: [face("/closed", "key"), face("/open", "open")],
    log,
  });
});

const bearer = { Authorization: `Bearer ${token}` };

describe("the guards", () => {
  test.each<[string, string, Record<string, string>, number]>([
    ["a key as bearer", "/closed", bearer, 200],
    ["a key as X-API-Key", "/closed", { "X-API-Key": token }, 200],
    ["no key", "/closed", {}, 401],
    ["a wrong key", "/closed", { "X-API-Key": "wrong" }, 401],
    ["a wrong key on an open path", "/open/defect", { "X-API-Key": "wrong" }, 401],
    ["no key on an open path that asks for one", "/open", {}, 401],
    ["a path that is none", "/elsewhere", bearer, 404],
    ["a path below that is none", "/closed/elsewhere", bearer, 404],
    ["an address as host", "/closed", { ...bearer, Host: "192.0.2.7:8488" }, 200],
    ["an IPv6 address as host", "/closed", { ...bearer, Host: "[::1]:8488" }, 200],
    ["a host that was allowed", "/closed", { ...bearer, Host: "Studio.example.com" }, 200],
    ["a foreign host", "/closed", { ...bearer, Host: "evil.example.com" }, 403],
    ["a host below localhost", "/closed", { ...bearer, Host: "localhost.evil.com" }, 403],
    ["a host that is none", "/closed", { ...bearer, Host: "a@b/c" }, 403],
    ["an own origin", "/closed", { ...bearer, Origin: "http://localhost" }, 200],
    ["an allowed origin", "/closed", { ...bearer, Origin: "https://chat.example.com" }, 200],
    ["a foreign origin", "/closed", { ...bearer, Origin: "https://evil.example.com" }, 403],
    ["an origin of no site", "/closed", { ...bearer, Origin: "null" }, 403],
    ["an own host at another port", "/closed", { ...bearer, Origin: "http://localhost:9" }, 403],
  ])("answer %s", async (_what, path, headers, status) => {
    const answer = await app.request(path, { headers });

    expect(answer.status).toBe(status);
    expect(answer.headers.get("x-content-type-options")).toBe("nosniff");
    expect(answer.headers.get("content-security-policy")).toContain("default-src 'none'");
    expect(answer.headers.get("content-type")).toContain("application/json");
  });

  test("say what a key is sent in", async () => {
    const answer = await app.request("/closed");

    expect(answer.headers.get("www-authenticate")).toBe("Bearer");
    expect(await answer.json()).toEqual({
      error: {
        code: "unauthorized",
        message: expect.stringContaining("Authorization: Bearer KEY"),
      },
    });
  });

  test("tell who calls, with the scopes that the key has", async () => {
    const answer = await app.request("/closed", { headers: { "X-API-Key": "another-long-token" } });

    expect(await answer.json()).toEqual({ caller: "bob", scopes: ["read"] });
  });

  test("stop a body that is too long, with and without its length", async () => {
    const body = "x".repeat(1_100_000);
    const stream = new Response(body).body;
    const init = { method: "POST", headers: bearer };
    const declared = await app.request("/closed", {
      ...init,
      headers: { ...bearer, "Content-Length": String(body.length) },
      body,
    });
    const streamed = await app.request("/closed", { ...init, body: stream, duplex: "half" });

    expect([declared.status, streamed.status]).toEqual([413, 413]);
    expect(await streamed.json()).toMatchObject({ error: { code: "too_large" } });
  });

  test("stop a body on a socket too, and let pass what is short enough", async () => {
    const listening = await listen(app, { host: "127.0.0.1", port: 0, given: "--port" });
    onTestFinished(() => listening.close());
    const send = (length: number) =>
      fetch(`${listening.url}/closed`, {
        method: "POST",
        headers: bearer,
        body: new Blob(["x".repeat(length)]).stream(),
        duplex: "half",
      });

    expect((await send(1_100_000)).status).toBe(413);
    const short = await send(200_000);
    expect([short.status, await short.json()]).toEqual([200, { bytes: 200_000 }]);
  });

  test("keep a defect to the log", async () => {
    const answer = await app.request("/closed/defect", { headers: bearer });
    const text = await answer.text();

    expect(answer.status).toBe(500);
    expect(text).not.toContain("secret detail");
    const id = /Internal error (\w+)/.exec(text)?.[1];
    expect(log.lines.join("\n")).toContain(`http (${id}): Error: secret detail`);
  });
});

describe("other sites' pages", () => {
  test("learn in a preflight what they may send, without a key", async () => {
    const answer = await app.request("/closed", {
      method: "OPTIONS",
      headers: {
        Origin: "https://chat.example.com",
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "mcp-session-id",
      },
    });

    expect(answer.status).toBe(204);
    expect(answer.headers.get("access-control-allow-origin")).toBe("https://chat.example.com");
    expect(answer.headers.get("access-control-allow-headers")).toContain("Mcp-Session-Id");
  });

  test("are refused without a word of CORS when they are not allowed", async () => {
    const answer = await app.request("/closed", {
      method: "OPTIONS",
      headers: { Origin: "https://evil.example.com" },
    });

    expect(answer.status).toBe(403);
    expect(answer.headers.get("access-control-allow-origin")).toBeNull();
  });
});
