import { AppError } from "../../errors.ts";
import type { Studio } from "../../studio/studio.ts";
import { bare } from "../shared/names.ts";
import type { Call } from "./schema.ts";

/** File names; none while no ComfyUI can be asked. */
export async function embeddingsOf(studio: Studio): Promise<string[]> {
  try {
    return await studio.prompts.comfy.embeddings();
  } catch (error) {
    if (error instanceof AppError) return [];
    throw error;
  }
}

/** The web UI reads an embedding's bare name, ComfyUI `embedding:NAME`. */
export function withEmbeddings(call: Call, files: readonly string[]): Call {
  if (files.length === 0) return call;
  const names = files.map(bare).sort((a, b) => b.length - a.length);
  const any = names.map((name) => name.replace(/[.*+?^${}()|[\]\\]/g, "\\$&")).join("|");
  const word = new RegExp(`(?<![\\w:./-])(?:${any})(?![\\w./-])`, "gi");
  const read = (text: string) => text.replace(word, (name) => `embedding:${name}`);
  return {
    ...call,
    ...(call.prompt === undefined ? {} : { prompt: read(call.prompt) }),
    ...(call.negative_prompt === undefined ? {} : { negative_prompt: read(call.negative_prompt) }),
  };
}
