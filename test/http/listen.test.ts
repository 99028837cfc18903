import { once } from "node:events";
import { connect } from "node:net";
import { upgradeWebSocket } from "@hono/node-server";
import { Hono } from "hono";
import { expect, onTestFinished, test } from "vitest";
import { WebSocket } from "ws";
import type { HttpEnv } from "../../src/faces/http/env.ts";
import { type Listening, listen, listenOnAll } from "../../src/faces/http/listen.ts";

const anywhere = { host: "127.0.0.1", port: 0, given: "--port" };

async function serve(): Promise<Listening> {
  const app = new Hono<HttpEnv>();
  app.get(
    "/ws",
    (c, next) => (c.req.query("key") === "right" ? next() : Promise.resolve(c.text("no", 401))),
    upgradeWebSocket(() => ({
      onMessage: ({ data }, socket) => socket.send(`heard ${data}`),
    })),
  );
  app.post("/echo", async (c) => c.text(`${c.req.header("x-mine")}: ${await c.req.text()}`));
  const listening = await listen(app, anywhere);
  onTestFinished(() => listening.close());
  return listening;
}

test("a WebSocket comes through the app, and so does its refusal", async () => {
  const { url } = await serve();
  const socket = new WebSocket(`${url}/ws?key=right`);
  await once(socket, "open");
  socket.send("hello");
  const [heard] = await once(socket, "message");
  const refused = new WebSocket(`${url}/ws`);
  const [{ message }] = await once(refused, "error");

  expect(String(heard)).toBe("heard hello");
  expect(message).toContain("401");
});

test("closing ends the WebSockets", async () => {
  const { url, close } = await serve();
  const socket = new WebSocket(`${url}/ws?key=right`);
  await once(socket, "open");
  const closed = once(socket, "close");

  await close();

  expect((await closed)[0]).toBe(1001);
});

test("an offer of HTTP/2 is declined, and its request answered with its body", async () => {
  const { port } = await serve();
  const socket = connect(port, "127.0.0.1");
  const body = "x".repeat(200_000);
  socket.write(
    `POST /echo HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAEA\r\nX-Mine: kept\r\nContent-Length: ${body.length}\r\n\r\n`,
  );
  socket.write(body);
  let answer = "";
  for await (const chunk of socket) {
    answer += chunk;
    if (answer.endsWith(body)) break;
  }

  expect(answer).toMatch(/^HTTP\/1.1 200 OK/);
  expect(answer).toContain(`kept: ${body}`);
});

test("of several ports all are open or none", async () => {
  const app = new Hono<HttpEnv>();
  const [first, second] = await listenOnAll([
    { app, ...anywhere },
    { app, ...anywhere },
  ]);
  onTestFinished(async () => void (await Promise.all([first.close(), second.close()])));
  expect(first.port).not.toBe(second.port);

  const taken = { app, ...anywhere, port: second.port, given: "--other-port" };
  await first.close();
  const again = { app, ...anywhere, port: first.port };
  await expect(listenOnAll([again, taken])).rejects.toThrow(/^--other-port: 127.0.0.1:\d+ cannot/);

  const [reopened] = await listenOnAll([again]);
  expect(reopened.port).toBe(first.port);
  await reopened.close();
});
