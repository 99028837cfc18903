import { createServer, type RequestListener } from "node:http";
import type { AddressInfo } from "node:net";
import { expect, onTestFinished, test } from "vitest";
import { Refused, Unreachable } from "../../page/src/client.ts";
import { HttpClient } from "../../page/src/http-client.ts";

async function serve(listener: RequestListener): Promise<string> {
  const server = createServer(listener);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  onTestFinished(async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

test("says who it is, sends its key, and gives every submission a key of its own", async () => {
  const seen: Record<string, unknown>[] = [];
  const base = await serve((request, response) => {
    seen.push(request.headers);
    response.end('{"task":{"id":"t1"}}');
  });
  const client = new HttpClient({ base, key: "k" });

  await client.submit({ tool: "generate_image", arguments: {} });
  await client.submit({ tool: "generate_image", arguments: {} });

  expect(seen[0]).toMatchObject({ "x-easel-client": "page", authorization: "Bearer k" });
  expect(seen[0]?.["idempotency-key"]).not.toBe(seen[1]?.["idempotency-key"]);
});

test("a refusal carries the server's words and how long to wait", async () => {
  const base = await serve((_, response) => {
    response.writeHead(429, { "Retry-After": "12" });
    response.end('{"error":{"code":"too_many_requests","message":"Slower."}}');
  });

  const refusal = await new HttpClient({ base }).me().catch((error: unknown) => error);

  expect(refusal).toBeInstanceOf(Refused);
  expect(refusal).toMatchObject({ status: 429, message: "Slower.", retryAfter: 12 });
});

test("an answer that is not ours and a server that is not there are told apart", async () => {
  const base = await serve((_, response) => {
    response.writeHead(502);
    response.end("<html>Bad gateway</html>");
  });

  await expect(new HttpClient({ base }).me()).rejects.toThrow("The server answered 502.");
  await expect(new HttpClient({ base: "http://127.0.0.1:1" }).me()).rejects.toThrow(Unreachable);
});

test("the stream goes on after the last event it had", async () => {
  const asked: unknown[] = [];
  const base = await serve((request, response) => {
    asked.push(request.headers["last-event-id"]);
    response.end('id: 41\nevent: deleted\ndata: {"task_ids":["t1"]}\n\n');
  });
  const client = new HttpClient({ base });
  const read = async () => {
    const events: unknown[] = [];
    for await (const event of client.events(new AbortController().signal)) events.push(event);
    return events;
  };

  const events = await read();
  await read();

  expect(events).toEqual([{ event: "open" }, { event: "deleted", task_ids: ["t1"] }]);
  expect(asked).toEqual([undefined, "41"]);
});

test("without a key a picture is an address, with a key it is fetched", async () => {
  const base = await serve((request, response) => {
    response.end(request.headers.authorization);
  });

  expect(new HttpClient({ base }).picture("t1-1", { width: 480 })).toBe(
    `${base}/files/images/t1-1?format=webp&width=480`,
  );
  const held = await new HttpClient({ base, key: "k" }).picture("t1-1");
  expect(await (await fetch(held)).text()).toBe("Bearer k");
});
