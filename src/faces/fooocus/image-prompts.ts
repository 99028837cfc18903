import type { ImagePrompt, PromptType } from "./bring.ts";
import type { Values } from "./read.ts";
import { noEffect, type Part, type Wish } from "./wishes.ts";

/** The parameters of workflows that go by pictures; each type counts its own. */
const places: Readonly<Record<PromptType, string>> = {
  ImagePrompt: "image_prompt",
  FaceSwap: "face",
  PyraCanny: "canny",
  CPDS: "structure",
};

/** Pictures to go by, as parameters of a workflow that takes them. */
export function wishesOf(prompts: readonly ImagePrompt[], values: Values, tool: string): Part {
  if (prompts.length > 0 && tool === "upscale") {
    const why = "an enlargement goes by its own picture alone";
    return { wishes: [], warnings: [noEffect("controlnet_image", why)] };
  }
  const counts = new Map<PromptType, number>();
  const wishes = prompts.flatMap((prompt) => {
    const place = (counts.get(prompt.type) ?? 0) + 1;
    counts.set(prompt.type, place);
    return wishesFor(prompt, `${places[prompt.type]}_${place}`, values);
  });
  return { wishes, warnings: [] };
}

function wishesFor(
  { picture, type, weight, stop }: ImagePrompt,
  name: string,
  values: Values,
): Wish[] {
  const wish = (parameter: string, value: unknown): Wish => ({
    parameter,
    value,
    field: "controlnet_image",
  });
  const all = [wish(name, picture.id), wish(`${name}_weight`, weight), wish(`${name}_stop`, stop)];
  if (values.skipping_cn_preprocessor === true) return all;
  if (type === "CPDS") return [...all, wish(`${name}_channel`, "green")];
  if (type !== "PyraCanny") return all;
  return [
    ...all,
    wish(`${name}_low`, threshold(values.canny_low_threshold, 64)),
    wish(`${name}_high`, threshold(values.canny_high_threshold, 128)),
  ];
}

/** ComfyUI's Canny counts from 0 to 1 what Fooocus counts to 255. */
function threshold(given: unknown, standard: number): number {
  return Math.min(0.99, Math.max(0.01, Math.round((Number(given ?? standard) / 255) * 100) / 100));
}
