import { randomUUID } from "node:crypto";
import { once } from "node:events";
import sharp from "sharp";
import { expect, onTestFinished, test } from "vitest";
import { WebSocket } from "ws";
import type { Graph } from "../../src/comfy/protocol.ts";
import { emptyImage, type Json, saveImage, tinyGraph } from "../contract/support.ts";
import { served, square } from "./served.ts";

/**
 * What Open WebUI, SillyTavern, Dify, n8n and LibreChat send, in their order, as their sources of
 * November 2026 have it, and what they read of the answers.
 */
const easel = served({ ownPorts: { a1111Port: 0, comfyuiPort: 0 } });

const comfyui = (path: string, init?: RequestInit) =>
  fetch(`${easel.server.own.comfyuiPort}${path}`, init);
const webui = (path: string, init?: RequestInit) =>
  fetch(`${easel.server.own.a1111Port}/sdapi/v1${path}`, init);
const openai = (path: string, init?: RequestInit) =>
  fetch(`${easel.server.url}/openai/v1${path}`, init);

async function json(answer: Promise<Response>): Promise<Json> {
  const { status, ok, ...rest } = await answer.then(async (got) => ({
    ...{ status: got.status, ok: got.ok, text: await got.text() },
  }));
  if (!ok) throw new Error(`${status}: ${rest.text}`);
  return JSON.parse(rest.text);
}

const posted = (body: unknown, headers: Record<string, string> = {}): RequestInit => ({
  method: "POST",
  headers: { "content-type": "application/json", ...headers },
  body: JSON.stringify(body),
});

function formOf(fields: [name: string, value: string | Buffer][]): FormData {
  const form = new FormData();
  for (const [name, value] of fields) {
    if (typeof value === "string") form.append(name, value);
    else form.append(name, new Blob([new Uint8Array(value)], { type: "image/png" }), "p.png");
  }
  return form;
}

interface Socket {
  frames: Json[];
  /** Resolves with the first text frame like that, also one that came before. */
  frame(isIt: (frame: Json) => boolean): Promise<Json>;
}

/** Binary frames are skipped, as all of them do. */
async function listen(clientId: string, headers: Record<string, string> = {}): Promise<Socket> {
  const url = (easel.server.own.comfyuiPort ?? "").replace("http", "ws");
  const socket = new WebSocket(`${url}/ws?clientId=${clientId}`, { headers });
  onTestFinished(() => socket.terminate());
  const frames: Json[] = [];
  socket.on("message", (data, isBinary) => {
    if (!isBinary) frames.push(JSON.parse(String(data)));
    socket.emit("read");
  });
  await once(socket, "open");
  return {
    frames,
    async frame(isIt) {
      for (;;) {
        const found = frames.find(isIt);
        if (found) return found;
        await once(socket, "read");
      }
    },
  };
}

const isEndOf = (id: string) => (frame: Json) =>
  frame.type === "executing" && frame.data.node === null && frame.data.prompt_id === id;

const broken: Graph = { "1": emptyImage(), "2": saveImage(["1", 0]) };

function view({ filename, subfolder, type }: Json): string {
  return `/view?${new URLSearchParams({ filename, subfolder, type })}`;
}

test("Open WebUI on ComfyUI: empty Bearer, socket first, the end also after a failure", async () => {
  const headers = { authorization: "Bearer ", "user-agent": "Mozilla/5.0 (Windows NT 10.0)" };
  const info = await json(comfyui("/object_info", { headers }));
  const clientId = randomUUID();
  const socket = await listen(clientId, headers);
  const uploaded = await json(
    comfyui("/api/upload/image", {
      ...{ method: "POST", headers },
      body: formOf([
        ["image", await square(64, "#3355aa")],
        ["type", "input"],
      ]),
    }),
  );
  const graph: Graph = {
    "1": { class_type: "LoadImage", inputs: { image: uploaded.name } },
    "9": saveImage(["1", 0]),
  };
  const { prompt_id: id } = await json(
    comfyui("/prompt", posted({ prompt: graph, client_id: clientId }, headers)),
  );
  await socket.frame(isEndOf(id));
  const { outputs } = (await json(comfyui(`/history/${id}`, { headers })))[id];
  const [file] = outputs["9"].images;
  const picture = await comfyui(view(file), { headers });
  easel.emulator.faults.raiseOutOfMemory("EmptyImage");
  const failed = await json(
    comfyui("/prompt", posted({ prompt: broken, client_id: clientId }, headers)),
  );
  await socket.frame(isEndOf(failed.prompt_id));
  easel.emulator.faults.clear();

  expect(info["CheckpointLoaderSimple"].input.required.ckpt_name[0]).toBeInstanceOf(Array);
  expect(file.type).toBe("output");
  expect(picture.headers.get("content-type")).toBe("image/png");
  expect(socket.frames.filter(({ type }) => type === "execution_error")).toHaveLength(1);
});

test("SillyTavern on ComfyUI: text/plain, the whole history over and over, interrupt without an id", async () => {
  const info = await json(comfyui("/object_info"));
  const made = async (graph: Graph): Promise<Json> => {
    const { prompt_id: id } = await json(
      comfyui("/prompt", {
        ...{ method: "POST", headers: { "content-type": "text/plain;charset=UTF-8" } },
        body: JSON.stringify({ prompt: graph }),
      }),
    );
    return { id, entry: async () => (await json(comfyui("/history")))[id] };
  };
  const ended = async ({ entry }: Json): Promise<Json> => {
    for (;;) {
      const found = await entry();
      if (found) return found;
    }
  };
  const { outputs } = await ended(await made(tinyGraph()));
  const [file] = Object.values<Json>(outputs).flatMap((each) => each.images ?? each.gifs ?? []);
  const picture = await comfyui(view(file));
  easel.emulator.faults.raiseOutOfMemory("EmptyImage");
  const { status } = await ended(await made(broken));
  easel.emulator.faults.clear();
  const hold = easel.emulator.hold("EmptyImage");
  const left = await made(tinyGraph());
  while ((await json(comfyui("/queue"))).queue_running.length === 0);
  const stopped = await comfyui("/interrupt", { method: "POST" });
  const interrupted = await ended(left);
  hold.release();

  expect((await json(comfyui("/system_stats"))).system).toBeDefined();
  const choices = ["sampler_name", "scheduler"].map(
    (name) => info["KSampler"].input.required[name][0],
  );
  for (const list of choices) expect(list).toBeInstanceOf(Array);
  expect(info["UNETLoader"].input.required.unet_name[0]).toBeInstanceOf(Array);
  expect(info["VAELoader"].input.required.vae_name[0]).toBeInstanceOf(Array);
  expect(picture.status).toBe(200);
  expect(status.status_str).toBe("error");
  expect(status.messages.find(([type]: Json) => type === "execution_error")[1]).toMatchObject({
    ...{ node_type: "EmptyImage", node_id: "1" },
    exception_message: expect.stringContaining("out of memory"),
  });
  expect(stopped.status).toBe(200);
  expect(interrupted.status.messages.map(([type]: Json) => type)).toContain(
    "execution_interrupted",
  );
});

test("Dify on ComfyUI: no Content-Type, overwrite as a file, history by query, status counts its own", async () => {
  const folders = await json(comfyui("/models"));
  const checkpoints = await json(comfyui("/models/checkpoints"));
  const node = await json(comfyui("/object_info/KSampler"));
  const uploaded = await json(
    comfyui("/upload/image", {
      method: "POST",
      body: formOf([
        ["image", await square(64, "#aa5533")],
        ["overwrite", Buffer.from("true")],
      ]),
    }),
  );
  const clientId = randomUUID();
  const hold = easel.emulator.hold("EmptyImage");
  const body = JSON.stringify({
    ...{ client_id: clientId, prompt: tinyGraph(), extra_data: { api_key_comfy_org: "" } },
  });
  // A body of bytes is sent without a type.
  const sent = await json(comfyui("/prompt", { method: "POST", body: Buffer.from(body) }));
  const socket = await listen(clientId, { authorization: "Bearer " });
  const first = await socket.frame(({ type }) => type === "status");
  hold.release();
  const last = await socket.frame(
    ({ type, data }) => type === "status" && data.status.exec_info.queue_remaining === 0,
  );
  await socket.frame(isEndOf(sent.prompt_id));
  const history = await json(comfyui(`/history?prompt_id=${sent.prompt_id}`));

  expect(folders).toContain("checkpoints");
  expect(checkpoints).toContain("v1-5-pruned-emaonly-fp16.safetensors");
  expect(node["KSampler"].input.required.sampler_name[0]).toContain("euler");
  expect(uploaded).toMatchObject({ name: "p.png", type: "input" });
  expect(sent.error).toBeUndefined();
  expect(first.data.status.exec_info.queue_remaining).toBe(1);
  expect(first.data.sid).toBe(clientId);
  expect(last).toBeDefined();
  expect(Object.keys(history)).toContain(sent.prompt_id);
  expect((await comfyui(view(history[sent.prompt_id].outputs["2"].images[0]))).status).toBe(200);
});

test("n8n on ComfyUI: an id is in the queue or in the history, never in neither", async () => {
  const execution = "?execution_id=4711";
  await json(comfyui(`/system_stats${execution}`));
  const body = { prompt: tinyGraph(), execution_id: "4711" };
  const { prompt_id: id } = await json(
    comfyui(`/prompt${execution}`, posted(body, { authorization: "Bearer key" })),
  );
  for (;;) {
    const { queue_running: running, queue_pending: pending } = await json(comfyui("/queue"));
    if (![...running, ...pending].some(([, each]) => each === id)) break;
  }
  const entry = (await json(comfyui(`/history/${id}`)))[id];
  const reduced = Object.fromEntries(
    Object.entries(tinyGraph()).map(([node, { inputs, class_type: type }]) => {
      return [node, { inputs, class_type: type }];
    }),
  );
  const other = await json(comfyui("/prompt", posted({ prompt: reduced, client_id: "n8n" })));
  let completed = false;
  while (!completed) {
    const polled = await json(comfyui(`/history/${other.prompt_id}`));
    completed = polled[other.prompt_id]?.status.completed ?? false;
  }

  expect(entry.status).toMatchObject({ completed: true, status_str: "success" });
  expect(entry.status.messages).toBeInstanceOf(Array);
  expect(entry.outputs["2"].images[0].type).toBe("output");
  expect((await json(comfyui("/history?limit=1")))[other.prompt_id]).toBeDefined();
});

const basic = { authorization: `Basic ${btoa("user:password")}` };

test("Open WebUI on AUTOMATIC1111, its default engine", async () => {
  const headers = { authorization: "" };
  const options = await json(webui("/options", { headers }));
  const models = await json(webui("/sd-models", { headers }));
  const [, model] = models;
  await json(webui("/options", posted({ ...options, sd_model_checkpoint: model.model_name })));
  const current = await json(webui("/options", { headers: basic }));
  const made = await json(
    webui(
      "/txt2img",
      posted(
        {
          prompt: "a boat",
          batch_size: 2,
          width: 64,
          height: 64,
          steps: 4,
          negative_prompt: "rain",
        },
        basic,
      ),
    ),
  );
  await json(webui("/options", posted({ ...options, sd_model_checkpoint: "" })));

  expect(model).toMatchObject({ title: expect.any(String), model_name: expect.any(String) });
  expect(current.sd_model_checkpoint).toBe(model.model_name);
  expect(made.images).toHaveLength(2);
  expect(JSON.parse(made.info)).toMatchObject({ width: 64 });
});

test("SillyTavern on AUTOMATIC1111: its lists, its whole form, and the stop when its user leaves", async () => {
  const names = async (path: string) =>
    (await json(webui(path, { headers: basic }))).map(({ name }: Json) => name);
  const upscalers = await names("/upscalers");
  upscalers.splice(1, 0, ...(await names("/latent-upscale-modes")));
  const [samplers, schedulers] = [await names("/samplers"), await names("/schedulers")];
  const vaes = (await json(webui("/sd-vae"))).map(({ model_name: name }: Json) => name);
  const [{ title }] = await json(webui("/sd-models"));
  await json(webui("/options", posted({ sd_model_checkpoint: title }, basic)));
  const idle = await json(webui("/progress"));
  const form = {
    ...{ url: "http://127.0.0.1:7860", auth: "user:password", prompt: "a boat" },
    ...{ negative_prompt: "rain", sampler_name: samplers[0], scheduler: schedulers[2], steps: 4 },
    ...{ cfg_scale: 7, width: 64, height: 64, restore_faces: false, enable_hr: false },
    ...{ hr_upscaler: "Latent", hr_scale: 1, denoising_strength: 0.7, hr_second_pass_steps: 0 },
    override_settings: { CLIP_stop_at_last_layers: 1 },
    ...{ override_settings_restore_afterwards: true, clip_skip: 1, save_images: true },
    ...{ send_images: true, do_not_save_grid: false, do_not_save_samples: false },
  };
  const made = await json(webui("/txt2img", posted(form, basic)));
  const hold = easel.emulator.hold("VAEDecode");
  const leaving = new AbortController();
  const left = webui("/txt2img", {
    ...posted({ ...form, seed: 3 }, basic),
    signal: leaving.signal,
  });
  await hold.reached;
  const working = await json(webui("/progress"));
  const gone = expect(left).rejects.toThrow();
  leaving.abort();
  await gone;
  await json(webui("/interrupt", { method: "POST", headers: basic }));
  hold.release();

  expect([upscalers[0], upscalers.length > 2, vaes.length > 0]).toEqual(["None", true, true]);
  expect(idle).toMatchObject({ progress: 0, state: { job_count: 0 } });
  expect(working).toMatchObject({ progress: expect.any(Number), state: { job_count: 1 } });
  expect(working.progress).toBeGreaterThan(0);
  expect(made.images).toHaveLength(1);
  // A password for somebody else's door is nobody's business.
  expect(JSON.stringify(made)).not.toContain("password");
  expect(made.warnings).toBeUndefined();
  await expect.poll(async () => (await easel.newest()).state).toBe("cancelled");
});

test("LibreChat and KoboldAI Lite on AUTOMATIC1111", async () => {
  const chat = await json(
    webui(
      "/txt2img",
      posted({
        prompt: "a boat",
        negative_prompt: "rain",
        cfg_scale: 4.5,
        steps: 4,
        width: 64,
        height: 64,
      }),
    ),
  );
  const info = JSON.parse(chat.info);
  const { samples_format: format } = await json(webui("/options"));
  const kobold = await json(
    webui(
      "/img2img",
      posted({
        ...{
          prompt: "a boat",
          seed: 8,
          sampler_name: "Euler a",
          batch_size: 1,
          n_iter: 1,
          steps: 4,
        },
        ...{ cfg_scale: 5, width: 64, height: 64, negative_prompt: "", do_not_save_samples: false },
        ...{ do_not_save_grid: true, enable_hr: false, eta: 0, s_churn: 0, s_tmax: 0, s_tmin: 0 },
        ...{ s_noise: 1, denoising_strength: 0.6 },
        init_images: [(await square(64, "#3355aa")).toString("base64")],
        override_settings: {
          ...{ sd_model_checkpoint: "Automatic", eta_noise_seed_delta: 0 },
          ...{ CLIP_stop_at_last_layers: 1, ddim_discretize: "uniform", img2img_fix_steps: false },
          ...{ sd_hypernetwork: "None", inpainting_mask_weight: 1, initial_noise_multiplier: 1 },
          comma_padding_backtrack: 20,
        },
      }),
    ),
  );

  expect(info).toMatchObject({ height: 64, width: 64, seed: expect.any(Number) });
  expect(info.infotexts[0]).toMatch(/^a boat\nNegative prompt: rain\nSteps: 4/);
  expect(format).toBe("png");
  expect(kobold.images).toHaveLength(1);
  expect(kobold.warnings).toBeUndefined();
});

/** As `openai` 6 for JavaScript sends them. */
const stainless = {
  authorization: "Bearer sk-none",
  accept: "application/json",
  "user-agent": "OpenAI/JS 6.49.0",
  "x-stainless-lang": "js",
  "x-stainless-package-version": "6.49.0",
  "x-stainless-os": "Linux",
  "x-stainless-arch": "x64",
  "x-stainless-runtime": "node",
  "x-stainless-runtime-version": "v20.18.0",
  "x-stainless-retry-count": "0",
  "x-stainless-timeout": "600",
};

test("the official client for JavaScript: pictures, edits, a stream, models, and what it throws", async () => {
  const made = await json(
    openai(
      "/images/generations",
      posted({ model: "checkpoint", prompt: "a boat", n: 1, size: "64x64" }, stainless),
    ),
  );
  const image = await square(64, "#3355aa");
  const edited = await json(
    openai("/images/edits", {
      ...{ method: "POST", headers: stainless },
      body: formOf([
        ...([
          ["image[]", image],
          ["model", "checkpoint"],
          ["prompt", "a hat"],
        ] as [string, string | Buffer][]),
        ["mask", await square(64, "#ffffff", true)],
      ]),
    }),
  );
  const streamed = await openai(
    "/images/generations",
    posted({ model: "checkpoint", prompt: "a boat", size: "64x64", stream: true }, stainless),
  );
  const events = [...(await streamed.text()).matchAll(/^data: (.+)$/gm)].map(([, data]) =>
    JSON.parse(data ?? ""),
  );
  const models = await json(openai("/models", { headers: stainless }));
  const wrong = await openai(
    "/images/generations",
    posted({ model: "none-such", prompt: "a boat" }, stainless),
  );

  for (const { data } of [made, edited]) {
    const { width } = await sharp(Buffer.from(data[0].b64_json, "base64")).metadata();
    expect(width).toBe(64);
  }
  expect(events.map(({ type }) => type)).toEqual(["image_generation.completed"]);
  expect(models.data[0]).toMatchObject({ object: "model", id: expect.any(String) });
  expect([wrong.status, wrong.headers.get("x-should-retry")]).toEqual([404, "false"]);
});

test("Open WebUI, LibreChat, Dify and n8n on OpenAI's images API, and Azure's addresses", async () => {
  const size = { size: "64x64", model: "checkpoint" };
  const openWebui = await json(
    openai(
      "/images/generations?api-version=2025-04-01",
      posted({ prompt: "a boat", n: 1, ...size, response_format: "b64_json" }),
    ),
  );
  const own = {
    ...{ prompt: "a boat", n: 1, background: "auto", output_format: "webp", ...size },
    ...{ output_compression: 80, quality: "auto", moderation: "auto" },
  };
  const libreChat = await json(openai("/images/generations", posted(own)));
  const azure = await json(
    fetch(
      `${easel.server.url}/openai/deployments/checkpoint/images/generations?api-version=2025-04-01-preview`,
      posted(own, { "api-key": "an-azure-key" }),
    ),
  );
  const n8nModels = await json(openai("/models"));
  const n8n = await json(
    openai(
      "/images/generations",
      posted({ prompt: "a boat", ...size, response_format: "url", n: 1, quality: "standard" }),
    ),
  );
  const picture = await fetch(n8n.data[0].url, { headers: { authorization: "Bearer key" } });
  const image = await square(64, "#3355aa");
  const dify = await json(
    openai("/images/edits", {
      method: "POST",
      body: formOf([
        ...([
          ["image[]", image],
          ["image[]", image],
          ["prompt", "a hat"],
        ] as [string, string | Buffer][]),
        ...([
          ["model", "checkpoint"],
          ["quality", "auto"],
          ["size", "auto"],
        ] as [string, string][]),
      ]),
    }),
  );

  for (const { data } of [openWebui, libreChat, azure, dify]) {
    expect(data[0].b64_json.length).toBeGreaterThan(100);
  }
  expect(n8nModels.data.length).toBeGreaterThan(1);
  expect(picture.headers.get("content-type")).toBe("image/png");
});

// The last one: what was asked of ComfyUI here is never answered.
test("on ComfyUI all is answered without waiting for one that says nothing", async () => {
  const clientId = randomUUID();
  const kept = await json(comfyui("/prompt", posted({ prompt: tinyGraph(), client_id: clientId })));
  const find = async () => (await json(comfyui(`/history/${kept.prompt_id}`)))[kept.prompt_id];
  while (!(await find()));
  const [file] = (await find()).outputs["2"].images;
  const { faults } = easel.emulator;
  faults.failRequests = ["/*", "/*/*", "/*/*/*"].map((path) => ({
    ...{ path, times: Number.POSITIVE_INFINITY, answer: "silence" as const },
  }));

  // Whoever asked ComfyUI for these would be given nothing.
  const sent = await json(comfyui("/prompt", posted({ prompt: tinyGraph(), client_id: clientId })));
  const all = await json(comfyui("/history"));
  const one = await find();
  const picture = await comfyui(view(file));
  const queue = await json(comfyui("/queue"));
  const { outputs } = one;
  await comfyui("/queue", posted({ clear: true }));

  expect(Object.keys(all)).toContain(kept.prompt_id);
  expect(outputs["2"].images[0]).toEqual(file);
  expect(picture.headers.get("content-type")).toBe("image/png");
  expect(queue.queue_pending.map(([, id]: Json) => id)).toEqual([sent.prompt_id]);
});
