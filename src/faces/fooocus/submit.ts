import { AppError } from "../../errors.ts";
import type { Task } from "../../tasks/task.ts";
import type { TaskRequest } from "../../workflows/request.ts";
import { bringPictures, bringPrompts, hasPicture, type Pictures } from "./bring.ts";
import type { Call } from "./call.ts";
import type { FooocusContext } from "./env.ts";
import { type Here, mapCall } from "./map.ts";
import type { Read, Values } from "./read.ts";
import { noEffect } from "./wishes.ts";
import { text } from "./words.ts";

/** How long a ComfyUI that is being started is waited for. */
const patienceMs = 45_000;

export interface Asked extends Read {
  /** One picture, whatever the call says. */
  one?: boolean;
  /** The older server's name of it. */
  job?: string;
}

/** A call as a task on record. Throws what is wrong with it. */
export async function submit(c: FooocusContext, asked: Asked): Promise<Task> {
  const studio = c.get("studio").through("fooocus");
  const base = c.get("base");
  const { values, one = false, job } = asked;
  const here = await hereOf(c);
  const pictures = await bringPictures(studio, values, base);
  const { prompts, warnings } = await bringPrompts(studio, values, base);
  const mapped = mapCall(values, pictures, prompts, here, one);
  const call: Call = {
    face: "fooocus",
    params: recorded(
      mapped.values,
      pictures,
      prompts.map(({ picture }) => picture.id),
    ),
    warnings: [...asked.warnings, ...warnings, ...mapped.warnings],
    base,
    ...(job === undefined ? {} : { job }),
  };
  const url = text(values.webhook_url);
  return leniently(mapped.request, call, (request) =>
    studio.submit(mapped.tool, request, {
      call: { ...call },
      webhook: url === "" ? undefined : { url, shape: "fooocus" },
      patienceMs,
      previews: wantsPreviews(values),
      signal: c.req.raw.signal,
    }),
  );
}

/** A stream shows them, and whoever has only an id asks for them. */
function wantsPreviews(values: Values): boolean {
  const looks = values.stream_output === true || values.async_process === true;
  return looks && values.disable_preview !== true;
}

async function hereOf(c: FooocusContext): Promise<Here> {
  const studio = c.get("studio");
  const { states, unlisted = [] } = await studio.workflows();
  const installed = await studio.installed().catch((error) => {
    if (error instanceof AppError && error.code === "comfy_unreachable") return undefined;
    throw error;
  });
  const styles = studio.styles().map(({ name }) => name);
  const workflows = [...states, ...unlisted];
  return { styles, workflows, installed: installed ?? { models: [], loras: [] } };
}

/** Names that Fooocus falls back from when they mean nothing to it. */
const named = {
  model: "base_model_name",
  sampler: "sampler_name",
  scheduler: "scheduler_name",
  vae: "vae_name",
  refiner: "refiner_model_name",
} as const;

/** A name that this ComfyUI does not have is left out and told, as nothing else hangs on it. */
async function leniently(
  request: TaskRequest,
  call: Call,
  take: (request: TaskRequest) => Promise<Task>,
): Promise<Task> {
  try {
    return await take(request);
  } catch (error) {
    const [, name = "", reason = ""] =
      error instanceof AppError ? (/^(\w+): (.*)$/s.exec(error.message) ?? []) : [];
    const less = Object.hasOwn(named, name) ? without(request, name) : undefined;
    if (!less) throw error;
    call.warnings.push(noEffect(named[name as keyof typeof named], reason.replace(/\.$/, "")));
    return leniently(less, call, take);
  }
}

/** Undefined where the request does not have it. */
function without(request: TaskRequest, name: string): TaskRequest | undefined {
  const { model, ...rest } = request;
  if (name === "model") return model === undefined ? undefined : rest;
  const { [name]: given, ...parameters } = request.parameters;
  // Without a refiner nobody takes over.
  if (name === "refiner") delete parameters["switch_at_step"];
  return given === undefined ? undefined : { ...request, parameters };
}

/** The call with its pictures as ids, which a record can keep. */
function recorded(values: Values, pictures: Pictures, prompts: readonly string[]): Values {
  const all: Record<string, unknown> = { ...values };
  for (const [name, { id }] of Object.entries(pictures)) all[name] = id;
  if (Array.isArray(values.controlnet_image)) {
    const given = values.controlnet_image.filter(hasPicture);
    all["controlnet_image"] = given.map((entry, i) => ({ ...entry, cn_img: prompts[i] ?? "" }));
  }
  return all;
}
