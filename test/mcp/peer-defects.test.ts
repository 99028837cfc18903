import { mkdir, writeFile } from "node:fs/promises";
import path from "node:path";
import sharp from "sharp";
import { describe, expect, test } from "vitest";
import type { Graph } from "../../src/comfy/protocol.ts";
import {
  call,
  connect,
  imageIdsIn,
  pathsIn,
  startApp,
  startBackend,
  startEmulator,
  taskIdIn,
  tempDir,
} from "../support/world.ts";

/** Defects seen again and again in other ComfyUI servers; each has a test here or where it says. */

const small = { width: 128, height: 128, steps: 2 };

async function studio(options: Parameters<typeof startEmulator>[0] = {}) {
  const emulator = await startEmulator(options);
  const world = await startApp(emulator.url);
  return { emulator, ...world, client: await connect(world.deps) };
}

/** A folder with one workflow of our own. */
async function workflowsDir(graph: Graph, outputs: string[]): Promise<string> {
  const dir = path.join(await tempDir(), "workflows");
  await mkdir(dir, { recursive: true });
  await writeFile(path.join(dir, "own.json"), JSON.stringify(graph));
  await writeFile(
    path.join(dir, "own.binding.json"),
    JSON.stringify({
      tool: "own_tool",
      title: "Own",
      description: "A tool of our own.",
      parameters: { shade: { slots: ["1.color"], type: "integer" } },
      outputs,
    }),
  );
  return dir;
}

const plain: Graph = {
  "1": { class_type: "EmptyImage", inputs: { width: 64, height: 64, batch_size: 1, color: 1 } },
  "2": { class_type: "SaveImage", inputs: { images: ["1", 0], filename_prefix: "own" } },
};

test("events come under the client id that is in the POST", async () => {
  const { client } = await studio({ timing: { stepMs: 30 } });

  const { progress } = await call(client, "generate_image", { prompt: "x", ...small, steps: 12 });

  expect(progress.some((event) => /Sampling \d+\/12/.test(event.message ?? ""))).toBe(true);
});

test("a run that is over before anybody subscribes is not missed", async () => {
  const { client } = await studio();

  const answers = await Promise.all(
    [1, 2, 3, 4, 5].map((n) => call(client, "generate_image", { prompt: `p${n}`, ...small })),
  );

  for (const { text } of answers) expect(text).toMatch(/^Done/);
});

test("a failed run ends the wait as a failure", async () => {
  const { emulator, client } = await studio();
  emulator.faults.raise["VAEDecode"] = { type: "RuntimeError", message: "boom" };

  const answer = await call(client, "generate_image", { prompt: "x", ...small });

  expect(answer.isError).toBe(true);
  expect(answer.text).toMatch(/RuntimeError: boom/);
});

test("the queue's arrays are read as arrays", async () => {
  const { emulator, client } = await studio();
  const hold = emulator.hold("VAEDecode");
  const first = call(client, "generate_image", { prompt: "a", ...small });
  await hold.reached;
  const second = await call(client, "generate_image", { prompt: "b", ...small, wait_seconds: 0 });

  await expect
    .poll(
      async () =>
        (await call(client, "task_status", { task_id: taskIdIn(second.text), wait_seconds: 0 }))
          .text,
    )
    .toMatch(/Queued, 1 ahead/);
  hold.release();
  await first;
});

test("the same call twice brings its picture twice and says when it came from the cache", async () => {
  const { client } = await studio();
  const args = { prompt: "x", seed: 5, ...small };
  const first = await call(client, "generate_image", args);

  const second = await call(client, "generate_image", args);

  expect(first.text).not.toMatch(/cache/);
  expect(second.text).toMatch(/from ComfyUI's cache/);
  expect(pathsIn(second.text)).toHaveLength(1);
  expect(second.content.some((block) => block.type === "image")).toBe(true);
});

test("a picture the cache points to but that is gone is made again", async () => {
  const { emulator, client } = await studio();
  const args = { prompt: "x", seed: 5, ...small };
  await call(client, "generate_image", args);
  for (const name of emulator.outputFiles()) emulator.deleteOutput(name);

  const again = await call(client, "generate_image", args);

  expect(again.text).toMatch(/^Done/);
  expect(pathsIn(again.text)).toHaveLength(1);
});

test("every picture of a batch comes", async () => {
  const emulator = await startEmulator();
  const graph = structuredClone(plain);
  graph["1"]!.inputs["batch_size"] = 3;
  const { deps } = await startApp(emulator.url, { workflowsDir: await workflowsDir(graph, ["2"]) });
  const client = await connect(deps);

  const answer = await call(client, "own_tool", { shade: 255 });

  expect(imageIdsIn(answer.text)).toHaveLength(3);
  expect(new Set(pathsIn(answer.text)).size).toBe(3);
});

test("a preview node's temp files are not mixed with the outputs", async () => {
  const emulator = await startEmulator();
  const graph: Graph = {
    ...structuredClone(plain),
    "3": { class_type: "PreviewImage", inputs: { images: ["1", 0] } },
  };
  const { deps } = await startApp(emulator.url, { workflowsDir: await workflowsDir(graph, ["2"]) });

  const answer = await call(await connect(deps), "own_tool", { shade: 9 });

  expect(imageIdsIn(answer.text)).toHaveLength(1);
});

test("a 4096 x 4096 picture's result stays far below 1 MiB", async () => {
  const emulator = await startEmulator();
  const graph = structuredClone(plain);
  Object.assign(graph["1"]!.inputs, { width: 4096, height: 4096 });
  const { deps } = await startApp(emulator.url, { workflowsDir: await workflowsDir(graph, ["2"]) });

  const answer = await call(await connect(deps), "own_tool", { shade: 77 });

  expect(JSON.stringify(answer.content).length).toBeLessThan(700_000);
  expect(await sharp(String(pathsIn(answer.text)[0])).metadata()).toMatchObject({
    width: 4096,
    height: 4096,
  });
});

test("noise, which hardly compresses, keeps every result below the limit", async () => {
  const { client, dataDir } = await studio();
  const file = path.join(dataDir, "noise.png");
  await sharp({
    create: {
      width: 1600,
      height: 1600,
      channels: 3,
      background: "grey",
      noise: { type: "gaussian", mean: 128, sigma: 60 },
    },
  })
    .png()
    .toFile(file);
  const cut = await call(client, "remove_background", { image: file });
  const larger = await call(client, "get_image", {
    image_id: imageIdsIn(cut.text)[0],
    max_size: 2048,
  });

  for (const { content } of [cut, larger]) {
    expect(JSON.stringify(content).length).toBeLessThan(1_048_576);
    for (const block of content.filter(({ type }) => type === "text")) {
      expect(String(block["text"]).length).toBeLessThan(2_000);
    }
  }
});

test("two waits on one connection each get their own", async () => {
  const { client } = await studio({ timing: { stepMs: 10 } });

  const [red, blue] = await Promise.all([
    call(client, "generate_image", { prompt: "red", seed: 1, ...small, steps: 8 }),
    call(client, "generate_image", { prompt: "blue", seed: 2, ...small, steps: 8 }),
  ]);

  expect(red.text).toMatch(/seed 1\b/);
  expect(blue.text).toMatch(/seed 2\b/);
  for (const { progress } of [red, blue]) expect(progress.at(-1)?.progress).toBe(1);
});

test("a slow task is still running after the budget, not failed or cancelled", async () => {
  const { emulator, client } = await studio();
  const hold = emulator.hold("VAEDecode");

  const answer = await call(client, "generate_image", { prompt: "x", ...small, wait_seconds: 0.2 });

  expect(answer.isError).toBe(false);
  const { structured } = await call(client, "list_tasks");
  expect((structured as { tasks: { state: string }[] }).tasks[0]?.state).toMatch(/queued|running/);
  hold.release();
  expect((await call(client, "task_status", { task_id: taskIdIn(answer.text) })).text).toMatch(
    /^Done/,
  );
});

test("cancelling ours leaves a stranger's running prompt alone", async () => {
  const { emulator, client } = await studio();
  const hold = emulator.hold("EmptyImage");
  const stranger = startBackend(emulator.url);
  const theirs = stranger.run({
    promptId: "00000000-0000-4000-8000-000000000001",
    graph: structuredClone(plain),
    outputs: [],
    signal: new AbortController().signal,
    onStatus: () => {},
  });
  await hold.reached;
  const ours = await call(client, "generate_image", { prompt: "x", ...small, wait_seconds: 0 });

  await call(client, "cancel_task", { task_id: taskIdIn(ours.text) });
  hold.release();

  expect((await theirs).kind).toBe("completed");
  expect(emulator.requests.filter((request) => request.path.endsWith("/interrupt"))).toEqual([]);
});

describe("the tool list", () => {
  test("shows every parameter flat, described, and without unions", async () => {
    const { client } = await studio();
    const { tools } = await client.listTools();

    for (const tool of tools) {
      expect(tool.name).toMatch(/^[a-zA-Z0-9_-]{1,64}$/);
      expect(tool.inputSchema.type).toBe("object");
      expect(JSON.stringify(tool.inputSchema)).not.toMatch(/"(anyOf|oneOf|allOf|\$ref)"/);
      for (const [name, schema] of Object.entries(tool.inputSchema.properties ?? {})) {
        expect(
          (schema as { description?: string }).description,
          `${tool.name}.${name}`,
        ).toBeTruthy();
      }
    }
  });
});

test("listings stay small however much there is", async () => {
  const { client } = await studio();
  const workflows = await call(client, "list_workflows");

  expect(workflows.text.length / 4).toBeLessThan(2_000);
});
