import type { Values } from "./read.ts";
import { noEffect } from "./wishes.ts";
import type { Words } from "./words.ts";

export interface Lora {
  /** As ComfyUI spells it. */
  name: string;
  weight: number;
}

const mostLoras = 5;
const standardWeight = 0.5;

/** The LoRAs of a call and of its prompt, as far as they are installed. */
export function addLoras(
  values: Values,
  ofPrompt: Words["loras"],
  installed: readonly string[],
): { loras: Lora[]; warnings: string[] } {
  const given = Array.isArray(values.loras) ? values.loras : [];
  const asked = [...given.flatMap(entryOf), ...ofPrompt];
  const found = asked.map(({ name, weight }) => ({ name, weight, file: fileOf(name, installed) }));
  const loras = found.flatMap(({ file, weight }) =>
    file === undefined ? [] : [{ name: file, weight }],
  );
  const missing = found.filter(({ file }) => file === undefined);
  const more = loras.length - mostLoras;
  return {
    loras: loras.slice(0, mostLoras),
    warnings: [
      ...missing.map(({ name }) =>
        noEffect("loras", `${JSON.stringify(name.slice(0, 80))} is not installed on this ComfyUI`),
      ),
      ...(more > 0 ? [`loras: at most ${mostLoras} can be combined; ${more} are left out.`] : []),
    ],
  };
}

/** `{enabled, model_name, weight}`; older clients leave `enabled` out. */
function entryOf(entry: Record<string, unknown>): { name: string; weight: number }[] {
  const { enabled = true, model_name: name, weight = standardWeight } = entry;
  const isOff = enabled === false || /^(false|0|off|no)$/i.test(String(enabled));
  if (isOff || typeof name !== "string" || /^(|none)$/i.test(name.trim())) return [];
  const number = Number(weight);
  return [
    { name: name.trim(), weight: Number.isFinite(number) ? Math.min(2, Math.max(-2, number)) : 1 },
  ];
}

function fileOf(name: string, installed: readonly string[]): string | undefined {
  const wanted = bare(name);
  return installed.find((file) => file === name) ?? installed.find((file) => bare(file) === wanted);
}

/** A file's name without folder and extension, in small letters. */
export function bare(file: string): string {
  return file
    .replaceAll("\\", "/")
    .replace(/^.*\//, "")
    .replace(/\.(safetensors|sft|ckpt|pt|pth|bin)$/i, "")
    .toLowerCase();
}
