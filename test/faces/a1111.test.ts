import sharp from "sharp";
import { expect, test } from "vitest";
import { defaultModels } from "../../src/emulator/models.ts";
import { startHttp } from "../support/http.ts";
import { served, square } from "./served.ts";

const easel = served(
  { ownPorts: { a1111Port: 0 } },
  { models: { ...defaultModels, embeddings: ["EasyNegative.safetensors"] } },
);

// biome-ignore lint/suspicious/noExplicitAny: answers of another system, read field by field
type Json = any;

function ask(path: string, init: RequestInit = {}): Promise<Response> {
  return fetch(`${easel.server.own.a1111Port}${path}`, init);
}

async function get(path: string): Promise<Json> {
  return (await ask(`/sdapi/v1${path}`)).json();
}

async function post(path: string, body: unknown): Promise<Json> {
  const init = { method: "POST", body: typeof body === "string" ? body : JSON.stringify(body) };
  const answer = await ask(`/sdapi/v1${path}`, init);
  const read = (await answer.json()) as Json;
  return answer.ok ? read : { status: answer.status, ...read };
}

const small = { prompt: "a boat", width: 64, height: 64 };
const bytes = (b64: string) => Buffer.from(b64, "base64");
const names = (warnings: string[]) => warnings.map((text) => text.split(" ")[0]);

async function inputs(type: string): Promise<Json> {
  const graph = Object.values(await easel.graph(await easel.newest()));
  return graph.find(({ class_type: each }) => each === type)?.inputs;
}

test("txt2img: pictures as base64, each with its seed, and how it was made in it", async () => {
  const made = await post("/txt2img", {
    ...{ ...small, negative_prompt: "rain", steps: 7, cfg_scale: 4.5, seed: 11 },
    ...{ sampler_name: "DPM++ 2M Karras", batch_size: 2, n_iter: 1 },
  });
  const sampling = await inputs("KSampler");
  const info = JSON.parse(made.info);
  const read = await post("/png-info", { image: made.images[1] });

  expect(made.warnings).toBeUndefined();
  expect(made.images).toHaveLength(2);
  expect(await sharp(bytes(made.images[0])).metadata()).toMatchObject({ format: "png", width: 64 });
  expect(sampling).toMatchObject({
    ...{ steps: 7, cfg: 4.5, seed: 11, sampler_name: "dpmpp_2m", scheduler: "karras" },
  });
  expect(info).toMatchObject({
    ...{ seed: 11, all_seeds: [11, 12], width: 64, height: 64, prompt: "a boat" },
    ...{ negative_prompt: "rain", steps: 7, cfg_scale: 4.5, sampler_name: "DPM++ 2M" },
  });
  expect(info.infotexts[1]).toContain("Schedule type: Karras, CFG scale: 4.5, Seed: 12");
  expect(read.info).toBe(info.infotexts[1]);
  expect(read.parameters).toMatchObject({
    ...{ Prompt: "a boat", "Negative prompt": "rain", Seed: "12", "CFG scale": "4.5" },
  });
  expect(made.parameters).toMatchObject({ prompt: "a boat", batch_size: 2, init_images: null });
  expect(await easel.newest()).toMatchObject({ via: "a1111", tool: "generate_image" });
});

test("LoRAs, embeddings, styles and clip skip reach the graph, and what nothing follows is told", async () => {
  const [style] = await get("/prompt-styles");
  const [file] = Object.keys((await get("/embeddings")).loaded);
  const made = await post("/txt2img", {
    ...small,
    prompt: `a boat <lora:sdxl_lightning_4step_lora:0.4>, <lora:missing:1> BREAK ${file}`,
    styles: [style.name, "no such style"],
    sampler_name: "no such",
    scheduler: "SGM Uniform",
    restore_faces: true,
    enable_hr: false,
    hr_second_pass_steps: 4,
    clip_skip: 2,
    subseed: 3,
    colour: "red",
    alwayson_scripts: { ControlNet: { args: [{ image: "x" }] } },
    override_settings: { sd_hypernetwork: "None", eta_noise_seed_delta: 31337 },
  });
  const lora = await inputs("LoraLoader");
  const words = Object.values(await easel.graph(await easel.newest())).map(
    ({ inputs: each }) => each["text"],
  );

  expect(lora).toMatchObject({ strength_model: 0.4 });
  expect(words).toContainEqual(expect.stringContaining(`embedding:${file}`));
  expect(words).not.toContainEqual(expect.stringContaining("<lora"));
  expect((await easel.newest()).params).toMatchObject({ stop_at_clip_layer: -2 });
  expect(names(made.warnings)).toEqual([
    ...["eta_noise_seed_delta", "loras", "style", "BREAK", "restore_faces", "subseed", "colour"],
    ...["alwayson_scripts", "sampler_name"],
  ]);
  expect(JSON.parse(made.info).warnings).toEqual(made.warnings);
});

test("img2img: resized as it says, with a mask that may be turned round", async () => {
  const image = (await square(128, "#3355aa")).toString("base64");
  const mask = (await square(128, "#ffffff", true)).toString("base64");
  const plain = await post("/img2img", {
    ...{ ...small, width: 96, init_images: [image, image], denoising_strength: 0.4 },
    ...{ resize_mode: 2, override_settings: { samples_format: "jpg" } },
  });
  const edited = await easel.newest();
  const masked = await post("/img2img", {
    ...{ ...small, init_images: [`data:image/png;base64,${image}`], mask, mask_blur: 0 },
    ...{ inpainting_mask_invert: 1, inpaint_full_res: true, include_init_images: true },
  });
  const painted = await easel.newest();
  const none = await post("/img2img", small);

  expect(await sharp(bytes(plain.images[0])).metadata()).toMatchObject({
    ...{ format: "jpeg", width: 96, height: 64 },
  });
  expect(edited).toMatchObject({ tool: "img2img", params: { strength: 0.4 } });
  expect(names(plain.warnings)).toEqual(["init_images"]);
  expect(painted).toMatchObject({ tool: "inpaint", params: { strength: 0.75 } });
  expect(names(masked.warnings)).toContain("inpaint_full_res");
  expect(masked.parameters.mask).toBe(mask);
  // Opaque is what a mask with transparent parts repaints: its right half, turned round the left one.
  const { data, info } = await sharp(bytes(masked.images[0]))
    .raw()
    .toBuffer({ resolveWithObject: true });
  const at = (x: number) => [...data.subarray((32 * 64 + x) * info.channels).subarray(0, 3)];
  expect(at(56)).toEqual([0x33, 0x55, 0xaa]);
  expect(at(8)).not.toEqual([0x33, 0x55, 0xaa]);
  expect(none).toMatchObject({
    status: 404,
    error: "HTTPException",
    detail: "Init image not found",
  });
});

test("pictures are enlarged: by a model, plainly, and as a second pass", async () => {
  const image = (await square(64, "#3355aa")).toString("base64");
  const [, , model] = (await get("/upscalers")).map(({ name }: Json) => name);
  const single = await post("/extra-single-image", {
    image,
    upscaling_resize: 1.5,
    upscaler_1: model,
  });
  const byModel = await easel.newest();
  const batch = await post("/extra-batch-images", {
    ...{ imageList: [{ data: image, name: "a.png" }], resize_mode: 1, upscaling_resize_w: 100 },
    ...{ upscaling_resize_h: 200, upscaling_crop: false, gfpgan_visibility: 1 },
  });
  const plainly = await easel.newest();
  const fixed = await post("/txt2img", {
    ...{ ...small, enable_hr: true, hr_scale: 2, hr_upscaler: "Latent", denoising_strength: 0.3 },
    ...{ seed: 5, hr_second_pass_steps: 4 },
  });

  expect(await sharp(bytes(single.image)).metadata()).toMatchObject({ width: 96, height: 96 });
  expect(byModel).toMatchObject({ tool: "upscale", via: "a1111" });
  expect(JSON.stringify(byModel.runs[0]?.at?.choices)).toContain(model);
  expect(await sharp(bytes(batch.images[0])).metadata()).toMatchObject({ width: 100, height: 100 });
  expect(plainly.workflow).toMatch(/resample/);
  expect(names(batch.warnings)).toContain("gfpgan_visibility");
  expect(await sharp(bytes(fixed.images[0])).metadata()).toMatchObject({ width: 128, height: 128 });
  expect(JSON.parse(fixed.info)).toMatchObject({ seed: 5, width: 128 });
  expect((await easel.newest()).params).toMatchObject({ strength: 0.3, prompt: "a boat" });
  expect(names(fixed.warnings)).toEqual(
    expect.arrayContaining(["hr_second_pass_steps", "hr_upscaler"]),
  );
});

test("options: a model that is set makes the calls to come", async () => {
  const models = await get("/sd-models");
  const before = await get("/options");
  const title = "v1-5-pruned-emaonly-fp16.safetensors";
  const set = await post("/options", { ...before, sd_model_checkpoint: `${title} [abcdef12]` });
  const odd = await post("/options", { CLIP_stop_at_last_layers: 1, no_such_setting: 3 });
  const after = await get("/options");
  const made = await post("/txt2img", { ...small, send_images: false });
  const loader = await inputs("CheckpointLoaderSimple");
  const over = await post("/txt2img", {
    ...small,
    override_settings: { sd_model_checkpoint: "flux_schnell" },
  });
  const unknown = await post("/options", { sd_model_checkpoint: "v1-5-prund.safetensors" });
  await post("/options", { sd_model_checkpoint: "" });

  expect(models[0]).toMatchObject({ title: "Automatic", model_name: "Automatic" });
  expect(models).toContainEqual(expect.objectContaining({ title }));
  expect(before).toMatchObject({ sd_model_checkpoint: "Automatic", samples_format: "png" });
  expect(set).toBeNull();
  expect(names(odd.warnings)).toEqual(["no_such_setting"]);
  expect(after.sd_model_checkpoint).toBe(`${title} [abcdef12]`);
  expect(loader).toMatchObject({ ckpt_name: title });
  expect(made.images).toEqual([]);
  expect(JSON.parse(made.info).sd_model_name).toBe("v1-5-pruned-emaonly-fp16");
  expect(JSON.parse(over.info).workflow).toBe("flux_schnell");
  expect(unknown).toMatchObject({ status: 404, detail: expect.stringContaining("not found") });
  expect(await get("/options")).toMatchObject({ sd_model_checkpoint: "Automatic" });
});

test("progress shows where a call is, interrupt ends it, and what is idle says so", async () => {
  const hold = easel.emulator.hold("VAEDecode");
  const making = post("/txt2img", { ...small, steps: 30, force_task_id: "mine", seed: 77 });
  await hold.reached;
  // Its preview comes over a socket.
  await expect.poll(async () => (await get("/progress")).current_image).toBeTruthy();
  const shown = await get("/progress");
  const blind = await get("/progress?skip_current_image=true");
  const label = (await easel.newest()).label;
  const stopped = await post("/interrupt", "");
  hold.release();
  const ended = await making;
  const idle = await get("/progress");

  expect(shown).toMatchObject({ state: { job_count: 1, sampling_steps: 30 } });
  expect(shown.progress).toBeGreaterThan(0);
  expect((await sharp(bytes(shown.current_image)).metadata()).format).toBe("png");
  expect(blind.current_image).toBeNull();
  expect(label).toBe("mine");
  expect(stopped).toEqual({});
  expect(ended).toMatchObject({ status: 400, error: "HTTPException" });
  expect(idle).toMatchObject({ progress: 0, current_image: null, state: { job_count: 0 } });
  expect(await post("/interrupt", "")).toEqual({});
  expect(await post("/skip", "")).toBeNull();
});

test("lists, and what clients look at to see whether it is there", async () => {
  const named = async (path: string) => (await get(path)).map(({ name }: Json) => name);
  const root = await ask("/");
  const ping = await ask("/internal/ping");
  const head = await ask("/", { method: "HEAD" });
  expect(await named("/samplers")).toEqual(expect.arrayContaining(["Euler a", "DPM++ 2M", "ddpm"]));
  expect(await named("/schedulers")).toEqual(expect.arrayContaining(["automatic", "karras"]));
  expect((await named("/upscalers")).slice(0, 2)).toEqual(["None", "Lanczos"]);
  expect(await named("/loras")).toContain("sdxl_lightning_4step_lora");
  expect((await get("/sd-vae"))[0]).toMatchObject({ model_name: expect.stringMatching(/\./) });
  expect((await get("/sd-modules")).length).toBeGreaterThan((await get("/sd-vae")).length);
  expect((await get("/memory")).cuda.system.total).toBeGreaterThan(0);
  expect(await get("/latent-upscale-modes")).toEqual([]);
  expect(await get("/hypernetworks")).toEqual([]);
  expect(await get("/cmd-flags")).toMatchObject({ api: true });
  expect(await post("/refresh-checkpoints", "")).toBeNull();
  expect(await post("/unload-checkpoint", "")).toEqual({});
  expect([root.status, ping.status, head.status]).toEqual([200, 200, 200]);
  expect(await root.json()).toEqual({ model: "Automatic", upscaler: null });
  const beside = await fetch(`${easel.server.url}/sdapi/v1/options`);
  expect(beside.status).toBe(200);
});

test("what is wrong is told in the web UI's shapes", async () => {
  const many = await post("/txt2img", { ...small, steps: "lots", batch_size: 0 });
  const text = await post("/txt2img", { ...small, steps: "3", n_iter: "1", seed: "4" });
  const strong = await post("/txt2img", { ...small, cfg_scale: 90 });
  const broken = await post("/txt2img", "{");
  const nothing = await post("/png-info", { image: "bm90aGluZw==" });
  const words = await post("/interrogate", { image: "x", model: "clip" });
  const nowhere = await post("/dream", {});
  easel.emulator.faults.raiseOutOfMemory("KSampler");
  const failed = await post("/txt2img", { ...small, seed: 99, sampler_name: "Euler" });
  easel.emulator.faults.clear();

  expect(many).toMatchObject({
    status: 422,
    detail: [
      { loc: ["body", "batch_size"], input: 0 },
      { loc: ["body", "steps"], input: "lots" },
    ],
  });
  expect(JSON.parse(text.info)).toMatchObject({ steps: 3, seed: 4 });
  expect(strong).toMatchObject({ status: 400, detail: expect.stringMatching(/^cfg_scale: /) });
  expect(broken).toMatchObject({ status: 422, detail: [{ type: "json_invalid" }] });
  expect(nothing).toMatchObject({ status: 500, detail: "Invalid encoded image" });
  expect(words).toMatchObject({ status: 501, error: "HTTPException", body: "" });
  expect(nowhere).toMatchObject({ status: 404, detail: "Not Found" });
  expect(failed).toMatchObject({ status: 500, error: "HTTPException" });
  expect(failed.detail).toMatch(/memory/i);
});

test("Basic as --api-auth has it is a key, and each caller has options and calls of its own", async () => {
  const keys = { ann: "ann-0123456789abcdef", bob: "bob-0123456789abcdef" };
  const authTokens = Object.entries(keys).map(([name, token]) => `${name}:${token}`);
  const server = await startHttp(easel.world, { authTokens, ownPorts: { a1111Port: 0 } });
  const as = (key: string, path: string, body?: unknown) =>
    fetch(`${server.own.a1111Port}/sdapi/v1${path}`, {
      headers: { authorization: `Basic ${btoa(`somebody:${key}`)}` },
      ...(body === undefined ? {} : { method: "POST", body: JSON.stringify(body) }),
    });
  const format = async (key: string) =>
    ((await (await as(key, "/options")).json()) as Json).samples_format;
  await as(keys.ann, "/options", { samples_format: "webp" });
  const hold = easel.emulator.hold("VAEDecode");
  const making = as(keys.ann, "/txt2img", { ...small, seed: 5 });
  let busy = 0;
  while (busy === 0) {
    busy = ((await (await as(keys.ann, "/progress")).json()) as Json).state.job_count;
  }
  const others = (await (await as(keys.bob, "/progress")).json()) as Json;
  await as(keys.bob, "/interrupt", {});
  hold.release();
  const made = (await (await making).json()) as Json;
  const wrong = await as("no-such-key-at-all", "/options");
  const none = await fetch(`${server.own.a1111Port}/sdapi/v1/options`);

  expect([await format(keys.ann), await format(keys.bob)]).toEqual(["webp", "png"]);
  expect(others.state.job_count).toBe(0);
  expect((await sharp(bytes(made.images[0])).metadata()).format).toBe("webp");
  expect([wrong.status, none.status]).toEqual([401, 401]);
  expect(none.headers.get("www-authenticate")).toBe("Basic");
  expect(await none.json()).toMatchObject({ error: "HTTPException", body: "" });
});
