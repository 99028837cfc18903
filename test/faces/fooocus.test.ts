import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import sharp from "sharp";
import { expect, onTestFinished, test } from "vitest";
import { defaultModels } from "../../src/emulator/models.ts";
import type { World } from "../support/world.ts";
import { type FooocusRecord, picture, small, startFooocus } from "./fooocus-support.ts";

const generate = "/v1/engine/generate";

/** Whatever it is: what is read of it is asserted. */
// biome-ignore lint/suspicious/noExplicitAny: answers of another system, read field by field
const json = (answer: Response): Promise<any> => answer.json();

async function eventsIn(answer: Response): Promise<Record<string, unknown>[]> {
  const text = await answer.text();
  return [...text.matchAll(/^data: (\{.*\})\r\ndata: \r\n\r\n/gm)].map(
    ([, json]) => JSON.parse(json ?? "") as Record<string, unknown>,
  );
}

/** Its record says so: ComfyUI itself had begun a moment before. */
async function isRunning({ deps }: World, id: string): Promise<void> {
  for await (const event of deps.studio.events(id)) {
    if (event.kind === "state" && event.task.state === "running") return;
  }
}

test("the kind of answer goes by Accept, then stream_output, then async_process", async () => {
  const { post } = await startFooocus();
  const both = { ...small, stream_output: "true", async_process: "1" };

  const jpg = await post(generate, { ...both, image_number: 3 }, { accept: "image/jpg" });
  const odd = await post(
    generate,
    { ...both, save_metadata_to_images: "no" },
    { accept: "image/tiff" },
  );
  const stream = await post(generate, both, { accept: "*/*" });
  const pending = await post(
    generate,
    { ...small, async_process: "yes" },
    { accept: "text/html,image/webp" },
  );
  const off = { ...small, async_process: false, stream_output: false };
  const bytes = await post(generate, off, { accept: "*/*" });
  const asked = await post(generate, off, { accept: "application/json" });

  expect(jpg.headers.get("content-type")).toBe("image/jpeg");
  expect(await sharp(await jpg.arrayBuffer()).metadata()).toMatchObject({
    format: "jpeg",
    width: 512,
  });
  expect(odd.headers.get("content-type")).toBe("image/png");
  expect(stream.headers.get("content-type")).toBe("text/event-stream; charset=utf-8");
  const last = (await eventsIn(stream)).at(-1);
  expect(last).toEqual({
    progress: 100,
    preview: null,
    message: "Finished",
    images: [expect.any(String)],
  });
  expect(await pending.json()).toMatchObject({ id: -1, task_status: "pending", req_params: {} });
  expect(bytes.headers.get("content-type")).toBe("image/png");
  expect(await asked.json()).toMatchObject({ task_status: "finished" });
});

test("what cannot be read is told as FastAPI tells it", async () => {
  const { post, request } = await startFooocus();
  const wrong = {
    image_number: "40",
    prompt: 7,
    uov_method: "Bigger",
    loras: "none",
    freeu_b1: "x",
  };

  const answer = await post(generate, wrong);
  const { detail } = (await answer.json()) as {
    detail: { loc: string[]; type: string; msg: string }[];
  };

  expect(answer.status).toBe(422);
  expect(detail.map(({ loc, type }) => [...loc, type])).toEqual([
    ["body", "image_number", "less_than_equal"],
    ["body", "prompt", "string_type"],
    ["body", "uov_method", "enum"],
    ["body", "loras", "list_type"],
    ["body", "freeu_b1", "float_parsing"],
  ]);
  const broken = await request(generate, { method: "POST", body: "{" });
  expect(await broken.json()).toMatchObject({ detail: [{ type: "json_invalid" }] });
  const picture = await post(generate, {
    inpaint_input_image: "c:/secret.png",
    outpaint_selections: ["Left"],
  });
  expect(picture.status).toBe(400);
  expect(await picture.json()).toMatchObject({
    detail: expect.stringMatching(/^inpaint_input_image: /),
  });
  const nothing = await post(generate, { inpaint_input_image: await pixel() });
  expect(await nothing.json()).toMatchObject({ detail: expect.stringMatching(/^mask/) });
});

const pixel = () => picture("#446688", 64, 64);

test("a picture by whose likeness to go is refused where nothing can follow it", async () => {
  const { post } = await startFooocus(defaultModels);
  const prompts = [{ cn_img: await pixel(), cn_type: "FaceSwap" }];

  const answer = await post(generate, { ...small, controlnet_image: prompts });

  expect(answer.status).toBe(503);
  expect(await answer.json()).toMatchObject({ detail: expect.stringContaining("ipadapter") });
});

test("pictures to go by reach ComfyUI, two of them beside what they are mixed with", async () => {
  const { made, graph } = await startFooocus();
  const image = await pixel();
  const record = await made({
    inpaint_input_image: `data:image/png;base64,${image}`,
    inpaint_mask_image_upload: await picture("#ffffff", 64, 64),
    mixing_image_prompt_and_inpaint: true,
    refiner_model_name: "missing.safetensors",
    controlnet_image: [
      { cn_img: image, cn_type: "ImagePrompt", cn_weight: 0 },
      { cn_img: "None", cn_type: "ImagePrompt" },
      { cn_img: await picture("#aa0000"), cn_type: "PyraCanny" },
    ],
  });
  const nodes = Object.values(await graph(record.task_id)).map((node) => node.class_type);

  expect(record.task_status).toBe("finished");
  expect(nodes).toEqual(
    expect.arrayContaining(["IPAdapterAdvanced", "Canny", "InpaintModelConditioning"]),
  );
  expect(nodes).not.toContain("FreeU_V2");
  expect(record.warnings?.join("\n")).toMatch(/^refiner_model_name has no effect/m);
  expect(record.req_params["inpaint_input_image"]).toMatch(
    /^http:\/\/127.0.0.1:7866\/inputs\/[0-9a-f]{64}\.png$/,
  );
  expect(record.req_params["controlnet_image"]).toHaveLength(2);
});

test("results and inputs are files, in the format that is asked for, with their metadata", async () => {
  const { made, request } = await startFooocus();
  const record = await made({
    save_name: "../my boat",
    metadata_scheme: "a1111",
    negative_prompt: "people",
    image_seed: 77,
    uov_method: "Vary (Subtle)",
    uov_input_image: await pixel(),
  });
  const [url = ""] = record.result ?? [];
  const path = url.replace("http://127.0.0.1:7866", "");
  const input = String(record.req_params["uov_input_image"]).replace("http://127.0.0.1:7866", "");

  expect(decodeURI(path)).toMatch(/^\/outputs\/\d{4}-\d{2}-\d{2}\/my boat-0\.png$/);
  const png = Buffer.from(await (await request(path)).arrayBuffer());
  const { comments } = await sharp(png).metadata();
  const texts = Object.fromEntries((comments ?? []).map(({ keyword, text }) => [keyword, text]));
  expect(texts["fooocus_scheme"]).toBe("a1111");
  expect(texts["parameters"]).toMatch(
    /^a boat\nNegative prompt: people\nSteps: \d+, .*Seed: 77, Size: 64x64/,
  );
  for (const format of ["jpeg", "webp"]) {
    const copy = await request(path, { headers: { accept: `image/${format}` } });
    const bytes = Buffer.from(await copy.arrayBuffer());
    const { format: found, exif } = await sharp(bytes).metadata();
    expect(found).toBe(format);
    expect(exif?.includes(Buffer.from("Negative prompt: people", "utf16le").swap16())).toBe(true);
  }
  expect((await request(path.replace("-0.png", "-9.png"))).status).toBe(404);
  expect((await request("/outputs/2024-01-01/..%2f..%2fetc.png")).status).toBe(404);
  expect((await request(input)).headers.get("content-type")).toBe("image/png");
});

test("tasks are listed by state, page and time, and deleted by time with their files", async () => {
  const { made, post, request, emulator, world } = await startFooocus();
  const list = async (query: string) => {
    const answer = await request(`/tasks?${query}`);
    return (await answer.json()) as Record<"history" | "current" | "pending", FooocusRecord[]>;
  };
  const first = await made({});
  const second = await made({ require_base64: true });
  await world.deps.studio.submit("generate_image", { parameters: { prompt: "of an assistant" } });
  const hold = emulator.hold("KSampler");
  const { task_id: third } = await json(await post(generate, { ...small, async_process: true }));
  await isRunning(world, third);

  expect(second["base64"]).toEqual([expect.stringMatching(/^data:image\/png;base64,/)]);
  const all = await list("query=all");
  expect(all.history.map(({ task_id: id }) => id)).toEqual([second.task_id, first.task_id]);
  expect(all.current.map(({ task_id: id }) => id)).toEqual([third]);
  expect(all.current[0]).toMatchObject({ task_status: "running", finish_mills: -1, preview: null });
  expect((await list("query=history&page=1&page_size=1")).history[0]?.task_id).toBe(first.task_id);
  expect(await list("query=nothing")).toEqual({ history: [], current: [], pending: [] });
  const since = encodeURIComponent(
    String(new Date(Date.now() - 60_000).toISOString().slice(0, 19)),
  );
  const range = await list(`query=history&start_at=${since}Z`);
  expect(range.history.map(({ task_id: id }) => id)).toEqual([first.task_id, second.task_id]);
  expect(
    (await list("query=history&start_at=2000-01-01T00:00:00Z&end_at=2000-01-02")).history,
  ).toEqual([]);
  hold.release();
  expect(await list("action=delete")).toMatchObject({ history: [] });
  await list(`start_at=${since}Z&action=DELETE`);
  expect(await list("query=all")).toEqual({ history: [], current: [], pending: [] });
  const gone = String(first.result?.[0]).replace("http://127.0.0.1:7866", "");
  expect((await request(gone)).status).toBe(404);
  expect(await json(await request(`/tasks/${first.task_id}`))).toEqual([]);
  expect(await world.deps.studio.count({})).toBe(1);
});

test("a picture is skipped and the next one made; a stop ends what runs", async () => {
  const { post, request, emulator, world } = await startFooocus();
  const control = async (action: string) =>
    (await json(await request(`/v1/engine/control?action=${action}`, { method: "POST" }))).message;
  expect(await control("stop")).toBe("No task running");
  expect(await control("pause")).toBe("Invalid control action");
  const hold = emulator.hold("KSampler");
  const { task_id: id } = await json(
    await post(generate, { ...small, image_number: 2, async_process: true }),
  );
  await isRunning(world, id);

  expect(await control("skip")).toBe("task skiped");
  hold.release();
  await world.deps.studio.wait(id, 30_000);
  const record = (await json(await request(`/tasks/${id}`))) as FooocusRecord;
  expect(record.task_status).toBe("finished");
  expect(record.result).toHaveLength(1);

  const again = emulator.hold("KSampler");
  const stopped = await post(generate, { ...small, async_process: true });
  const { task_id: other } = await json(stopped);
  await isRunning(world, other);
  expect(await control("stop")).toBe("task stoped");
  again.release();
  expect(await json(await request(`/tasks/${other}`))).toMatchObject({
    task_status: "stop",
    result: [],
  });
});

test("a failure is a failed record, the last event and an error status, never an empty success", async () => {
  const { post, emulator, made } = await startFooocus();
  emulator.faults.raise = { KSampler: { type: "RuntimeError", message: "out of paint" } };

  const record = await made({});
  const events = await eventsIn(await post(generate, { ...small, stream_output: true }));
  const bytes = await post(generate, small, { accept: "image/png" });

  expect(record).toMatchObject({ task_status: "failed", result: [], error: expect.any(String) });
  expect(events.at(-1)).toMatchObject({
    message: "Finished",
    images: [],
    error: expect.any(String),
  });
  expect(bytes.status).toBe(500);
});

test("a webhook gets the record as its receivers read it", async () => {
  const received: string[] = [];
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    received.push(Buffer.concat(chunks).toString());
    response.end();
    server.emit("got");
  });
  await once(server.listen(0, "127.0.0.1"), "listening");
  onTestFinished(() => void server.close());
  const { made } = await startFooocus(undefined, { allowPrivateUrls: true });
  const got = once(server, "got");

  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
  const record = await made({ webhook_url: url });
  await got;

  expect(JSON.parse(JSON.parse(received[0] ?? ""))).toEqual(record);
  expect(record["webhook_url"]).toBe(url);
});

test("arrays, seeds and wildcards make each picture its own prompt", async () => {
  const { made, world } = await startFooocus();

  const { task_id: id } = await made({
    prompt: "a [[red, green]] boat <lora:missing:0.5>",
    image_number: "3",
    image_seed: "5",
    disable_seed_increment: "true",
  });
  const { runs, params } = await world.deps.studio.get(id);

  expect(runs.map(({ seed }) => seed)).toEqual([5, 5, 5]);
  expect(runs.map(({ prompt }) => prompt ?? params["prompt"])).toEqual([
    "a red boat",
    "a green boat",
    "a red boat",
  ]);
});

test("tools: a mask of the subject, no description, models and styles by name", async () => {
  const { post, request } = await startFooocus();

  const mask = await json(await post("/v1/tools/generate_mask", { image: await pixel() }));
  expect(await sharp(Buffer.from(mask, "base64")).metadata()).toMatchObject({
    format: "png",
    width: 64,
    channels: 1,
  });
  expect((await post("/v1/tools/generate_mask", { image: "x", mask_model: "sam" })).status).toBe(
    501,
  );
  expect((await post("/v1/tools/describe-image", { image: await pixel() })).status).toBe(501);
  const models = await json(await request("/v1/engines/all-models"));
  expect(models.model_filenames).toContain("sd_xl_base_1.0.safetensors");
  expect(models.lora_filenames).toContain("sdxl_lightning_4step_lora.safetensors");
  const styles = await json(await request("/v1/engines/styles"));
  expect(styles.slice(0, 3)).toEqual(["Fooocus V2", "Random Style", "Fooocus Enhance"]);
});

test("clients of the older Fooocus-API find what they call", async () => {
  const { post, request } = await startFooocus();
  const old = {
    ...small,
    image_number: 1,
    advanced_params: { sampler_name: "euler", overwrite_step: 3 },
    require_base64: true,
  };
  const made = await json(await post("/v1/generation/text-to-image", old));
  expect(made).toEqual([
    {
      base64: expect.stringMatching(/^data:image\/png;base64,/),
      url: expect.stringMatching(/^http:\/\/127.0.0.1:7866\/outputs\//),
      seed: expect.stringMatching(/^\d+$/),
      finish_reason: "SUCCESS",
    },
  ]);
  const form = new FormData();
  const bytes = Buffer.from(await pixel(), "base64");
  form.set("input_image", new File([bytes], "in.png", { type: "image/png" }));
  form.set("uov_method", "Upscale (Fast 2x)");
  form.set("async_process", "true");
  const job = await json(
    await request("/v1/generation/image-upscale-vary", { method: "POST", body: form }),
  );
  expect(job).toMatchObject({
    job_type: "Image Upscale or Variation",
    job_stage: expect.any(String),
  });
  const image = await request("/v2/generation/image-inpaint-outpaint?accept=image/png", {
    method: "POST",
    body: JSON.stringify({
      ...small,
      input_image: await pixel(),
      outpaint_selections: ["Left"],
      outpaint_distance_left: 16,
    }),
  });
  expect(image.headers.get("content-type")).toBe("image/png");
  expect(await sharp(await image.arrayBuffer()).metadata()).toMatchObject({
    width: 80,
    height: 64,
  });

  const query = (id: string) =>
    request(`/v1/generation/query-job?job_id=${id}&require_step_preview=true`);
  expect(await json(await query(job.job_id))).toMatchObject({
    job_id: job.job_id,
    job_progress: expect.any(Number),
  });
  expect((await query("nothing")).status).toBe(404);
  expect(await json(await request("/v1/generation/job-queue"))).toMatchObject({
    last_job_id: expect.any(String),
  });
  const history = await json(await request("/v1/generation/job-history"));
  expect(history.history.length + history.queue.length).toBe(3);
  const removed = await request(`/v1/generation/job-history?job_id=${job.job_id}&delete=true`);
  expect(await removed.json()).toEqual({ message: "Deleted" });
  expect(await json(await request("/v1/generation/stop", { method: "POST" }))).toEqual({
    msg: "success",
  });
  expect(await json(await request("/ping"))).toBe("pong");
});
