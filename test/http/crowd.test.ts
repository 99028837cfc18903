import { writeFile } from "node:fs/promises";
import path from "node:path";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { StreamableHTTPClientTransport } from "@modelcontextprotocol/sdk/client/streamableHttp.js";
import { expect, test } from "vitest";
import type { Caller } from "../../src/studio/caller.ts";
import { node, sampler, textToImage } from "../fixtures/exports/kinds.ts";
import { assembled } from "../support/http.ts";
import { startApp, startEmulator, tempDir } from "../support/world.ts";

const crowd = 200;

setFlagsFromString("--expose-gc");
const collectGarbage: () => void = runInNewContext("gc");

/** A workflow whose pictures cost next to nothing: what is looked at here is the sessions. */
async function tinyWorkflow(): Promise<string> {
  const dir = await tempDir();
  const graph = textToImage({
    lat: node("EmptyLatentImage", { width: 64, height: 64, batch_size: 1 }),
    ks: sampler({ steps: 1 }),
  });
  await writeFile(path.join(dir, "tiny.json"), JSON.stringify(graph));
  return dir;
}

test("200 sessions at once each get their picture, and nothing of them stays after their idle time", async () => {
  const emulator = await startEmulator();
  const world = await startApp(emulator.url, { workflowsDir: await tinyWorkflow() });
  const seen: WeakRef<object>[] = [];
  const handle = await assembled(world, { sessionIdleSeconds: 2 }, (caller: Caller) => {
    // Every caller has its own, and all that is made for a request or a session holds on to it.
    if (caller.name === "local") seen.push(new WeakRef(caller.folders));
    return world.app.studio(caller);
  });
  const sessionsOpen = async () => {
    const text = await (await handle(new Request("http://localhost/metrics"))).text();
    return Number(/^comfy_easel_mcp_sessions (\d+)$/m.exec(text)?.[1]);
  };
  // Node tells a request that was collected as garbage nothing of its client's end.
  const requests: Request[] = [];
  const connect = async () => {
    const client = new Client({ name: "one-of-many", version: "1.0.0" });
    const transport = new StreamableHTTPClientTransport(new URL("http://localhost/mcp"), {
      fetch: (url, init) => {
        const request = new Request(url, init);
        requests.push(request);
        return handle(request);
      },
    });
    // The SDK's types of `sessionId` differ under exactOptionalPropertyTypes.
    await client.connect(transport as Parameters<Client["connect"]>[0]);
    return client;
  };

  const clients: Client[] = [];
  for (let i = 0; i < crowd; i += 1) clients.push(await connect());
  const answers = await Promise.all(
    clients.map((client, i) =>
      client.callTool(
        {
          name: "generate_image",
          arguments: { prompt: `picture ${i}`, workflow: "tiny", wait_seconds: 600 },
        },
        undefined,
        { timeout: 170_000 },
      ),
    ),
  );
  const texts = answers.map(({ content }) => (content as { text: string }[])[0]?.text ?? "");

  expect(await sessionsOpen()).toBe(crowd);
  expect(texts.filter((text) => !text.startsWith("Done: task"))).toEqual([]);
  expect(new Set(texts.map((text) => /task (t\w{16})/.exec(text)?.[1])).size).toBe(crowd);
  for (const client of clients.splice(0)) await client.close();
  await expect.poll(sessionsOpen).toBe(0);
  requests.length = 0;
  expect(seen.length).toBeGreaterThan(2 * crowd);
  await expect
    .poll(() => {
      collectGarbage();
      return seen.filter((ref) => ref.deref() !== undefined).length;
    })
    .toBe(0);
  expect(world.log.lines.filter((line) => line.includes(" error "))).toEqual([]);
}, 180_000);
