import type { Studio } from "../../studio/studio.ts";
import type { Upload } from "../../tasks/uploads.ts";
import { Unprocessable } from "../shared/fastapi.ts";
import { type FieldName, fields, promptTypes } from "./fields.ts";
import { fault, noPicture, type Values } from "./read.ts";

/** The pictures of a call, kept before it is a task: what they are made of depends on their sizes. */
export type Pictures = Partial<Record<FieldName, Upload>>;

export type PromptType = (typeof promptTypes)[number];

/** A picture that a picture is made after. */
export interface ImagePrompt {
  picture: Upload;
  type: PromptType;
  /** 0-2 */
  weight: number;
  /** Share of the sampling after which it counts no more, 0-1. */
  stop: number;
}

const mostPrompts = 4;

/** What Fooocus's page sets for each type, which 0 stands for in older calls. */
const usual: Readonly<Record<PromptType, { stop: number; weight: number }>> = {
  ImagePrompt: { stop: 0.5, weight: 0.6 },
  FaceSwap: { stop: 0.9, weight: 0.75 },
  PyraCanny: { stop: 0.5, weight: 1 },
  CPDS: { stop: 0.5, weight: 1 },
};

/** Of a call's own default. */
const standard = 0.6;

/** Keeps every picture that the call names. Throws `invalid_input`, naming its field. */
export async function bringPictures(
  studio: Studio,
  values: Values,
  base: string,
): Promise<Pictures> {
  const pictures: Pictures = {};
  for (const name of Object.keys(fields) as FieldName[]) {
    const given = values[name];
    if (fields[name].type !== "image" || typeof given !== "string") continue;
    pictures[name] = await studio.pictures.bring(name, ownReference(given, base));
  }
  return pictures;
}

/** `controlnet_image`, without the places that hold no picture. */
export async function bringPrompts(
  studio: Studio,
  values: Values,
  base: string,
): Promise<{ prompts: ImagePrompt[]; warnings: string[] }> {
  const given = Array.isArray(values.controlnet_image) ? values.controlnet_image : [];
  const named = given.filter(hasPicture);
  const prompts: ImagePrompt[] = [];
  for (const [i, entry] of named.slice(0, mostPrompts).entries()) {
    const type = typeOf(entry, i);
    const image = ownReference(String(entry["cn_img"]), base);
    const picture = await studio.pictures.bring(`controlnet_image.${i}.cn_img`, image);
    const weight = numberIn(entry, i, "cn_weight", 2);
    const stop = numberIn(entry, i, "cn_stop", 1);
    prompts.push({
      picture,
      type,
      weight: weight ?? usual[type].weight,
      stop: stop ?? usual[type].stop,
    });
  }
  const left = named.length - prompts.length;
  const warnings =
    left > 0
      ? [`controlnet_image: only the first ${mostPrompts} are used; ${left} are left out.`]
      : [];
  return { prompts, warnings };
}

export function hasPicture({ cn_img: image }: Record<string, unknown>): boolean {
  return typeof image === "string" && !noPicture.test(image.trim());
}

function typeOf(entry: Record<string, unknown>, index: number): PromptType {
  const given = entry["cn_type"] ?? "ImagePrompt";
  const type = promptTypes.find((each) => each === given);
  if (type) return type;
  const msg = `Input should be ${promptTypes.map((each) => `'${each}'`).join(" or ")}`;
  throw new Unprocessable([fault("enum", ["controlnet_image", index, "cn_type"], msg, given)]);
}

/** Left out, the field's default; 0, what is usual for the type. */
function numberIn(
  entry: Record<string, unknown>,
  index: number,
  name: "cn_weight" | "cn_stop",
  most: number,
): number | undefined {
  const given = entry[name] ?? standard;
  const value = typeof given === "string" || typeof given === "number" ? Number(given) : Number.NaN;
  if (value >= 0 && value <= most) return value === 0 ? undefined : value;
  const msg = `Input should be a number from 0 to ${most}`;
  throw new Unprocessable([fault("float_parsing", ["controlnet_image", index, name], msg, given)]);
}

/** A picture that this server itself gave out is not fetched, but known by its address. */
function ownReference(given: string, base: string): string {
  if (!given.startsWith(`${base}/`)) return given;
  const path = given.slice(base.length).replace(/[?#].*$/, "");
  const result = /^\/(?:outputs|files)\/.*?(t[0-9a-z]{16}-\d+)(?:\.\w+)?$/.exec(path)?.[1];
  const input = /^\/inputs\/([0-9a-f]{64})(?:\.\w+)?$/.exec(path)?.[1];
  return result ?? (input === undefined ? given : `u${input}`);
}
