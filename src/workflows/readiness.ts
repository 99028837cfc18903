import { isLink, type NodeInfo, type ObjectInfo } from "../comfy/protocol.ts";
import type { ModelNeed } from "./binding.ts";
import { comboChoices, isModelInput } from "./combo.ts";
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
  | { ready: false; missingNodes: MissingNode[]; missingModels: MissingModel[] };

/** Whether a backend can run a workflow, and how it spells the model files (by slot). */
export function readiness(workflow: Workflow, objectInfo: ObjectInfo): Readiness {
  const missingNodes = new Map<string, MissingNode>();
  const missingModels: MissingModel[] = [];
  const choices: Record<string, string> = {};
  for (const slot of literals(workflow)) {
    const info = infoOf(objectInfo, slot.classType);
    const found = info && slot.input !== undefined ? modelFor(workflow, slot, info) : undefined;
    if (found && "file" in found) choices[slot.text] = found.file;
    if (found && "missing" in found) missingModels.push(found.missing);
    if (!info) missingNodes.set(slot.classType, missingNode(workflow, slot.classType));
  }
  return missingNodes.size === 0 && missingModels.length === 0
    ? { ready: true, choices }
    : { ready: false, missingNodes: [...missingNodes.values()], missingModels };
}

interface LiteralSlot {
  classType: string;
  /** Unset for a node of which only the class matters. */
  input?: string;
  text: string;
  value: string;
}

/** Every string literal of the graph, and every node at least once. */
function literals(workflow: Workflow): LiteralSlot[] {
  return Object.entries(workflow.graph).flatMap(([id, node]) => {
    const whole = { classType: node.class_type, text: id, value: "" };
    const slots = Object.entries(node.inputs).flatMap(([input, value]) =>
      typeof value === "string" && !isLink(value)
        ? [{ classType: node.class_type, input, text: `${id}.${input}`, value }]
        : [],
    );
    return [whole, ...slots];
  });
}

type Found = { file: string } | { missing: MissingModel };

/** Undefined when the slot is no model slot, or when its choices are not listed. */
function modelFor(workflow: Workflow, slot: LiteralSlot, info: NodeInfo): Found | undefined {
  const { classType, input = "", text, value } = slot;
  const need = needOf(workflow, slot);
  const takesAny = need?.any === true;
  if (!(takesAny || isModelInput(classType, input, value))) return undefined;
  const available = comboChoices(info, input);
  if (!available) return undefined;
  const own = spelling(value, available);
  if (own !== undefined) return { file: own };
  const other = takesAny ? available.find((file) => !isAvoided(file, need)) : undefined;
  if (other !== undefined) return { file: other };
  return {
    missing: {
      file: value,
      slot: text,
      ...(need && { folder: need.folder }),
      ...(need?.source !== undefined && { source: need.source }),
      ...(takesAny && { any: true, unsuitable: available }),
    },
  };
}

function needOf(workflow: Workflow, { text, value }: LiteralSlot): ModelNeed | undefined {
  return (
    workflow.models.find((need) => need.slot === text) ??
    workflow.models.find((need) => need.file === value)
  );
}

function isAvoided(file: string, need: ModelNeed | undefined): boolean {
  return (need?.avoid ?? []).some((fragment) => new RegExp(fragment, "i").test(file));
}

/** A backend on Windows separates folders with a backslash; a plain name may be in any folder. */
function spelling(file: string, available: readonly string[]): string | undefined {
  const wanted = slashes(file);
  const exact = available.find((each) => slashes(each) === wanted);
  if (exact !== undefined || wanted.includes("/")) return exact;
  return available.find((each) => slashes(each).endsWith(`/${wanted}`));
}

function slashes(file: string): string {
  return file.replaceAll("\\", "/");
}

function missingNode(workflow: Workflow, classType: string): MissingNode {
  const { pack, source } = workflow.nodes.find((need) => need.class === classType) ?? {};
  return {
    class: classType,
    ...(pack !== undefined && { pack }),
    ...(source !== undefined && { source }),
  };
}

function infoOf(objectInfo: ObjectInfo, classType: string): NodeInfo | undefined {
  return Object.hasOwn(objectInfo, classType) ? objectInfo[classType] : undefined;
}
