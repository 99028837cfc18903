import { expect, test } from "vitest";
import { binaryEvent, type Graph } from "../../src/comfy/protocol.ts";
import { emptyImage, type Frame, startComfy, types } from "./support.ts";

const png = "89504e470d0a1a0a";

function socketGraph(): Graph {
  return {
    "1": emptyImage({ width: 32, height: 16, batch_size: 2 }),
    "2": { class_type: "SaveImageWebsocket", inputs: { images: ["1", 0] } },
  };
}

function binary(frames: Frame[]): Buffer[] {
  return frames.flatMap(({ bytes }) => (bytes ? [bytes] : []));
}

test("pictures come as frames of type 1 to a client that negotiated nothing", async () => {
  const comfy = await startComfy();
  const listener = await comfy.connect();

  const { frames } = await comfy.run(socketGraph(), {}, listener);

  const pictures = binary(frames);
  expect(pictures).toHaveLength(2);
  for (const bytes of pictures) {
    expect(bytes.readUInt32BE(0)).toBe(binaryEvent.previewImage);
    expect(bytes.readUInt32BE(4)).toBe(2);
    expect(bytes.subarray(8, 16).toString("hex")).toBe(png);
  }
});

test("pictures come as frames of type 4, with their node, once that was negotiated", async () => {
  const comfy = await startComfy();
  const listener = await comfy.connect(undefined, { supports_preview_metadata: true });

  const { frames, promptId } = await comfy.run(socketGraph(), {}, listener);

  const [bytes] = binary(frames);
  expect(bytes?.readUInt32BE(0)).toBe(binaryEvent.previewImageWithMetadata);
  const length = bytes?.readUInt32BE(4) ?? 0;
  expect(JSON.parse(bytes?.subarray(8, 8 + length).toString("utf8") ?? "")).toEqual({
    node_id: "2",
    prompt_id: promptId,
    display_node_id: "2",
    parent_node_id: null,
    real_node_id: "2",
    image_type: "image/png",
  });
  expect(bytes?.subarray(8 + length, 16 + length).toString("hex")).toBe(png);
  expect(binary(frames)).toHaveLength(2);
});

test("progress comes before a picture of type 1 and after one of type 4", async () => {
  const comfy = await startComfy();
  const order = (frames: Frame[]) =>
    types(frames).filter((type) => type === "progress" || type === "binary");

  const legacy = await comfy.run(socketGraph(), {}, await comfy.connect());
  const flags = { supports_preview_metadata: true };
  const negotiated = await comfy.run(socketGraph(), {}, await comfy.connect(undefined, flags));

  expect(order(legacy.frames)).toEqual(["progress", "binary", "progress", "binary"]);
  expect(order(negotiated.frames)).toEqual(["binary", "progress", "binary", "progress"]);
});

test("the pictures of a socket node are not in the history, and its bar counts from 0", async () => {
  const comfy = await startComfy();

  const { frames, entry, promptId } = await comfy.run(socketGraph());

  expect(entry.outputs).toEqual({});
  expect(entry.status?.status_str).toBe("success");
  const progress = frames.filter(({ type }) => type === "progress").map(({ data }) => data);
  expect(progress).toEqual([
    { value: 0, max: 2, prompt_id: promptId, node: "2" },
    { value: 1, max: 2, prompt_id: promptId, node: "2" },
  ]);
  expect(types(frames)).not.toContain("executed");
});

test("the reply to feature_flags is what /features says", async () => {
  const comfy = await startComfy();
  const listener = await comfy.connect(undefined, {});

  const reply = listener.frames.find(({ type }) => type === "feature_flags");

  expect(reply?.data).toEqual(await comfy.json("/features"));
  expect(reply?.data.supports_preview_metadata).toBe(true);
  expect(reply?.data.max_upload_size).toBeGreaterThan(0);
});

test("flags count only in the first message; text that is no JSON is no message", async () => {
  const comfy = await startComfy();
  const flags = { type: "feature_flags", data: { supports_preview_metadata: true } };
  const late = await comfy.connect();
  late.send({ type: "hello" });
  late.send(flags);
  const rubbishFirst = await comfy.connect();
  rubbishFirst.send("no json");
  rubbishFirst.send(flags);
  await rubbishFirst.until(({ type }) => type === "feature_flags");

  const { frames } = await comfy.run(socketGraph(), {}, late);

  expect(types(late.frames)).not.toContain("feature_flags");
  expect(binary(frames)[0]?.readUInt32BE(0)).toBe(binaryEvent.previewImage);
});

test("a node's text goes to everybody as a frame of type 3", async () => {
  const comfy = await startComfy();
  const [own, other] = [await comfy.connect(), await comfy.connect()];
  const graph: Graph = {
    "1": emptyImage({ width: 40, height: 24 }),
    sized: { class_type: "GetImageSize", inputs: { image: ["1", 0] } },
    "3": { class_type: "PreviewAny", inputs: { source: ["sized", 0] } },
  };

  const { entry } = await comfy.run(graph, {}, own);
  const text = (frame: Frame) =>
    frame.bytes?.readUInt32BE(0) === binaryEvent.text && frame.bytes.includes("width: 40");
  const { bytes } = await other.until(text);

  const length = bytes?.readUInt32BE(4) ?? 0;
  expect(bytes?.subarray(8, 8 + length).toString()).toBe("sized");
  expect(bytes?.subarray(8 + length).toString()).toBe("width: 40, height: 24\n batch size: 1");
  expect(entry.outputs).toEqual({ "3": { text: ["40"] } });
});
