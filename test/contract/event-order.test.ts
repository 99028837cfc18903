import { expect, test } from "vitest";
import {
  emptyImage,
  type Frame,
  previewImage,
  savedFiles,
  saveImage,
  startComfy,
  tinyGraph,
  uniquePrefix,
} from "./support.ts";

function outline(frames: Frame[]): string[] {
  return frames.map(({ type, data }) => {
    if (type === "executing" || type === "executed") return `${type} ${data.node}`;
    if (type !== "progress_state") return type;
    const nodes = Object.entries(data.nodes as Record<string, { state: string }>);
    return `progress_state ${nodes.map(([id, { state }]) => `${id}:${state}`).join(" ")}`;
  });
}

test("a run tells its milestones and nodes in a fixed order and ends with an executing of null", async () => {
  const comfy = await startComfy();
  const listener = await comfy.connect();

  const { promptId } = await comfy.run(tinyGraph(), {}, listener);

  expect(outline(listener.of(promptId))).toEqual([
    "execution_start",
    "execution_cached",
    "progress_state 1:running",
    "executing 1",
    "progress_state 1:finished",
    "progress_state 1:finished 2:running",
    "executing 2",
    "executed 2",
    "progress_state 1:finished 2:finished",
    "execution_success",
    "executing null",
  ]);
});

test("a socket hears status first, with its own id, and again as prompts come and go", async () => {
  const comfy = await startComfy();
  const listener = await comfy.connect();

  await comfy.run(tinyGraph(), {}, listener);

  const [first, ...later] = listener.frames.filter(({ type }) => type === "status");
  expect(first?.data.sid).toBe(listener.clientId);
  expect(first?.data.status.exec_info.queue_remaining).toBeTypeOf("number");
  // Put in the queue, taken out of it, done.
  expect(later.length).toBeGreaterThanOrEqual(3);
  for (const { data } of later) expect(data).not.toHaveProperty("sid");
});

test("the history entry is there before the run's last event", async () => {
  const comfy = await startComfy();
  const listener = await comfy.connect();

  const { frames, entry, promptId } = await comfy.run(tinyGraph(), {}, listener);

  expect(frames.at(-1)).toEqual({
    type: "executing",
    data: { node: null, prompt_id: promptId },
  });
  expect(entry.status?.completed).toBe(true);
  const success = frames.findIndex(({ type }) => type === "execution_success");
  const status = frames.slice(success).map(({ type }) => type);
  expect(status).toEqual(["execution_success", "status", "executing"]);
});

test("executing and progress_state describe the node in full", async () => {
  const comfy = await startComfy();
  const listener = await comfy.connect();

  const { frames, promptId } = await comfy.run(tinyGraph(), {}, listener);

  const executing = frames.find(({ type }) => type === "executing");
  expect(executing?.data).toEqual({ node: "1", display_node: "1", prompt_id: promptId });
  const states = frames.filter(({ type }) => type === "progress_state");
  expect(states[0]?.data.nodes["1"]).toEqual({
    value: 0,
    max: 1,
    state: "running",
    node_id: "1",
    prompt_id: promptId,
    display_node_id: "1",
    parent_node_id: null,
    real_node_id: "1",
  });
  expect(states.at(-1)?.data.nodes["2"]).toMatchObject({ value: 1, max: 1, state: "finished" });
});

test("executed carries what the node shows, in the words of the history entry", async () => {
  const comfy = await startComfy();
  const listener = await comfy.connect();
  const prefix = uniquePrefix();

  const { frames, entry, promptId } = await comfy.run(tinyGraph(prefix), {}, listener);

  const executed = frames.filter(({ type }) => type === "executed");
  expect(executed).toHaveLength(1);
  expect(executed[0]?.data).toEqual({
    node: "2",
    display_node: "2",
    output: { images: [{ filename: `${prefix}_00001_.png`, subfolder: "", type: "output" }] },
    prompt_id: promptId,
  });
  expect(entry.outputs["2"]).toEqual(executed[0]?.data.output);
});

test("an output node goes before other nodes that are ready", async () => {
  const comfy = await startComfy();
  const listener = await comfy.connect();
  const graph = {
    "1": emptyImage(),
    "2": { class_type: "ImageInvert", inputs: { image: ["1", 0] as [string, number] } },
    "3": saveImage(["2", 0]),
    "4": previewImage(["1", 0]),
  };

  const { frames } = await comfy.run(graph, {}, listener);

  const order = frames.filter(({ type }) => type === "executing").map(({ data }) => data.node);
  expect(order).toEqual(["1", "4", "2", "3", null]);
});

test("milestones are stamped in milliseconds and kept in the history entry", async () => {
  const comfy = await startComfy();
  const listener = await comfy.connect();
  const before = Date.now() - 60_000;

  const { frames, entry } = await comfy.run(tinyGraph(), {}, listener);

  const milestones = frames.filter(({ type }) => type.startsWith("execution_"));
  expect(entry.status?.messages).toEqual(milestones.map(({ type, data }) => [type, data]));
  for (const { data } of milestones) {
    expect(data.timestamp).toBeGreaterThan(before);
    expect(Number.isInteger(data.timestamp)).toBe(true);
  }
});

test("a node that fails at run time ends the run with execution_error", async () => {
  const comfy = await startComfy();
  const listener = await comfy.connect();
  const graph = {
    "1": emptyImage(),
    "2": saveImage(["1", 0]),
    "3": { class_type: "SaveImage", inputs: { images: "no link", filename_prefix: "never" } },
  };

  const { frames, entry, promptId } = await comfy.run(graph, {}, listener);

  const error = frames.find(({ type }) => type === "execution_error");
  expect(error?.data).toMatchObject({ prompt_id: promptId, node_id: "3", node_type: "SaveImage" });
  expect(error?.data.exception_message).toMatch(/\n$/);
  expect(error?.data.exception_type).toBeTypeOf("string");
  expect(Array.isArray(error?.data.traceback)).toBe(true);
  expect(new Set(error?.data.current_outputs)).toEqual(new Set(["1", "2", "3"]));
  expect(frames.some(({ type }) => type === "execution_success")).toBe(false);
  expect(entry.status).toMatchObject({ status_str: "error", completed: false });
  expect(entry.status?.messages.at(-1)?.[0]).toBe("execution_error");
});

test("an unknown linked input is accepted and fails at run time", async () => {
  const comfy = await startComfy();
  const graph = {
    "1": emptyImage(),
    "2": {
      class_type: "SaveImage",
      inputs: {
        images: ["1", 0] as [string, number],
        filename_prefix: uniquePrefix(),
        bogus: ["1", 0] as [string, number],
      },
    },
  };

  const { entry } = await comfy.run(graph);

  const [type, data] = entry.status?.messages.at(-1) ?? [];
  expect(type).toBe("execution_error");
  expect(data?.["exception_message"]).toContain("got an unexpected keyword argument 'bogus'");
  expect(data?.["exception_type"]).toBe("TypeError");
});

test("what an output node saved before another node failed stays in the history entry", async () => {
  const comfy = await startComfy();
  const graph = {
    "1": emptyImage(),
    "2": saveImage(["1", 0]),
    "3": {
      class_type: "ImageInvert",
      inputs: { image: ["1", 0] as [string, number], bogus: ["1", 0] as [string, number] },
    },
    "4": saveImage(["3", 0]),
  };

  const { entry } = await comfy.run(graph);

  expect(savedFiles(entry)).toHaveLength(1);
  expect(entry.outputs).not.toHaveProperty("4");
  expect(entry.status?.status_str).toBe("error");
});
