import sharp from "sharp";
import { expect, test } from "vitest";
import { served, square } from "./served.ts";

const easel = served({}, { timing: { stepMs: 5 } });

/** Painted quickest: the emulator's time goes by pixels. */
const small = { prompt: "a boat", size: "64x64", model: "checkpoint" };

// biome-ignore lint/suspicious/noExplicitAny: answers of another system, read field by field
type Json = any;

function post(path: string, body: string | FormData, headers: Record<string, string> = {}) {
  return fetch(`${easel.server.url}/openai/v1${path}`, { method: "POST", body, headers });
}

async function generate(body: Record<string, unknown>): Promise<Json> {
  const answer = await post("/images/generations", JSON.stringify({ ...small, ...body }));
  return { status: answer.status, headers: answer.headers, ...((await answer.json()) as object) };
}

function formOf(fields: Record<string, string | Buffer | (string | Buffer)[]>): FormData {
  const form = new FormData();
  for (const [name, values] of Object.entries(fields)) {
    for (const value of [values].flat()) {
      if (typeof value === "string") form.append(name, value);
      else form.append(name, new Blob([new Uint8Array(value)]), "p.png");
    }
  }
  return form;
}

const pixels = (b64: string) => sharp(Buffer.from(b64, "base64"));

test("a picture comes as base64 unless a URL is asked for, whatever the Content-Type", async () => {
  const made = await generate({ n: 2, seed: 7, quality: "low", output_format: "webp" });
  const linked = await generate({ response_format: "url" });
  const picture = await fetch(linked.data[0].url);

  expect(made).toMatchObject({
    status: 200,
    created: expect.any(Number),
    background: "opaque",
    output_format: "webp",
    quality: "low",
    size: "64x64",
    model: "checkpoint",
    data: [{ seed: 7 }, { seed: 8 }],
  });
  expect(made.warnings).toBeUndefined();
  const { format, width } = await pixels(made.data[1].b64_json).metadata();
  expect([format, width]).toEqual(["webp", 64]);
  expect(linked.data[0].b64_json).toBeUndefined();
  expect(picture.headers.get("content-type")).toBe("image/png");
});

test("model names a workflow, a file or a family; a name of OpenAI's is told to have no effect", async () => {
  const models = await (await fetch(`${easel.server.url}/openai/v1/models`)).json();
  const byFile = await generate({ model: "v1-5-pruned-emaonly-fp16" });
  const graph = await easel.graph(await easel.newest());
  const byFamily = await generate({ model: "schnell" });
  const theirs = await generate({ model: "gpt-image-1" });
  const unknown = await generate({ model: "midjourney-7" });

  expect(models).toMatchObject({ object: "list" });
  const ids = (models as Json).data.map(({ id }: Json) => id);
  expect(ids).toEqual(expect.arrayContaining(["checkpoint", "flux_dev", "flux_kontext"]));
  expect(ids).not.toContain("birefnet");
  expect(graph["4"]?.inputs["ckpt_name"]).toBe("v1-5-pruned-emaonly-fp16.safetensors");
  expect(byFile.model).toBe("checkpoint");
  expect(byFamily.model).toMatch(/schnell/);
  expect(theirs.warnings).toEqual([expect.stringMatching(/^model has no effect: "gpt-image-1"/)]);
  expect(unknown).toMatchObject({
    status: 404,
    error: { type: "invalid_request_error", param: "model", code: "model_not_found" },
  });
  const one = await fetch(`${easel.server.url}/openai/v1/models/none`);
  expect([one.status, ((await one.json()) as Json).error.code]).toEqual([404, "model_not_found"]);
});

test("the fields that people add reach the graph, and what nothing follows is told", async () => {
  const made = await generate({
    ...{ model: undefined, negative_prompt: "rain", num_inference_steps: 3, cfg_scale: 2.5 },
    ...{ sampler: "heun", scheduler: "no such", style: "vivid", moderation: "low", seeds: 4 },
    loras: ["sdxl_lightning_4step_lora:0.4", { name: "missing", scale: 1 }],
  });
  const graph = Object.values(await easel.graph(await easel.newest()));
  const inputs = (name: string) => graph.find(({ class_type: type }) => type === name)?.inputs;

  expect(made.status).toBe(200);
  expect(inputs("KSampler")).toMatchObject({ steps: 3, cfg: 2.5, sampler_name: "heun" });
  expect(graph.map(({ inputs: each }) => each["text"])).toContain("rain");
  expect(inputs("LoraLoader")).toMatchObject({ strength_model: 0.4 });
  expect(made.warnings.map((text: string) => text.split(" ")[0])).toEqual([
    ...["style", "loras", "seeds", "moderation", "scheduler"],
  ]);
});

test("what is wrong is told in OpenAI's shape, naming the field", async () => {
  const of = async (body: Record<string, unknown>) => {
    const { status, headers, error } = await generate(body);
    return [status, error.type, error.param, error.code, headers.get("x-should-retry")];
  };
  const broken = await post("/images/generations", "{");
  const nowhere = await post("/images/dream", "{}");
  const edit = await post("/images/edits", formOf({ prompt: "p" }));

  const kind = "invalid_request_error";
  expect(await of({ n: 40 })).toEqual([400, kind, "n", "invalid_value", "false"]);
  expect(await of({ size: "large" })).toEqual([400, kind, "size", "invalid_value", "false"]);
  expect(await of({ prompt: "" })).toEqual([
    ...[400, kind, "prompt", "missing_required_parameter", "false"],
  ]);
  expect(await of({ steps: 900 })).toEqual([400, kind, "steps", "invalid_input", null]);
  expect(await of({ background: "transparent", output_format: "jpeg" })).toEqual([
    ...[400, kind, "background", null, "false"],
  ]);
  expect([broken.status, nowhere.status, edit.status]).toEqual([400, 404, 400]);
  expect(((await edit.json()) as Json).error.param).toBe("image");
  easel.emulator.faults.raiseOutOfMemory("KSampler");
  const failed = await of({ seed: 99 });
  easel.emulator.faults.clear();
  expect(failed).toEqual([500, "server_error", null, "execution_failed", "false"]);
});

test("edits take files in either field; a mask is transparent where it repaints", async () => {
  const [image, mask] = [await square(64, "#3355aa"), await square(64, "#ffffff", true)];
  const fields = { prompt: "a red hat", model: "checkpoint", n: "1" };

  const plain = await post("/images/edits", formOf({ ...fields, "image[]": [image, image] }));
  const first = (await plain.json()) as Json;
  const edited = await easel.newest();
  const masked = await post("/images/edits", formOf({ ...fields, image, mask }));
  const second = (await masked.json()) as Json;
  const painted = await easel.newest();
  const varied = await post(
    "/images/variations",
    formOf({ image, model: "dall-e-2", size: "64x64" }),
  );
  const third = (await varied.json()) as Json;

  expect([plain.status, masked.status, varied.status]).toEqual([200, 200, 200]);
  expect(edited).toMatchObject({ tool: "img2img", via: "openai", workflow: "checkpoint" });
  expect(first.warnings).toEqual(["image has no effect: only the first of 2 is used."]);
  expect(painted.tool).toBe("inpaint");
  // The emulator paints; what is not repainted stays as it was.
  const { data, info } = await pixels(second.data[0].b64_json)
    .raw()
    .toBuffer({ resolveWithObject: true });
  const at = (x: number) => [...data.subarray((32 * 64 + x) * info.channels).subarray(0, 3)];
  expect(at(56)).toEqual([0x33, 0x55, 0xaa]);
  expect(at(8)).not.toEqual([0x33, 0x55, 0xaa]);
  expect((await easel.newest()).params).toMatchObject({ strength: 0.85 });
  expect(third.warnings.map((text: string) => text.split(/\W/)[0])).toEqual([
    ...["model", "prompt", "size"],
  ]);
});

test("a transparent background is cut out, as a task of its own", async () => {
  const made = await generate({ background: "transparent" });
  const task = await easel.newest();

  expect(made).toMatchObject({ background: "transparent", output_format: "png" });
  expect(task.tool).toBe("remove_background");
  expect((await pixels(made.data[0].b64_json).metadata()).hasAlpha).toBe(true);
});

test("a stream shows live previews, then each picture", async () => {
  const body = { ...small, stream: true, partial_images: 2, n: 2, steps: 30 };
  // However slow this machine is, nothing ends before a partial picture was read.
  const hold = easel.emulator.hold("VAEDecode");
  const answer = await post("/images/generations", JSON.stringify(body));
  let text = "";
  for await (const part of answer.body?.pipeThrough(new TextDecoderStream()) ?? []) {
    text += part;
    if (text.includes("partial_image")) hold.release();
  }
  const events = [...text.matchAll(/^event: (.+)\ndata: (.+)$/gm)].map(([, event, data]) => {
    return { event, data: JSON.parse(data ?? "") as Json };
  });
  const cut = await post("/images/generations", JSON.stringify({ ...body, n: 0 }));

  expect(answer.headers.get("content-type")).toMatch(/^text\/event-stream/);
  const names = events.map(({ event }) => event?.replace("image_generation.", ""));
  expect(names.filter((name) => name === "completed")).toHaveLength(2);
  expect(names[0]).toBe("partial_image");
  for (const { event, data } of events) expect(data.type).toBe(event);
  expect(events[0]?.data).toMatchObject({ partial_image_index: 0, output_format: "png" });
  expect(events.at(-1)?.data).toMatchObject({ size: "64x64", usage: { total_tokens: 0 } });
  expect(cut.status).toBe(400);
});

test("one key and one call are one task", async () => {
  const headers = { "idempotency-key": "once" };
  const [one, two] = await Promise.all([
    post("/images/generations", JSON.stringify({ ...small, user: "eve" }), headers),
    post("/images/generations", JSON.stringify({ ...small, user: "eve" }), headers),
  ]);
  const other = await post("/images/generations", JSON.stringify({ ...small, n: 2 }), headers);

  const ids = [((await one.json()) as Json).task_id, ((await two.json()) as Json).task_id];
  expect(ids[0]).toBe(ids[1]);
  expect((await easel.newest()).label).toBe("eve");
  expect(other.status).toBe(409);
});
