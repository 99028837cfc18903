import type { NodeInfo, ObjectInfo } from "../comfy/protocol.ts";
import type { ModelNeed } from "./binding.ts";
import { comboChoices, isModelInput } from "./combo.ts";
import { type LiteralFault, literalFaults } from "./literal-faults.ts";
import { ModelFiles } from "./model-files.ts";
import { reduced } from "./reduce.ts";
import type { Workflow } from "./workflow.ts";

export interface MissingNode {
  class: string;
  pack?: string;
  source?: string;
}

export interface MissingModel {
  file: string;
  /** Below ComfyUI's `models/`; unset when the binding does not say. */
  folder?: string;
  source?: string;
  slot: string;
  /** The slot takes any model but these, which are all there is. */
  unsuitable?: string[];
  any?: true;
}

export type Readiness =
  | { ready: true; choices: Record<string, string> }
  | {
      ready: false;
      missingNodes: MissingNode[];
      missingModels: MissingModel[];
      /** Values in the graph that ComfyUI would refuse, where there are any. */
      faults?: LiteralFault[];
    };

/**
 * Whether a backend can run a workflow, and how it spells the model files (by slot). `chosen` are
 * files the caller has chosen, by slot; they are taken as they are. What is bypassed counts only in
 * a workflow that was reduced to what a call gives.
 */
export function readiness(
  whole: Workflow,
  objectInfo: ObjectInfo,
  chosen: Readonly<Record<string, string>> = {},
): Readiness {
  const workflow = reduced(whole, []);
  const plan = planOf(workflow);
  const missingClasses = new Set(
    plan.map(({ classType }) => classType).filter((name) => !Object.hasOwn(objectInfo, name)),
  );
  const missingModels: MissingModel[] = [];
  const choices: Record<string, string> = {};
  for (const { info, slot } of plan.flatMap((node) => listed(node, objectInfo))) {
    const found = modelFor(slot, info, chosen[slot.text]);
    if (found && "file" in found) choices[slot.text] = found.file;
    else if (found) missingModels.push(found.missing);
  }
  const faults = literalFaults(workflow, objectInfo);
  const isWhole = missingClasses.size === 0 && missingModels.length === 0;
  if (isWhole && faults.length === 0) return { ready: true, choices };
  const missingNodes = [...missingClasses].map((name) => missingNode(workflow, name));
  return { ready: false, missingNodes, missingModels, ...(faults.length > 0 && { faults }) };
}

function listed({ classType, slots }: PlannedNode, objectInfo: ObjectInfo) {
  const info = Object.hasOwn(objectInfo, classType) ? objectInfo[classType] : undefined;
  return info ? slots.map((slot) => ({ info, slot })) : [];
}

interface ModelSlot {
  input: string;
  text: string;
  /** The file the graph names. */
  own: string;
  need: ModelNeed | undefined;
}

interface PlannedNode {
  classType: string;
  slots: ModelSlot[];
}

/** Every workflow is asked about again with every list of them, and none ever changes. */
const plans = new WeakMap<Workflow, PlannedNode[]>();

function planOf(workflow: Workflow): PlannedNode[] {
  const known = plans.get(workflow);
  if (known) return known;
  const plan = Object.entries(workflow.graph).map(([id, { class_type: classType, inputs }]) => ({
    classType,
    slots: Object.entries(inputs).flatMap(([input, own]): ModelSlot[] => {
      if (typeof own !== "string") return [];
      const text = `${id}.${input}`;
      const need = needOf(workflow, text, own);
      const isModel = need?.any === true || isModelInput(classType, input, own);
      return isModel ? [{ input, text, own, need }] : [];
    }),
  }));
  plans.set(workflow, plan);
  return plan;
}

function needOf(workflow: Workflow, slot: string, file: string): ModelNeed | undefined {
  return (
    workflow.models.find((need) => need.slot === slot) ??
    workflow.models.find((need) => need.file === file)
  );
}

type Found = { file: string } | { missing: MissingModel };

/** Undefined when the choices of a slot are not listed. */
function modelFor(slot: ModelSlot, info: NodeInfo, chosen: string | undefined): Found | undefined {
  const { input, text, own, need } = slot;
  if (chosen !== undefined) return { file: chosen };
  const available = comboChoices(info, input);
  if (!available) return undefined;
  const files = ModelFiles.of(available);
  const takesAny = need?.any === true;
  const file = takesAny ? files.best(need, own) : files.spelling(own);
  if (file !== undefined) return { file };
  return {
    missing: {
      file: own,
      slot: text,
      ...(need && { folder: need.folder }),
      ...(need?.source !== undefined && { source: need.source }),
      ...(takesAny && { any: true, unsuitable: [...available] }),
    },
  };
}

function missingNode(workflow: Workflow, classType: string): MissingNode {
  const { pack, source } = workflow.nodes.find((need) => need.class === classType) ?? {};
  return {
    class: classType,
    ...(pack !== undefined && { pack }),
    ...(source !== undefined && { source }),
  };
}
