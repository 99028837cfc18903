import { type Lora, limited, type Picked, pickLoras } from "../shared/loras.ts";
import type { Values } from "./read.ts";

const standardWeight = 0.5;

/** The LoRAs of a call and of its prompt, as far as they are installed. */
export function addLoras(
  values: Values,
  ofPrompt: readonly Lora[],
  installed: readonly string[],
): Picked {
  const given = Array.isArray(values.loras) ? values.loras : [];
  return pickLoras([...given.flatMap(entryOf), ...ofPrompt], installed);
}

/** `{enabled, model_name, weight}`; older clients leave `enabled` out. */
function entryOf(entry: Record<string, unknown>): Lora[] {
  const { enabled = true, model_name: name, weight = standardWeight } = entry;
  const isOff = enabled === false || /^(false|0|off|no)$/i.test(String(enabled));
  if (isOff || typeof name !== "string" || /^(|none)$/i.test(name.trim())) return [];
  return [{ name: name.trim(), weight: limited(Number(weight)) }];
}
