import { AppError } from "../../errors.ts";
import type { Studio } from "../../studio/studio.ts";
import { filesFor } from "../../workflows/combo.ts";
import type { FaceContext } from "../shared/env.ts";
import { type Here, hereOf } from "../shared/here.ts";
import { stemOf } from "../shared/names.ts";
import { embeddingsOf } from "./embeddings.ts";
import { plainUpscalers } from "./enlarge.ts";
import { automatic, samplers, schedulers } from "./names.ts";
import { titlesOf } from "./options.ts";

/** `GET /sd-models`: files, and workflows by name; the first leaves the choice to this server. */
export async function sdModels(c: FaceContext): Promise<Response> {
  const titles = [automatic, ...titlesOf(await seen(c))];
  return c.json(
    titles.map((title) => ({
      title,
      model_name: stemOf(title),
      hash: null,
      sha256: null,
      filename: title,
      config: null,
    })),
  );
}

async function seen(c: FaceContext): Promise<Here> {
  const studio = c.get("studio");
  studio.demand("read");
  return hereOf(studio);
}

/** `GET /samplers`: those of the web UI that ComfyUI has, then ComfyUI's others by its own names. */
export async function listSamplers(c: FaceContext): Promise<Response> {
  const there = await choicesOf(c, "sampler_name");
  const known = samplers.filter(({ sampler }) => there?.includes(sampler) ?? true);
  const own = there?.filter((name) => !samplers.some(({ sampler }) => sampler === name)) ?? [];
  return c.json([
    ...known.map(({ name, scheduler, aliases }) => ({
      name,
      aliases,
      options: scheduler === undefined ? {} : { scheduler },
    })),
    ...own.map((name) => ({ name, aliases: [], options: {} })),
  ]);
}

/** `GET /schedulers` */
export async function listSchedulers(c: FaceContext): Promise<Response> {
  const there = await choicesOf(c, "scheduler");
  const known = schedulers.filter(({ scheduler }) => there?.includes(scheduler) ?? true);
  const own =
    there?.filter((name) => !schedulers.some(({ scheduler }) => scheduler === name)) ?? [];
  const entry = (name: string, label: string) => ({
    ...{ name, label, aliases: null, default_rho: -1, need_inner_model: false },
  });
  return c.json([
    entry("automatic", automatic),
    ...known.map(({ name, label }) => entry(name, label)),
    ...own.map((name) => entry(name, name)),
  ]);
}

/** Of ComfyUI's own sampler node; undefined while none can be asked. */
async function choicesOf(c: FaceContext, input: string): Promise<string[] | undefined> {
  const studio = c.get("studio");
  studio.demand("read");
  const nodes = await orNothing(() => studio.prompts.comfy.nodes());
  return nodes && filesFor(nodes, "KSampler", input);
}

async function orNothing<T>(ask: () => Promise<T>): Promise<T | undefined> {
  try {
    return await ask();
  } catch (error) {
    if (error instanceof AppError) return undefined;
    throw error;
  }
}

/** `GET /upscalers`; clients put the latent ones, of which there are none here, behind the first. */
export async function listUpscalers(c: FaceContext): Promise<Response> {
  const { installed } = await seen(c);
  const files = installed.models
    .filter(({ tool }) => tool === "upscale")
    .flatMap((each) => each.files);
  return c.json(
    [...plainUpscalers, ...new Set(files)].map((name) => ({
      ...{ name, model_name: files.includes(name) ? stemOf(name) : null, model_path: null },
      ...{ model_url: null, scale: 4 },
    })),
  );
}

/** `GET /sd-vae`, and Forge's `GET /sd-modules` with the text encoders too. */
export function listModules(...folders: string[]): (c: FaceContext) => Promise<Response> {
  return async (c) => {
    const studio = c.get("studio");
    studio.demand("read");
    const files = await Promise.all(folders.map((folder) => filesIn(studio, folder)));
    return c.json(files.flat().map((file) => ({ model_name: file, filename: file })));
  };
}

async function filesIn(studio: Studio, folder: string): Promise<string[]> {
  return (await orNothing(() => studio.prompts.comfy.modelFiles(folder))) ?? [];
}

/** `GET /loras` */
export async function listLoras(c: FaceContext): Promise<Response> {
  const { installed } = await seen(c);
  return c.json(
    installed.loras.map((path) => ({
      name: stemOf(path),
      alias: stemOf(path),
      path,
      metadata: {},
    })),
  );
}

/** `GET /prompt-styles` */
export function listStyles(c: FaceContext): Response {
  const styles = c.get("studio").styles();
  return c.json(
    styles.map(({ name, prompt, negative }) => ({ name, prompt, negative_prompt: negative })),
  );
}

/** `GET /embeddings`: which fit a model shows when they are used. */
export async function listEmbeddings(c: FaceContext): Promise<Response> {
  const studio = c.get("studio");
  studio.demand("read");
  const unknown = {
    step: null,
    sd_checkpoint: null,
    sd_checkpoint_name: null,
    shape: 0,
    vectors: 0,
  };
  const names = (await embeddingsOf(studio)).map(stemOf);
  return c.json({ loaded: Object.fromEntries(names.map((name) => [name, unknown])), skipped: {} });
}

/** `GET /memory`: bytes, of all ComfyUIs together. */
export async function memory(c: FaceContext): Promise<Response> {
  const studio = c.get("studio");
  studio.demand("read");
  const stats = (await orNothing(() => studio.prompts.comfy.systemStats())) ?? [];
  const devices = stats.flatMap((each) => each.devices);
  const amounts = (all: readonly Record<string, unknown>[], kind: "ram" | "vram") => {
    const sum = (name: string) =>
      all.reduce((total, each) => total + (Number(each[`${kind}_${name}`]) || 0), 0);
    const [free, total] = [sum("free"), sum("total")];
    return { free, used: total - free, total };
  };
  const ram = amounts(
    stats.map(({ system }) => ({ ...system })),
    "ram",
  );
  if (devices.length === 0) return c.json({ ram, cuda: { error: "no ComfyUI answers" } });
  return c.json({
    ram,
    cuda: {
      system: amounts(
        devices.map((each) => ({ ...each })),
        "vram",
      ),
    },
  });
}
