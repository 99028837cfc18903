import type { Pool } from "../comfy/pool.ts";
import type { Catalog } from "../workflows/catalog.ts";
import { filesFor } from "../workflows/combo.ts";
import type { PromptSources } from "../workflows/prompt.ts";
import type { Style } from "../workflows/styles.ts";

/** What a caller can name, as this ComfyUI spells it. */
export interface Installed {
  /** Files for `model`, by what they are for. */
  models: { tool: string; workflow: string; files: string[] }[];
  loras: string[];
  styles: Style[];
}

/** Whoever asks has often just put a file there. */
const freshMs = 5_000;

export async function installed(
  catalog: Catalog,
  pool: Pool,
  { styles }: PromptSources,
): Promise<Installed> {
  const objectInfo = await pool.objectInfo(freshMs);
  const models = catalog.all().flatMap(({ tool, name, model, graph }) => {
    if (!model) return [];
    const classType = graph[model.node]?.class_type ?? "";
    const files = filesFor(objectInfo, classType, model.input);
    return files.length > 0 ? [{ tool, workflow: name, files }] : [];
  });
  const loras = ["LoraLoader", "LoraLoaderModelOnly"].flatMap((loader) =>
    filesFor(objectInfo, loader, "lora_name"),
  );
  return { models, loras: [...new Set(loras)], styles: styles.all() };
}
