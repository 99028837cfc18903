import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { PythonError } from "../../src/as-comfyui/python.ts";
import type { NodeInfo } from "../../src/comfy/protocol.ts";
import type { Emulator } from "../../src/emulator/emulator.ts";
import type { EmulatorNode } from "../../src/emulator/node.ts";
import { filled, sharpOf } from "../../src/emulator/raster.ts";
import { ExecutionBlocker, images } from "../../src/emulator/values.ts";
import { type Comfy, describeEmulator, type Frame, type Json, startEmulator } from "./support.ts";

const captures = join(import.meta.dirname, "../fixtures/captures");

function probe(
  name: string,
  required: NodeInfo["input"]["required"],
  run: EmulatorNode["run"],
): EmulatorNode {
  const info = { name, input: { required: required ?? {} }, output: ["IMAGE"], output_node: false };
  return { info, run };
}

/** The throw-away nodes the recordings were made with. */
const probes: EmulatorNode[] = [
  probe(
    "ProbeProgress",
    { steps: ["INT"], seconds: ["FLOAT"], preview: ["BOOLEAN"], seed: ["INT"] },
    async (inputs, context) => {
      const steps = inputs.number("steps");
      const frame = filled(64, 64, inputs.number("seed") * 9999);
      for (let step = 1; step <= steps; step += 1) {
        // Recorded with 150 ms; anything over the throttle's 100 shows every step.
        await context.pause(105);
        const preview = inputs.flag("preview")
          ? { format: "jpeg" as const, bytes: await sharpOf(frame).jpeg().toBuffer() }
          : undefined;
        await context.tick(step, steps, preview);
      }
      return { outputs: [images([frame])] };
    },
  ),
  probe("ProbeFail", { image: ["IMAGE"], message: ["STRING"] }, (inputs) => {
    throw new PythonError("ValueError", inputs.text("message"));
  }),
  probe("ProbeBlock", { image: ["IMAGE"], message: ["STRING"] }, (inputs) => ({
    outputs: [new ExecutionBlocker(inputs.text("message"))],
  })),
];

interface Capture {
  request: Json;
  response: Json;
  frames: Frame[];
  history: Json;
  job: Json;
}

function load(file: string): Capture {
  const lines = readFileSync(join(captures, file), "utf8")
    .trim()
    .split("\n")
    .map((line): Json => JSON.parse(line));
  const find = (key: string) => lines.find((line) => key in line)?.[key];
  return {
    request: find("POST /prompt"),
    response: find("response"),
    frames: lines.filter((line) => "t" in line).map((line) => line.text ?? binaryFrame(line)),
    history: find("GET /history/{id}"),
    job: find("GET /api/jobs/{id}"),
  };
}

function binaryFrame({ head_hex }: { head_hex: string }): Frame {
  return { type: "binary", data: {}, bytes: Buffer.from(head_hex, "hex") };
}

/** Ids, times, counters, random names and tracebacks differ from run to run. */
function normal(value: Json, promptId: string): Json {
  if (typeof value === "string") {
    return value
      .replaceAll(promptId, "PROMPT")
      .replace(/ComfyUI_temp_[a-z]{5}/, "ComfyUI_temp_xxxxx")
      .replace(/_\d{5}_\.png$/, "_N_.png");
  }
  if (Array.isArray(value)) return value.map((item) => normal(item, promptId));
  if (value === null || typeof value !== "object") return value;
  const entries = Object.entries(value).map(([key, item]) => [
    normal(key, promptId),
    varying[key]?.(item) ?? normal(item, promptId),
  ]);
  return Object.fromEntries(entries);
}

const moment = () => 0;
const asSet = (ids: Json) => [...ids].sort((a: string, b: string) => a.localeCompare(b));

const varying: Record<string, (value: Json) => Json> = {
  timestamp: moment,
  create_time: moment,
  execution_start_time: moment,
  execution_end_time: moment,
  number: moment,
  priority: moment,
  traceback: (lines) => lines.length > 0,
  current_inputs: (inputs) => Object.keys(inputs),
  current_outputs: asSet,
  executed: asSet,
};

/** A queue item begins with its number. */
function withoutNumber(answer: Json): Json {
  const [[id, entry]] = Object.entries(answer) as [[string, Json]];
  return { [id]: { ...entry, prompt: entry.prompt.slice(1) } };
}

function outline(frames: Frame[], promptId: string): Json[] {
  return frames.map(({ type, data, bytes }) => {
    if (!bytes)
      return normal({ type, data: type === "status" ? statusData(data) : data }, promptId);
    return `binary ${bytes.readUInt32BE(0)}${bytes.readUInt32BE(0) === 1 ? ` ${bytes.readUInt32BE(4)}` : ""}`;
  });
}

function statusData({ status, sid }: Json): Json {
  return { status, sid: sid === undefined ? undefined : "SID" };
}

async function prepare(file: string, comfy: Comfy, emulator: Emulator): Promise<void> {
  // Three recordings begin with results of the prompt before them.
  if (file.startsWith("02")) await comfy.run(load("01_success.jsonl").request.prompt);
  if (file.startsWith("08"))
    await comfy.run(load("07_save_image_websocket_legacy.jsonl").request.prompt);
  if (file.startsWith("12")) {
    const message = "Error while deserializing header: header too small";
    const type = "safetensors._safetensors_rust.SafetensorError";
    emulator.faults.raise = { CheckpointLoaderSimple: { type, message } };
  }
}

describeEmulator("recorded exchanges with ComfyUI 0.33.0", () => {
  test.for(readdirSync(captures))("%s plays the same on the emulator", async (file) => {
    const capture = load(file);
    const [comfy, emulator] = await startEmulator({ extraNodes: probes });
    await prepare(file, comfy, emulator);
    const negotiates = capture.frames.some(({ type }) => type === "feature_flags");
    const listener = await comfy.connect(
      capture.request.client_id,
      negotiates ? { supports_preview_metadata: true } : undefined,
    );

    const { status, body } = await comfy.submit(capture.request.prompt, {
      client_id: capture.request.client_id,
    });
    const promptId = body.prompt_id;
    if (file.startsWith("06")) {
      await listener.until(({ type, data }) => type === "progress" && data.value === 4);
      await comfy.post("/interrupt", { prompt_id: promptId });
    }
    await listener.end(promptId);

    const recordedId = capture.response.prompt_id;
    expect(status).toBe(200);
    expect(normal(body, promptId)).toEqual(normal(capture.response, recordedId));
    expect(outline(listener.frames, promptId)).toEqual(outline(capture.frames, recordedId));
    const history = withoutNumber(await comfy.json(`/history/${promptId}`));
    expect(normal(history, promptId)).toEqual(normal(withoutNumber(capture.history), recordedId));
    expect(normal(await comfy.job(promptId), promptId)).toEqual(normal(capture.job, recordedId));
  });
});
