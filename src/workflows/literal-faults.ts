import type { GraphNode, InputSpec, NodeInfo, ObjectInfo } from "../comfy/protocol.ts";
import { isLink } from "../comfy/protocol.ts";
import { choiceFault, limitFault } from "./check-value.ts";
import { inputSpec, isModelInput } from "./combo.ts";
import { inputsOf, widgetType } from "./editor/widgets.ts";
import type { Value, Workflow } from "./workflow.ts";

/** A literal that ComfyUI refuses. */
export interface LiteralFault {
  slot: string;
  reason: string;
}

/** Every call asks again, and neither an answer of `/object_info` nor a workflow ever changes. */
const known = new WeakMap<ObjectInfo, WeakMap<Workflow, LiteralFault[]>>();

/**
 * What a ComfyUI with these nodes would refuse before it runs anything, as its `validate_inputs`
 * does (`execution.py`, 0.33.0). Left out: model files, and slots that every call fills.
 */
export function literalFaults(workflow: Workflow, objectInfo: ObjectInfo): LiteralFault[] {
  const ofNodes = known.get(objectInfo) ?? new WeakMap<Workflow, LiteralFault[]>();
  known.set(objectInfo, ofNodes);
  const faults = ofNodes.get(workflow) ?? faultsIn(workflow, objectInfo);
  ofNodes.set(workflow, faults);
  return faults;
}

function faultsIn(workflow: Workflow, objectInfo: ObjectInfo): LiteralFault[] {
  const filled = filledSlots(workflow);
  return neededNodes(workflow, objectInfo).flatMap(([id, node]) => {
    const info = Object.hasOwn(objectInfo, node.class_type)
      ? objectInfo[node.class_type]
      : undefined;
    if (!info) return [];
    const faults = Object.entries(node.inputs).flatMap(([input, value]) => {
      const slot = `${id}.${input}`;
      if (isLink(value) || filled.has(slot)) return [];
      if (typeof value === "string" && isModelInput(node.class_type, input, value)) return [];
      const spec = inputSpec(info, input);
      const reason = spec && valueFault(spec, value);
      return reason === undefined ? [] : [{ slot, reason }];
    });
    return [...emptyInputs(id, node, info), ...faults];
  });
}

/** Inputs that need a link and have none; ComfyUI's newer kinds, of several links, say so elsewhere. */
function emptyInputs(id: string, { inputs }: GraphNode, info: NodeInfo): LiteralFault[] {
  const empty = inputsOf(info).filter((input) => {
    const { name, type, required } = input;
    const isSocket = widgetType(input) === undefined && !type.startsWith("COMFY_");
    return required && isSocket && !Object.hasOwn(inputs, name);
  });
  return empty.map(({ name, type }) => ({
    slot: `${id}.${name}`,
    reason: `gets nothing, and ComfyUI needs a ${type} there`,
  }));
}

/** Needed by an output, for ComfyUI looks at no others. */
function neededNodes({ graph, outputs }: Workflow, objectInfo: ObjectInfo) {
  const isOutput = (classType: string) =>
    Object.hasOwn(objectInfo, classType) && objectInfo[classType]?.output_node === true;
  const ends = Object.keys(graph).filter((id) => isOutput(graph[id]?.class_type ?? ""));
  const needed = new Set([...outputs, ...ends]);
  for (const id of needed) {
    for (const value of Object.values(graph[id]?.inputs ?? {}))
      if (isLink(value)) needed.add(value[0]);
  }
  return Object.entries(graph).filter(([id]) => needed.has(id));
}

/** A picture is uploaded, and what is required is given, with every call. */
function filledSlots({ parameters }: Workflow): Set<string> {
  const filled = Object.values(parameters).filter(({ type, required, name }) => {
    return required || type === "image" || name === "seed";
  });
  return new Set(filled.flatMap(({ slots }) => slots.map(({ text }) => text)));
}

function valueFault([type, options = {}]: InputSpec, value: unknown): string | undefined {
  const choices: unknown = type === "COMBO" ? options["options"] : type;
  if (Array.isArray(choices)) return comboFault(choices, options, value);
  if (type !== "INT" && type !== "FLOAT") return undefined;
  const number = typeof value === "string" && value.trim() !== "" ? Number(value) : value;
  if (typeof number === "boolean") return undefined;
  if (typeof number !== "number" || Number.isNaN(number)) {
    return `holds ${JSON.stringify(value)} where ComfyUI needs a number`;
  }
  const { min, max } = options;
  return limitFault(number, {
    ...(typeof min === "number" && { minimum: min }),
    ...(typeof max === "number" && { maximum: max }),
  });
}

/** A picture in a folder below, or elsewhere, is found although it is not listed. */
const unlisted = /[/\\]| \[(input|output|temp)\]$/;

function comboFault(
  choices: readonly unknown[],
  options: Record<string, unknown>,
  value: unknown,
): string | undefined {
  // A list that the editor fills, or of which several are taken, is not known here.
  if (choices.length === 0 || options["multiselect"] || options["remote"]) return undefined;
  if (typeof value === "object" || value === undefined) return undefined;
  if (choices.includes(value) || unlisted.test(String(value))) return undefined;
  return choiceFault(value as Value, choices as Value[]);
}

/** In words for people. */
export function faultLine({ slot, reason }: LiteralFault): string {
  return `another value at ${slot}: ${reason.replace(/[.?]$/, "")}`;
}
