import type { Pool } from "../comfy/pool.ts";
import type { ObjectInfo } from "../comfy/protocol.ts";
import type { Catalog } from "../workflows/catalog.ts";
import {
  type Family,
  familyIn,
  familyNamed,
  type LoraFacts,
  loraFacts,
  nothingKnown,
} from "../workflows/lora-facts.ts";
import { baseFile, refuseMisfits, triggerNotes, workflowsFor } from "../workflows/lora-fit.ts";
import type { Plan } from "../workflows/plan.ts";

/** A file may be trained anew under its name. */
const keptMs = 600_000;
/** No call waits longer for what is only good to know. */
const withinMs = 2_000;
/** How many files of a long list are asked for. */
const mostAtOnce = 100;

interface Known {
  facts: LoraFacts;
  family: Family | undefined;
  /** When it was read, in ms. */
  at: number;
}

/** What LoRA and model files say of themselves, asked of ComfyUI when a call needs it. */
export class LoraHeaders {
  readonly #pool: Pool;
  readonly #facts = new Map<string, Known>();

  constructor(pool: Pool) {
    this.#pool = pool;
  }

  /** Of each file, by name; one that did not answer in time is missing. Never throws. */
  async of(names: readonly string[]): Promise<Map<string, LoraFacts>> {
    const signal = AbortSignal.timeout(withinMs);
    const asked = names.slice(0, mostAtOnce).map(async (name) => {
      const found = await this.#read("loras", name, signal);
      return found && ([name, found.facts] as const);
    });
    return new Map((await Promise.all(asked)).filter((each) => each !== undefined));
  }

  /** Refuses LoRAs of another family, and says what calls the others up. */
  async check(
    planned: Plan,
    prompt: unknown,
    catalog: Catalog,
    objectInfo: ObjectInfo,
  ): Promise<string[]> {
    const { loras, workflow, recipe } = planned;
    if (loras.length === 0) return [];
    const base = baseFile(workflow, recipe.graph);
    const [known, family] = await Promise.all([
      this.of(loras.map(({ name }) => name)),
      base && this.#family(base),
    ]);
    const used = loras.map(({ name }) => ({ name, facts: known.get(name) ?? nothingKnown }));
    const others = (lora: Family) => workflowsFor(lora, catalog.ofTool(workflow.tool), objectInfo);
    refuseMisfits(planned, used, family, others);
    const drawn = planned.pictures.map((picture) => picture.prompt ?? "");
    return triggerNotes(used, [prompt, ...drawn].join(" "));
  }

  /** By its name, which is known at once; by its header where that says nothing. */
  async #family(base: { folder?: string; file: string }): Promise<Family | undefined> {
    const named = familyNamed(base.file);
    if (named || base.folder === undefined) return named;
    const found = await this.#read(base.folder, base.file, AbortSignal.timeout(withinMs));
    return found?.family;
  }

  async #read(folder: string, name: string, signal: AbortSignal): Promise<Known | undefined> {
    const key = `${folder}/${name}`;
    const kept = this.#facts.get(key);
    if (kept && Date.now() - kept.at < keptMs) return kept;
    try {
      const metadata = (await this.#pool.fileMetadata(folder, name, signal)) ?? {};
      const found = { facts: loraFacts(metadata), family: familyIn(metadata), at: Date.now() };
      this.#facts.set(key, found);
      return found;
    } catch {
      // ComfyUI did not answer in time; what is not known is allowed.
      return kept;
    }
  }
}
