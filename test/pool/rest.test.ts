import { expect, test } from "vitest";
import { errorIn, startRest, type TaskBody } from "../http/rest-support.ts";
import { startEmulator } from "../support/world.ts";
import { model, sent } from "./support.ts";

async function startTwo(mostWaiting = 100) {
  const emulators = await Promise.all(
    [1, 2].map(() => startEmulator({ models: { checkpoints: [model] } })),
  );
  const urls = emulators.map(({ url }) => url);
  const rest = await startRest(urls, { world: { handOver: "few", mostWaiting } });
  const post = (path: string, as = "admin") => rest.request(path, { method: "POST" }, as);
  const picture = (more: object = {}) =>
    rest.post("/api/v1/tasks", {
      tool: "generate_image",
      arguments: { prompt: "p", width: 128, height: 128, count: 2 },
      ...more,
    });
  return { emulators, urls, rest, post, picture };
}

interface Backends {
  backends: { name: string; state: string; drained: boolean; loaded: string | null }[];
}

test("a drained ComfyUI is given nothing, and takes part again afterwards", async () => {
  const { emulators, urls, rest, post, picture } = await startTwo();
  const [first = ""] = urls;
  const path = `/api/v1/backends/${encodeURIComponent(first)}`;

  const drained = await post(`${path}/drain`);
  expect(drained.status).toBe(200);
  expect(await drained.json()).toMatchObject({
    backend: { name: first, state: "draining", drained: true },
  });
  const { task } = (await (await picture()).json()) as { task: TaskBody };
  await (await rest.get(`/api/v1/tasks/${task.id}/events`)).text();
  expect(sent(emulators)).toEqual([0, 2]);
  const { backends } = (await (await rest.get("/api/v1/backends")).json()) as Backends;
  expect(backends).toMatchObject([
    { drained: true, loaded: null },
    { drained: false, loaded: model, given: 0, step_ms: { checkpoint: expect.any(Number) } },
  ]);

  expect(await (await post(`${path}/undrain`)).json()).toMatchObject({
    backend: { state: "ready", drained: false },
  });
});

test("with all drained everything waits, and goes on when one is back", async () => {
  const { emulators, urls, rest, post, picture } = await startTwo();
  for (const url of urls) await post(`/api/v1/backends/${encodeURIComponent(url)}/drain`);
  const { task } = (await (await picture()).json()) as { task: TaskBody };

  await expect
    .poll(async () => {
      const answer = await rest.get(`/api/v1/tasks/${task.id}`);
      return JSON.stringify(await answer.json());
    })
    .toContain("Waiting for ComfyUI");
  expect(sent(emulators)).toEqual([0, 0]);
  await post(`/api/v1/backends/${encodeURIComponent(urls[1] ?? "")}/undrain`);
  await (await rest.get(`/api/v1/tasks/${task.id}/events`)).text();

  expect(sent(emulators)).toEqual([0, 2]);
});

test("draining takes the scope admin, and a name that is in use", async () => {
  const { urls, post } = await startTwo();
  const path = `/api/v1/backends/${encodeURIComponent(urls[0] ?? "")}/drain`;

  expect((await post(path, "anna")).status).toBe(403);
  const unknown = await post("/api/v1/backends/nonesuch/drain");
  expect(unknown.status).toBe(404);
  expect((await errorIn(unknown)).message).toMatch(/no ComfyUI "nonesuch"/);
});

test("a full backlog answers 429 with words and a time", async () => {
  const { picture } = await startTwo(1);

  const answer = await picture();

  expect(answer.status).toBe(429);
  expect(answer.headers.get("retry-after")).toBe("10");
  expect((await errorIn(answer)).message).toMatch(/at most 1 may \(--most-waiting\)/);
});

test("a priority is kept with the task", async () => {
  const { picture } = await startTwo();

  expect(await (await picture({ priority: -3 })).json()).toMatchObject({ task: { priority: -3 } });
  expect((await picture({ priority: 3.5 })).status).toBe(400);
  expect((await picture({ priority: 1_000 })).status).toBe(400);
});
