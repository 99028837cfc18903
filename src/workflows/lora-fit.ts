import type { Graph, ObjectInfo } from "../comfy/protocol.ts";
import { AppError } from "../errors.ts";
import { plain, quoted } from "../words.ts";
import { type Family, familyNamed, goTogether, type LoraFacts } from "./lora-facts.ts";
import { suits } from "./model-files.ts";
import type { Plan } from "./plan.ts";
import { readiness } from "./readiness.ts";
import type { Workflow } from "./workflow.ts";

/** The model file between which and the rest of a graph its LoRAs go. */
export interface BaseFile {
  /** Below ComfyUI's `models/`; unset for a loader of a node pack. */
  folder?: string;
  file: string;
}

const folders: Readonly<Record<string, string>> = {
  CheckpointLoaderSimple: "checkpoints",
  UNETLoader: "diffusion_models",
};

const loaderInputs = ["ckpt_name", "unet_name", "model_name"];

/** Undefined where what loads the model names no file. */
export function baseFile({ loras }: Workflow, graph: Graph): BaseFile | undefined {
  const node = loras && graph[loras.model[0]];
  const file = loaderInputs.map((name) => node?.inputs[name]).find((each) => each !== undefined);
  if (!node || typeof file !== "string") return undefined;
  const folder = folders[node.class_type];
  return { file, ...(folder === undefined ? {} : { folder }) };
}

export interface UsedLora {
  name: string;
  facts: LoraFacts;
}

/**
 * Refuses a LoRA that says it was trained for a model of another family than `base`: ComfyUI would
 * load what of it happens to fit. What is not known is allowed. Throws `invalid_input`.
 */
export function refuseMisfits(
  { workflow, recipe }: Plan,
  loras: readonly UsedLora[],
  base: Family | undefined,
  alternatives: (lora: Family) => readonly string[],
): void {
  for (const { name, facts } of loras) {
    const { family } = facts;
    if (!family || fits(workflow, family, base)) continue;
    const file = baseFile(workflow, recipe.graph)?.file ?? workflow.title;
    const others = alternatives(family);
    const way =
      others.length > 0
        ? `It goes with the workflow ${others.slice(0, 3).join(" or ")}; or leave it out`
        : `No workflow that can run here paints with ${family.title}: leave it out`;
    throw new AppError(
      "invalid_input",
      `loras: ${quoted(name, 200)} was made for ${family.title}, and workflow ${workflow.name} paints with ${plain(file, 200)}${base ? ` (${base.title})` : ""}, which it would spoil or leave unchanged. ${way} (list_workflows with show: "loras" tells which model each is for).`,
    );
  }
}

/** Where the model's family is not known, its slot may still rule the LoRA's out by name. */
function fits(workflow: Workflow, lora: Family, base: Family | undefined): boolean {
  if (base) return goTogether(lora, base);
  const slot = workflow.loras?.model[0];
  const need = workflow.models.find((each) => each.slot?.startsWith(`${slot}.`));
  return need === undefined || need.match !== undefined || suits(need, lora.id);
}

/** Workflows of the tool that can run and load a model of the LoRA's family. */
export function workflowsFor(
  lora: Family,
  workflows: readonly Workflow[],
  objectInfo: ObjectInfo,
): string[] {
  return workflows.flatMap((workflow) => {
    const state = readiness(workflow, objectInfo);
    if (!state.ready) return [];
    const own = baseFile(workflow, workflow.graph)?.file ?? "";
    const slot = Object.keys(state.choices).find((each) =>
      each.startsWith(`${workflow.loras?.model[0]}.`),
    );
    const base = familyNamed((slot && state.choices[slot]) || own);
    return workflow.loras && base && goTogether(lora, base) ? [workflow.name] : [];
  });
}

/** What calls the LoRA up, unless the prompt holds a word of it already. */
export function triggerNotes(loras: readonly UsedLora[], prompt: string): string[] {
  const has = (word: string) => prompt.toLowerCase().includes(word.toLowerCase());
  return loras.flatMap(({ name, facts: { triggers, tags } }) => {
    const words = triggers.length > 0 ? triggers : tags;
    if (words.length === 0 || words.some(has)) return [];
    const list = words.map((word) => quoted(word, 60)).join(", ");
    return [
      triggers.length > 0
        ? `The LoRA ${plain(name, 200)} names its trigger words: ${list}; the prompt has none of them.`
        : `The LoRA ${plain(name, 200)} names no trigger words; its training pictures were described most by ${list}.`,
    ];
  });
}
