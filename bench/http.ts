import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import path from "node:path";
import { createInterface } from "node:readline";
import { getRequestListener } from "@hono/node-server";
import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { StdioClientTransport } from "@modelcontextprotocol/sdk/client/stdio.js";
import { StreamableHTTPClientTransport } from "@modelcontextprotocol/sdk/client/streamableHttp.js";
import { Hono } from "hono";
import { chromium } from "playwright-core";
import { startEmulatorProcess } from "./emulator-process.ts";
import { median, spread, timed } from "./figures.ts";

const cli = path.resolve(import.meta.dirname, "../dist/cli.js");
const chromiumPath = "/usr/bin/chromium";
const tasksOnRecord = 60;
const rounds = 15;
const requestsARound = 300;
const atOnce = 8;

/** What HTTP costs: lists and files against constants, a call against stdio, the page's first paint. */
export async function http(dir: string): Promise<void> {
  const emulator = await startEmulatorProcess();
  const own = ["--comfyui-url", emulator.url, "--data-dir", path.join(dir, "http")];
  const server = spawn(
    process.execPath,
    [cli, "--http", "--port", "0", "--rate-limit", "1000000", ...own],
    {
      stdio: ["ignore", "ignore", "pipe"],
    },
  );
  const [line] = await once(createInterface({ input: server.stderr }), "line");
  const [, url = ""] = /serves (http\S+?)\/ /.exec(String(line)) ?? [];
  try {
    await calls(url, own);
    await requests(url);
    await firstPaint(url);
  } finally {
    const exited = once(server, "exit");
    server.kill();
    await exited;
    await emulator.close();
  }
}

/** The same call by the same client, over HTTP and over stdio, in turn. */
async function calls(url: string, own: string[]): Promise<void> {
  const remote = new Client({ name: "bench", version: "1.0.0" });
  const transport = new StreamableHTTPClientTransport(new URL(`${url}/mcp`));
  // The SDK's types of `sessionId` differ under exactOptionalPropertyTypes.
  await remote.connect(transport as Parameters<Client["connect"]>[0]);
  const local = new Client({ name: "bench", version: "1.0.0" });
  await local.connect(
    new StdioClientTransport({ command: process.execPath, args: [cli, ...own], stderr: "ignore" }),
  );
  const times: { remote: number[]; local: number[] } = { remote: [], local: [] };
  for (let i = 0; i < tasksOnRecord; i += 1) {
    for (const [way, client] of Object.entries({ remote, local })) {
      const ms = await timed(async () => {
        const result = await client.callTool({
          name: "generate_image",
          arguments: {
            prompt: `bench ${way} ${i}`,
            width: 512,
            height: 512,
            workflow: "checkpoint",
            model: "v1-5-pruned-emaonly-fp16.safetensors",
          },
        });
        if (result.isError) throw new Error(JSON.stringify(result.content));
      });
      if (i >= tasksOnRecord / 4) times[way as keyof typeof times].push(ms);
    }
  }
  await remote.close();
  await local.close();
  const [http, stdio] = [median(times.remote), median(times.local)];
  console.log(
    `generate_image 512x512 over HTTP, median of ${times.remote.length}: ${http.toFixed(1)} ms; over stdio ${stdio.toFixed(1)} ms; ` +
      `ratio ${(http / stdio).toFixed(2)} (middle half: ${spread(times.remote)} and ${spread(times.local)})`,
  );
}

/** Requests a second, against the same router and server with the same bytes as constants. */
async function requests(url: string): Promise<void> {
  const list = `${url}/api/v1/tasks?limit=50`;
  const { tasks } = (await (await fetch(list)).json()) as { tasks: { images: { id: string }[] }[] };
  const file = `${url}/files/images/${tasks[0]?.images[0]?.id}`;
  for (const [what, target, cached] of [
    ["/api/v1/tasks, page of 50", list, false],
    ["/files/images/ID", file, false],
    ["/files/images/ID, in the client's cache (304)", file, true],
  ] as const) {
    const answer = await fetch(target);
    const etag = answer.headers.get("etag") ?? "";
    const body = await answer.arrayBuffer();
    const constants = await serveConstants(body, answer.headers.get("content-type") ?? "", cached);
    const headers = cached ? { "If-None-Match": etag } : {};
    const ours: number[] = [];
    const theirs: number[] = [];
    for (let round = 0; round < rounds; round += 1) {
      theirs.push(await perSecond(constants.url, headers));
      ours.push(await perSecond(target, headers));
    }
    constants.close();
    const [a, b] = [median(theirs), median(ours)];
    console.log(
      `${what}: ${b.toFixed(0)} requests/s; constants from the same router ${a.toFixed(0)}; ratio ${(b / a).toFixed(2)}`,
    );
  }
}

async function perSecond(url: string, headers: Record<string, string>): Promise<number> {
  const ms = await timed(async () => {
    await Promise.all(
      Array.from({ length: atOnce }, async () => {
        for (let i = 0; i < requestsARound / atOnce; i += 1) {
          await (await fetch(url, { headers })).arrayBuffer();
        }
      }),
    );
  });
  return (requestsARound * 1_000) / ms;
}

async function serveConstants(body: ArrayBuffer, type: string, cached: boolean) {
  const app = new Hono().get("/", (c) =>
    cached ? c.body(null, 304) : c.body(body, 200, { "Content-Type": type }),
  );
  const server = createServer(getRequestListener(app.fetch, { overrideGlobalObjects: false }));
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  return { url: `http://127.0.0.1:${port}/`, close: () => server.close() };
}

/** A new window each time, so that nothing is in its cache. */
async function firstPaint(url: string): Promise<void> {
  if (!existsSync(chromiumPath)) return console.log(`first paint: there is no ${chromiumPath}`);
  const browser = await chromium.launch({ executablePath: chromiumPath, args: ["--no-sandbox"] });
  const paints: number[] = [];
  const walls: number[] = [];
  for (let i = 0; i < rounds; i += 1) {
    const context = await browser.newContext({ viewport: { width: 1440, height: 900 } });
    const page = await context.newPage();
    await page.goto(url);
    await page.locator(".pic img.shown").first().waitFor();
    walls.push(await page.evaluate("performance.now()"));
    paints.push(
      await page.evaluate("performance.getEntriesByName('first-contentful-paint')[0].startTime"),
    );
    await context.close();
  }
  await browser.close();
  console.log(
    `first paint of the page with ${2 * tasksOnRecord} pictures on record, median of ${rounds}: ${median(paints).toFixed(0)} ms (${spread(paints)}); first picture shown ${median(walls).toFixed(0)} ms (${spread(walls)})`,
  );
}
