import { expect, test } from "vitest";
import { imagesOf, type Task } from "../../src/tasks/task.ts";
import { tinyGraph } from "../contract/support.ts";
import { connectTo } from "../support/http.ts";
import { call, connect } from "../support/world.ts";
import { served } from "./served.ts";

const easel = served({ ownPorts: { a1111Port: 0 } });

const size = { width: 64, height: 64 };
const ours = { ...size, workflow: "checkpoint" };

async function send(path: string, body: unknown, base = easel.server.url): Promise<void> {
  const headers = { "content-type": "application/json" };
  const init = { method: "POST", headers, body: JSON.stringify(body) };
  const answer = await fetch(`${base}${path}`, init);
  if (!answer.ok) throw new Error(`${path}: ${await answer.text()}`);
}

async function throughVisionatrix(): Promise<void> {
  const body = new FormData();
  for (const [name, value] of Object.entries({ prompt: "a fifth boat", ...size })) {
    body.set(name, String(value));
  }
  const init = { method: "PUT", body };
  const answer = await fetch(`${easel.server.url}/vapi/tasks/create/checkpoint`, init);
  if (!answer.ok) throw new Error(await answer.text());
}

/** Each asks for one picture, in its own words. */
const doors: Record<string, () => Promise<unknown>> = {
  stdio: async () => {
    const way = { transport: "stdio", revision: "2025-11-25" } as const;
    const client = await connect(easel.world.deps, { way });
    return call(client, "generate_image", { prompt: "a boat", ...ours });
  },
  "/mcp": async () => {
    const client = await connectTo(easel.server.url);
    return call(client, "generate_image", { prompt: "a second boat", ...ours });
  },
  "/api/v1": () =>
    send("/api/v1/tasks", {
      tool: "generate_image",
      arguments: { prompt: "a third boat", ...ours },
    }),
  FooocusAPI: () =>
    send("/v1/engine/generate/", {
      prompt: "a fourth boat",
      aspect_ratios_selection: "64*64",
      image_number: 1,
      async_process: true,
    }),
  Visionatrix: throughVisionatrix,
  ComfyUI: () => send("/comfyui/prompt", { prompt: tinyGraph() }),
  "OpenAI images": () =>
    send("/openai/v1/images/generations", {
      prompt: "a seventh boat",
      size: "64x64",
      model: "checkpoint",
    }),
  A1111: () =>
    send("/sdapi/v1/txt2img", { prompt: "an eighth boat", ...size }, easel.server.own.a1111Port),
  "Comfy API v2": () => send("/api/v2/jobs", { workflow: tinyGraph() }),
};

test("a picture made through each of the nine doors is in the one gallery, and is made again from its record", async () => {
  const made: Task[] = [];
  for (const knock of Object.values(doors)) {
    await knock();
    made.push(await easel.newest());
  }
  const { studio } = easel.world.deps;
  const ended = await Promise.all(made.map(({ id }) => studio.wait(id, 50_000)));
  const listed = await fetch(`${easel.server.url}/api/v1/tasks`);
  const gallery = (await listed.json()) as { tasks: { id: string; images: { url: string }[] }[] };
  const shown = await Promise.all(
    gallery.tasks.map(async ({ images }) => (await fetch(images[0]?.url ?? "")).status),
  );
  const copies = await Promise.all(ended.map(({ id }) => studio.again(id)));
  const again = await Promise.all(copies.map(({ id }) => studio.wait(id, 50_000)));

  const hashes = (tasks: Task[]) => tasks.map((task) => imagesOf(task).map(({ sha256 }) => sha256));
  expect(ended.map(({ via }) => via)).toEqual([
    ...["mcp", "mcp", "rest", "fooocus", "visionatrix"],
    ...["comfyui", "openai", "a1111", "comfyv2"],
  ]);
  expect(ended.map(({ state }) => state)).toEqual(Object.keys(doors).map(() => "completed"));
  expect(gallery.tasks.map(({ id }) => id)).toEqual(made.map(({ id }) => id).reverse());
  expect(shown).toEqual(Object.keys(doors).map(() => 200));
  expect(new Set(hashes(ended).flat()).size).toBe(Object.keys(doors).length);
  expect(hashes(again)).toEqual(hashes(ended));
});
