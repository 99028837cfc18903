import { mostLoras } from "../../workflows/loras.ts";
import { fileOf } from "./names.ts";
import { noEffect } from "./warnings.ts";

export interface Lora {
  /** As ComfyUI spells it, once it was found. */
  name: string;
  weight: number;
}

export interface Picked {
  loras: Lora[];
  /** What has no effect, and why. */
  problems: string[];
}

/** Of those that are asked for the ones that are installed, as many as can be combined. */
export function pickLoras(asked: readonly Lora[], installed: readonly string[]): Picked {
  const found = asked.map(({ name, weight }) => ({ name, weight, file: fileOf(name, installed) }));
  const loras = found.flatMap(({ file, weight }) =>
    file === undefined ? [] : [{ name: file, weight }],
  );
  const missing = found.filter(({ file }) => file === undefined);
  const more = loras.length - mostLoras;
  return {
    loras: loras.slice(0, mostLoras),
    problems: [
      ...missing.map(({ name }) =>
        noEffect("loras", `${JSON.stringify(name.slice(0, 80))} is not installed on this ComfyUI`),
      ),
      ...(more > 0 ? [`loras: at most ${mostLoras} can be combined; ${more} are left out.`] : []),
    ],
  };
}

/** What ComfyUI's loaders are given at most here. */
export function limited(weight: number): number {
  return Number.isFinite(weight) ? Math.min(2, Math.max(-2, weight)) : 1;
}

/** `<lora:NAME>` and `<lora:NAME:WEIGHT>` taken out of a prompt; what stands behind the weight is for parts of a model. */
export function lorasIn(prompt: string): { prompt: string; loras: Lora[] } {
  const loras: Lora[] = [];
  const rest = prompt.replace(
    /<lora:([^:<>]{1,200})(?::([+-]?(?:\d+\.?\d*|\.\d+))(?::[^<>]{0,200})?)?>/g,
    (_, name: string, weight = "1") => {
      loras.push({ name, weight: Number(weight) });
      return "";
    },
  );
  return { prompt: rest.replace(/[ ,]*,[ ,]*(?=,|$)/gm, "").trim(), loras };
}
