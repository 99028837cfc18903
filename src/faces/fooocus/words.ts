import { type Lora, lorasIn } from "../shared/loras.ts";
import type { Values } from "./read.ts";

/** The prompt of a call, taken apart. */
export interface Words {
  prompt: string;
  /** With arrays such as `[[red, green]]`, one prompt a picture, over and over. */
  prompts?: string[];
  /** `<lora:NAME:WEIGHT>` in the prompt. */
  loras: Lora[];
}

/** More combinations than pictures can be asked for are of no use. */
const mostPrompts = 32;

export function wordsOf(values: Values, added: readonly string[]): Words {
  const first = text(values.inpaint_additional_prompt);
  const { prompt, loras } = lorasIn([first, text(values.prompt)].filter(Boolean).join("\n"));
  const whole = [prompt, ...added].filter((part) => part !== "").join(", ");
  const prompts = spread(whole);
  return { prompt: prompts[0] ?? whole, loras, ...(prompts.length > 1 ? { prompts } : {}) };
}

/** Picture i has entry i of the array; of several arrays the first changes slowest. */
function spread(prompt: string): string[] {
  let prompts = [prompt];
  for (;;) {
    const match = /\[\[([^[\]]*)\]\]/.exec(prompts[0] ?? "");
    if (!match) return prompts;
    const entries = (match[1] ?? "").split(",").map((entry) => entry.trim());
    prompts = prompts
      .flatMap((each) => entries.map((entry) => each.replace(match[0], () => entry)))
      .slice(0, mostPrompts);
  }
}

export function text(value: unknown): string {
  return typeof value === "string" ? value.trim() : "";
}
