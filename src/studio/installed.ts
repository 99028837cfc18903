import type { Pool } from "../comfy/pool.ts";
import type { LoraHeaders } from "../tasks/lora-headers.ts";
import type { Catalog } from "../workflows/catalog.ts";
import { filesFor } from "../workflows/combo.ts";
import type { LoraFacts } from "../workflows/lora-facts.ts";
import type { PromptSources } from "../workflows/prompt.ts";
import type { Style } from "../workflows/styles.ts";

/** What a caller can name, as this ComfyUI spells it. */
export interface Installed {
  /** Files for `model`, by what they are for. */
  models: { tool: string; workflow: string; files: string[] }[];
  loras: string[];
  /** What their files say of themselves, by name; empty unless it was asked for. */
  loraFacts: ReadonlyMap<string, LoraFacts>;
  styles: Style[];
}

export interface InstalledOptions {
  /** ComfyUI opens every LoRA file for it. */
  withHeaders?: boolean;
}

/** Whoever asks has often just put a file there. */
const freshMs = 5_000;

export async function installed(
  catalog: Catalog,
  pool: Pool,
  { styles }: PromptSources,
  loraHeaders: LoraHeaders,
  { withHeaders = false }: InstalledOptions = {},
): Promise<Installed> {
  const objectInfo = await pool.objectInfo(freshMs);
  const models = catalog.all().flatMap(({ tool, name, model, graph }) => {
    if (!model) return [];
    const classType = graph[model.node]?.class_type ?? "";
    const files = filesFor(objectInfo, classType, model.input);
    return files.length > 0 ? [{ tool, workflow: name, files }] : [];
  });
  const listed = ["LoraLoader", "LoraLoaderModelOnly"].flatMap((loader) =>
    filesFor(objectInfo, loader, "lora_name"),
  );
  const loras = [...new Set(listed)];
  const loraFacts = withHeaders ? await loraHeaders.of(loras) : new Map<string, LoraFacts>();
  return { models, loras, loraFacts, styles: styles.all() };
}
