import { isRecord } from "../shared/body.ts";

/** How the older server calls what it makes. */
export const jobs = {
  text: "Text to Image",
  uov: "Image Upscale or Variation",
  inpaint: "Image Inpaint or Outpaint",
  prompt: "Image Prompt",
  enhance: "Image Enhancement",
} as const;

export type Job = keyof typeof jobs;

/** Fields under another name there. */
const renamed: Readonly<Record<string, string>> = {
  upscale_value: "upscale_multiple",
  save_meta: "save_metadata_to_images",
  meta_scheme: "metadata_scheme",
  save_extension: "output_format",
  image_prompts: "controlnet_image",
  input_mask: "inpaint_mask_image_upload",
};

const distances = ["left", "top", "right", "bottom"] as const;
const prompts = [1, 2, 3, 4] as const;

/** A call of the older server, JSON or a form, as one of the newer. */
export function fromOlder(
  body: Readonly<Record<string, unknown>>,
  job: Job,
): Record<string, unknown> {
  const { advanced_params: advanced, ...rest } = unpacked(body);
  const flat = { ...(isRecord(advanced) ? advanced : {}), ...rest };
  const call: Record<string, unknown> = {};
  const place = job === "uov" ? "uov_input_image" : "inpaint_input_image";
  for (const [name, value] of Object.entries(flat)) {
    if (/^outpaint_distance_|^cn_(img|stop|weight|type)[1-4]$/.test(name)) continue;
    if (name === "input_image") call[place] = value;
    else call[renamed[name] ?? name] = value;
  }
  if (distances.some((side) => flat[`outpaint_distance_${side}`] !== undefined)) {
    const all = distances.map((side) =>
      Math.max(0, Number(flat[`outpaint_distance_${side}`] ?? 0)),
    );
    call["outpaint_distance"] = all;
  }
  const given = prompts.filter(
    (n) => flat[`cn_img${n}`] !== undefined && flat[`cn_img${n}`] !== "",
  );
  if (given.length > 0) {
    call["controlnet_image"] = given.map((n) => ({
      cn_img: flat[`cn_img${n}`],
      ...present("cn_stop", flat[`cn_stop${n}`]),
      ...present("cn_weight", flat[`cn_weight${n}`]),
      ...present("cn_type", flat[`cn_type${n}`]),
    }));
  }
  // There it combines pictures to go by with what they are given beside, without being asked.
  if (job === "prompt") call["mixing_image_prompt_and_inpaint"] ??= true;
  return call;
}

/** A form holds lists and records as text. */
function unpacked(body: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const read = { ...body };
  for (const name of ["loras", "advanced_params"]) {
    const value = read[name];
    if (typeof value === "string") read[name] = jsonIn(value);
  }
  for (const name of ["style_selections", "outpaint_selections"]) {
    const value = read[name];
    if (typeof value !== "string") continue;
    read[name] = value
      .split(",")
      .map((part) => part.trim())
      .filter((part) => part !== "");
  }
  return Object.fromEntries(Object.entries(read).filter(([, value]) => value !== undefined));
}

function jsonIn(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text.trim() === "" ? undefined : text;
  }
}

function present(name: string, value: unknown): Record<string, unknown> {
  return value === undefined || value === "" ? {} : { [name]: value };
}
