import type { Task } from "../../tasks/task.ts";
import { hereOf } from "../shared/here.ts";
import { leniently, patienceMs } from "../shared/lenient.ts";
import { bringPictures, bringPrompts, hasPicture, type Pictures } from "./bring.ts";
import type { Call } from "./call.ts";
import type { FooocusContext } from "./env.ts";
import { mapCall } from "./map.ts";
import type { Read, Values } from "./read.ts";
import { noEffect } from "./wishes.ts";
import { text } from "./words.ts";

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
  const here = await hereOf(studio);
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
  const left = (name: string, reason: string) =>
    void call.warnings.push(noEffect(named[name as keyof typeof named], reason));
  return leniently(mapped.request, { names: Object.keys(named), left }, (request) =>
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

/** Names that Fooocus falls back from when they mean nothing to it. */
const named = {
  model: "base_model_name",
  sampler: "sampler_name",
  scheduler: "scheduler_name",
  vae: "vae_name",
  refiner: "refiner_model_name",
} as const;

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
