import { expect, test } from "vitest";
import type { Client } from "../support/client.ts";
import { connectTo, sessionsOpen, startHttp } from "../support/http.ts";
import { call, startApp, startEmulator, taskIdIn } from "../support/world.ts";

const crowd = 200;

test("200 sessions at once each get their picture, and are gone after their idle time", async () => {
  const world = await startApp((await startEmulator()).url);
  const { url } = await startHttp(world, { sessionIdleSeconds: 15 });
  const clients: Client[] = await Promise.all(
    Array.from({ length: crowd }, (_, i) => connectTo(url, { "X-Api-Key": `client-${i}` })),
  );

  const answers = await Promise.all(
    clients.map((client, i) =>
      call(
        client,
        "generate_image",
        {
          prompt: `picture ${i}`,
          width: 64,
          height: 64,
          wait_seconds: 600,
        },
        { timeout: 170_000 },
      ),
    ),
  );

  expect(await sessionsOpen(url)).toBe(crowd);
  expect(answers.filter(({ text }) => !text.startsWith("Done: task"))).toEqual([]);
  expect(new Set(answers.map(({ text }) => taskIdIn(text))).size).toBe(crowd);
  await Promise.all(clients.map((client) => client.close()));
  await expect.poll(() => sessionsOpen(url)).toBe(0);
  expect(world.log.lines.filter((line) => line.includes(" error "))).toEqual([]);
}, 180_000);
