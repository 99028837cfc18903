import { Hono } from "hono";
import sharp from "sharp";
import type { Config } from "../../src/config.ts";
import type { Emulator } from "../../src/emulator/emulator.ts";
import { defaultModels } from "../../src/emulator/models.ts";
import type { FooocusEnv } from "../../src/faces/fooocus/env.ts";
import { fooocusApp } from "../../src/faces/fooocus/routes.ts";
import { webhookBody } from "../../src/faces/fooocus/webhook.ts";
import { scopesWithImplied } from "../../src/studio/caller.ts";
import { startApp, startEmulator, type World } from "../support/world.ts";

export const base = "http://127.0.0.1:7866";

/** What Fooocus's own models are in a ComfyUI that has them. */
export const guidedModels = {
  ...defaultModels,
  checkpoints: [...(defaultModels["checkpoints"] ?? []), "sd_xl_refiner_1.0.safetensors"],
  ipadapter: [
    "ip-adapter-plus_sdxl_vit-h.safetensors",
    "ip-adapter-plus-face_sdxl_vit-h.safetensors",
  ],
  clip_vision: ["CLIP-ViT-H-14-laion2B-s32B-b79K.safetensors"],
  controlnet: ["control-lora-canny-rank128.safetensors", "fooocus_xl_cpds_128.safetensors"],
  vae: [...(defaultModels["vae"] ?? []), "sdxl_vae.safetensors"],
};

/** What is painted quickest: the emulator's time goes by pixels. */
export const small = {
  prompt: "a boat",
  base_model_name: "v1-5-pruned-emaonly-fp16.safetensors",
  aspect_ratios_selection: "512*512",
};

export type FooocusRecord = {
  task_id: string;
  task_status: string | null;
  result: string[] | null;
  req_params: Record<string, unknown>;
  warnings?: string[];
  [key: string]: unknown;
};

export type Graph = Record<string, { class_type: string; inputs: Record<string, unknown> }>;

export interface Fooocus {
  world: World;
  emulator: Emulator;
  request(path: string, init?: RequestInit): Promise<Response>;
  /** As the documents' clients send it: JSON without a Content-Type. */
  post(path: string, body: unknown, headers?: Record<string, string>): Promise<Response>;
  /** The finished record of a call. */
  made(body: Record<string, unknown>): Promise<FooocusRecord>;
  /** The graph ComfyUI got for the first picture of a task. */
  graph(id: string, picture?: number): Promise<Graph>;
}

/** The face below a parent that knows its caller, as the server's guards would. */
export async function startFooocus(
  models: Record<string, string[]> = guidedModels,
  config: Partial<Config> = {},
): Promise<Fooocus> {
  const emulator = await startEmulator({ models });
  const world = await startApp(emulator.url, config, {
    webhookShapes: { fooocus: { ended: webhookBody } },
  });
  const parent = new Hono<FooocusEnv>();
  const scopes = scopesWithImplied(["generate", "delete"]);
  parent.use(async (c, next) => {
    const studio = world.app.studio({ name: "anna", scopes, folders: { roots: [] } });
    c.set("studio", studio.through("fooocus"));
    c.set("base", base);
    await next();
  });
  parent.route("/", fooocusApp({ log: world.log }, "/"));
  const request = async (path: string, init?: RequestInit) => parent.request(path, init);
  const post: Fooocus["post"] = (path, body, headers = {}) =>
    request(path, { method: "POST", body: new Blob([JSON.stringify(body)]), headers });
  return {
    world,
    emulator,
    request,
    post,
    async made(body) {
      const answer = await post("/v1/engine/generate/", { ...small, ...body });
      if (answer.status !== 200) throw new Error(await answer.text());
      return (await answer.json()) as FooocusRecord;
    },
    async graph(id, picture = 0) {
      const task = await world.deps.studio.get(id);
      const promptId = task.runs[picture]?.promptId ?? "";
      const answer = await fetch(`${emulator.url}/history/${promptId}`);
      const history = (await answer.json()) as Record<string, { prompt: unknown[] }>;
      return history[promptId]?.prompt[2] as Graph;
    },
  };
}

/** The inputs of the only node of a class. */
export function inputsOf(graph: Graph, classType: string): Record<string, unknown> {
  const [node, ...more] = Object.values(graph).filter((each) => each.class_type === classType);
  if (!node || more.length > 0) throw new Error(`${classType}: not exactly one in the graph`);
  return node.inputs;
}

export async function picture(color = "#808080", width = 64, height = 48): Promise<string> {
  const png = await sharp({ create: { width, height, channels: 3, background: color } })
    .png()
    .toBuffer();
  return png.toString("base64");
}
