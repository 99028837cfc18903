import { createHmac } from "node:crypto";
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import path from "node:path";
import { describe, expect, onTestFinished, test } from "vitest";
import { refuseAddress } from "../../src/net/address.ts";
import { openSqlite } from "../../src/tasks/store/sqlite.ts";
import { MemoryOutbox } from "../../src/webhooks/outbox.ts";
import { WebhookSender } from "../../src/webhooks/sender.ts";
import { checkWebhook } from "../../src/webhooks/webhook.ts";
import { privateHosts } from "../support/private-hosts.ts";
import {
  call,
  connect,
  quietLog,
  startApp,
  startEmulator,
  taskIdIn,
  tempDir,
} from "../support/world.ts";

interface Delivery {
  headers: Record<string, string | string[] | undefined>;
  body: string;
  type: string;
}

/** A receiver that answers by the list, then 200. */
async function receiver(answers: number[] = []) {
  const deliveries: Delivery[] = [];
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk);
    const body = Buffer.concat(chunks).toString();
    deliveries.push({ headers: request.headers, body, type: JSON.parse(body).type });
    response.writeHead(answers.shift() ?? 200, { location: "http://127.0.0.1/elsewhere" }).end();
  });
  await once(server.listen(0, "127.0.0.1"), "listening");
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return { deliveries, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/hook` };
}

function startSender(
  outbox = new MemoryOutbox(),
  rule = (_: string): string | undefined => undefined,
) {
  const log = quietLog();
  const sender = new WebhookSender({ outbox, rule, log, retryAfterMs: [0, 0, 0] });
  sender.start();
  onTestFinished(() => sender.close());
  return { sender, log };
}

test("a message is signed as Standard Webhooks specify", async () => {
  const { deliveries, url } = await receiver();
  const key = Buffer.from("a key of some length");
  const webhook = { url, headers: { "x-job": "7" }, secret: `whsec_${key.toString("base64")}` };

  {
    const { sender } = startSender();
    await sender.keep("t1", webhook, "task.completed", { task_id: "t1" });
    sender.deliver();
  }
  await expect.poll(() => deliveries.length).toBe(1);

  const [{ headers, body }] = deliveries as [Delivery];
  const signed = `${headers["webhook-id"]}.${headers["webhook-timestamp"]}.${body}`;
  const signature = createHmac("sha256", key).update(signed).digest("base64");
  expect(headers["webhook-signature"]).toBe(`v1,${signature}`);
  expect(headers["x-job"]).toBe("7");
  expect(JSON.parse(body)).toMatchObject({ type: "task.completed", data: { task_id: "t1" } });
});

test("a refused message is sent again under the same id until it is taken", async () => {
  const { deliveries, url } = await receiver([500, 302]);

  {
    const { sender } = startSender();
    await sender.keep("t1", { url }, "task.completed", {});
    sender.deliver();
  }

  await expect.poll(() => deliveries.length, { timeout: 10_000 }).toBe(3);
  expect(new Set(deliveries.map(({ headers }) => headers["webhook-id"])).size).toBe(1);
});

test("a receiver that answers 410 gets no more of it, and one that never takes it is given up", async () => {
  const gone = await receiver([410, 410]);
  const never = await receiver([500, 500, 500, 500, 500, 500]);
  const { sender, log } = startSender();

  await sender.keep("t1", { url: gone.url }, "task.completed", {});
  sender.deliver();
  await sender.keep("t2", { url: never.url }, "task.completed", {});
  sender.deliver();

  await expect
    .poll(() => log.lines.filter((line) => line.includes("given up")).length, { timeout: 10_000 })
    .toBe(2);
  expect(gone.deliveries).toHaveLength(1);
  expect(never.deliveries).toHaveLength(4);
});

test("what a process could not deliver the next one delivers", async () => {
  const { deliveries, url } = await receiver();
  const outbox = new MemoryOutbox();
  const first = startSender(outbox, () => "unreachable for a test");
  await first.sender.keep("t1", { url }, "task.completed", {});
  first.sender.deliver();
  await expect.poll(() => first.log.lines.join()).toMatch(/again in/);
  await first.sender.close();

  startSender(outbox);

  await expect.poll(() => deliveries.length, { timeout: 10_000 }).toBe(1);
});

describe("what can never be delivered is refused at once", () => {
  test.for<[Parameters<typeof checkWebhook>[0], RegExp]>([
    [{ url: "ftp://example.com" }, /^webhook_url: expected an http or https address/],
    [{ url: "nonsense" }, /^webhook_url: expected/],
    [{ url: "https://user:pw@example.com" }, /^webhook_url: expected/],
    [
      { url: "http://127.0.0.1/x" },
      /^webhook_url: 127\.0\.0\.1 is a loopback address.*--allow-private-urls/,
    ],
    [{ url: "http://localhost/x" }, /^webhook_url: localhost is a loopback/],
    [{ url: "http://[::ffff:10.0.0.1]/" }, /^webhook_url: /],
    [{ url: "http://169.254.169.254/" }, /link-local/],
    [{ url: "https://example.com", headers: { Host: "x" } }, /^webhook_headers: .*"Host"/],
    [{ url: "https://example.com", headers: { "x-a": "b\r\nc: d" } }, /^webhook_headers: /],
    [{ url: "https://example.com", headers: { "webhook-id": "1" } }, /^webhook_headers: /],
  ])("%j", ([webhook, says]) => {
    expect(() => checkWebhook(webhook, refuseAddress)).toThrow(says);
  });
});

test.for(privateHosts)(
  "a webhook at http://%s is refused before it is kept, or else reaches nobody",
  async (host) => {
    const { deliveries, url } = await receiver();
    const webhook = { url: `http://${host}:${new URL(url).port}/` };
    const isRefused = ((): boolean => {
      try {
        checkWebhook(webhook, refuseAddress);
        return false;
      } catch {
        return true;
      }
    })();
    if (!isRefused) {
      const { sender, log } = startSender(new MemoryOutbox(), refuseAddress);
      await sender.keep("t1", webhook, "task.completed", {});
      sender.deliver();
      await expect.poll(() => log.lines.join()).toMatch(/again in|given up/);
    }

    expect(deliveries).toEqual([]);
  },
);

test("an MCP client gives the address as an argument and the secret beside it", async () => {
  const { deliveries, url } = await receiver();
  const emulator = await startEmulator();
  const { deps } = await startApp(emulator.url, { allowPrivateUrls: true });
  const client = await connect(deps);

  const result = await client.callTool({
    name: "generate_image",
    arguments: { prompt: "x", width: 128, height: 128, webhook_url: url },
    _meta: { "comfy-easel/webhook": { secret: "s3cret", headers: { "x-job": "1" } } },
  });

  await expect.poll(() => deliveries.at(-1)?.type).toBe("task.completed");
  expect(deliveries.at(-1)?.headers).toMatchObject({
    "x-job": "1",
    "webhook-signature": expect.stringMatching(/^v1,/),
  });
  const text = JSON.stringify(result.content);
  const id = taskIdIn(text);
  const { contents } = await client.readResource({ uri: `comfy://tasks/${id}` });
  expect(text + JSON.stringify(contents)).not.toMatch(/s3cret|x-job|\/hook/);
});

test("a message for a private address waits for the server that may call it", async () => {
  const { deliveries, url } = await receiver();
  const store = await openSqlite(path.join(await tempDir(), "tasks.sqlite"));
  onTestFinished(() => store.close());
  const { outbox } = store;
  const sender = (allowPrivate: boolean) => {
    const made = new WebhookSender({
      outbox,
      rule: allowPrivate ? () => undefined : refuseAddress,
      allowPrivate,
      log: quietLog(),
      everyMs: 10,
    });
    onTestFinished(() => made.close());
    return made;
  };
  const allowed = sender(true);
  await outbox.add({
    id: "msg_1",
    taskId: "t1",
    webhook: { url },
    body: "{}",
    attempts: 0,
    private: true,
  });

  expect(await outbox.take(60_000, 20, false)).toEqual([]);
  sender(false).start();
  allowed.start();

  await expect.poll(() => deliveries.length).toBe(1);
});

test("a private address is refused unless the operator allows it", async () => {
  const emulator = await startEmulator();
  const { deps } = await startApp(emulator.url);
  const client = await connect(deps);

  const answer = await call(client, "generate_image", {
    prompt: "x",
    webhook_url: "http://127.0.0.1:1/hook",
  });

  expect(answer.isError).toBe(true);
  expect(answer.text).toMatch(/^webhook_url: 127\.0\.0\.1 is a loopback address/);
});

test("a task tells its start, its progress and its end", async () => {
  const { deliveries, url } = await receiver();
  const emulator = await startEmulator({ timing: { stepMs: 30 } });
  const { studio } = (await startApp(emulator.url, { allowPrivateUrls: true })).deps;

  const task = await studio.submit(
    "generate_image",
    { parameters: { prompt: "x", width: 128, height: 128 }, count: 2, seed: 3 },
    { webhook: { url, secret: "s" } },
  );

  await expect.poll(() => deliveries.at(-1)?.type, { timeout: 10_000 }).toBe("task.completed");
  const types = deliveries.map(({ type }) => type);
  expect(types.filter((type) => type === "task.started")).toHaveLength(1);
  expect(types).toContain("task.progress");
  const { data } = JSON.parse(String(deliveries.at(-1)?.body));
  expect(data).toMatchObject({ task_id: task.id, state: "completed" });
  expect(data.images.map((image: { seed: number }) => image.seed)).toEqual([3, 4]);
});
