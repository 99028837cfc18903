import { randomUUID } from "node:crypto";
import { expect, test } from "vitest";
import {
  emptyImage,
  savedFiles,
  saveImage,
  startComfy,
  tinyGraph,
  types,
  uniquePrefix,
} from "./support.ts";
import { isSince } from "./versions.ts";

/** Only the most recent prompt's results are kept, so these run one after another in one test each. */

test("the same graph again comes from the cache, with the old file and no node executed", async () => {
  const comfy = await startComfy();
  const listener = await comfy.connect();
  const graph = tinyGraph();
  const first = await comfy.run(graph, {}, listener);

  const again = await comfy.run(graph, {}, listener);

  const cached = again.frames.find(({ type }) => type === "execution_cached");
  expect(cached?.data.nodes).toEqual(["1", "2"]);
  expect(again.entry.outputs).toEqual(first.entry.outputs);
  expect(again.frames.filter(({ type }) => type === "executing")).toHaveLength(1);
  const executed = again.frames.filter(({ type }) => type === "executed");
  expect(executed.map(({ data }) => data.output)).toEqual([first.entry.outputs["2"]]);
  expect(types(again.frames).filter((type) => type === "progress_state")).toHaveLength(1);
});

test("node ids, titles and the client do not matter to the cache", async () => {
  const comfy = await startComfy();
  const prefix = uniquePrefix();
  const image = emptyImage();
  const first = await comfy.run({ "1": image, "2": saveImage(["1", 0], prefix) });

  const renamed = {
    a: { ...image, _meta: { title: "other" } },
    b: saveImage(["a", 0], prefix),
  };
  const again = await comfy.run(renamed, { extra_data: { extra_pnginfo: { x: 1 } } });

  expect(again.entry.status?.messages[1]?.[1]["nodes"]).toEqual(["a", "b"]);
  expect(savedFiles(again.entry, "b")).toEqual(savedFiles(first.entry));
  expect(again.entry.meta?.["b"]).toMatchObject({ node_id: "2" });
});

test("another prompt in between makes the first one run again", async () => {
  const comfy = await startComfy();
  const [graph, other] = [tinyGraph(), tinyGraph()];
  const first = await comfy.run(graph);
  await comfy.run(other);

  const again = await comfy.run(graph);

  expect(again.entry.status?.messages[1]?.[1]["nodes"]).toEqual([]);
  expect(savedFiles(again.entry)[0]?.filename).not.toBe(savedFiles(first.entry)[0]?.filename);
});

test("what is shared with the prompt before is cached, the rest runs", async () => {
  const comfy = await startComfy();
  const graph = tinyGraph();
  await comfy.run(graph);

  const { entry } = await comfy.run({ ...graph, "2": saveImage(["1", 0]) });

  expect(entry.status?.messages[1]?.[1]["nodes"]).toEqual(["1"]);
  expect(savedFiles(entry)).toHaveLength(1);
});

test("two equal output nodes of one prompt share one file", async () => {
  const comfy = await startComfy();
  const prefix = uniquePrefix();

  const { entry } = await comfy.run({
    "1": emptyImage(),
    "2": saveImage(["1", 0], prefix),
    "3": saveImage(["1", 0], prefix),
  });

  expect(savedFiles(entry, "3")).toEqual(savedFiles(entry, "2"));
  expect(savedFiles(entry)[0]?.filename).toBe(`${prefix}_00001_.png`);
});

test("a node that is always new is never cached", async () => {
  const comfy = await startComfy();
  const graph = {
    "1": emptyImage(),
    "2": { class_type: "SaveImageWebsocket", inputs: { images: ["1", 0] as [string, number] } },
  };
  await comfy.run(graph);

  const { entry, frames } = await comfy.run(graph);

  expect(entry.status?.messages[1]?.[1]["nodes"]).toEqual(["1"]);
  expect(types(frames)).toContain("progress");
});

test("freeing memory drops the cache", async () => {
  const comfy = await startComfy();
  const graph = tinyGraph();
  await comfy.run(graph);
  await comfy.post("/free", { free_memory: true, unload_models: true });

  // The flag is taken between prompts, so one may still slip in before it.
  await comfy.run(tinyGraph());
  const { entry } = await comfy.run(graph);

  expect(entry.status?.messages[1]?.[1]["nodes"]).toEqual([]);
});

test("clearing history does not clear the cache", async () => {
  const comfy = await startComfy();
  const graph = tinyGraph();
  const first = await comfy.run(graph);
  await comfy.post("/history", { delete: [first.promptId] });

  const again = await comfy.run(graph);

  expect(await comfy.json(`/history/${first.promptId}`)).toEqual({});
  expect(again.entry.status?.messages[1]?.[1]["nodes"]).toEqual(["1", "2"]);
});

test("what comes from the cache for a prompt without a client is in its history, except from 0.3.68 until 0.28.0", async () => {
  const comfy = await startComfy();
  const listener = await comfy.connect();
  const graph = tinyGraph();
  const first = await comfy.run(graph, {}, listener);
  const prompt_id = randomUUID();

  await comfy.submit(graph, { prompt_id });
  await listener.untilTrue(async () => (await comfy.history(prompt_id)) !== undefined);

  const { outputs, status } = await comfy.history(prompt_id);
  const forgotten = isSince("0.3.68") && !isSince("0.28.0");
  expect(status?.status_str).toBe("success");
  expect(outputs).toEqual(forgotten ? {} : first.entry.outputs);
});
