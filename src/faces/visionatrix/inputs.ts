import type { Parameter, Workflow } from "../../workflows/workflow.ts";

/** One field of a flow, as its clients draw it. */
export interface FlowInput {
  name: string;
  display_name: string;
  type: "text" | "number" | "list" | "bool" | "range" | "image" | "image-mask";
  optional: boolean;
  advanced: boolean;
  order: number;
  hidden: boolean;
  translatable: boolean;
  default: string | number | boolean;
  comfy_node_id: Record<string, readonly string[]>;
  options?: readonly string[];
  min?: number;
  max?: number;
  step?: number;
  /** Of a mask: the image it belongs to. */
  source_input_name?: string;
}

/** They are fields of every flow that has them. */
const standard = ["seed", "batch_size"];

export function inputsOf({ parameters, graph }: Workflow): FlowInput[] {
  const all = Object.values(parameters).filter(({ name }) => !standard.includes(name));
  return all.map((parameter, i) => inputOf(parameter, graph, i + 1));
}

function inputOf(parameter: Parameter, graph: Workflow["graph"], order: number): FlowInput {
  const { name, slots, required, description, default: standardValue } = parameter;
  const nodes = slots.map(({ node, input }) => [node, ["inputs", input]] as const);
  return {
    name,
    display_name: description ?? titled(name),
    optional: !required,
    advanced: !required && name !== "prompt",
    order,
    hidden: false,
    translatable: false,
    default: standardValue ?? "",
    comfy_node_id: Object.fromEntries(nodes),
    ...kindOf(parameter),
    ...maskIn(graph[slots[0]?.node ?? ""]?._meta?.title ?? ""),
  };
}

function kindOf(parameter: Parameter): Pick<FlowInput, "type"> & Partial<FlowInput> {
  const { name, type, choices, minimum, maximum } = parameter;
  if (type === "image") {
    return name === "mask" ? { type: "image-mask", source_input_name: "image" } : { type: "image" };
  }
  if (choices) return { type: "list", options: choices.map(String) };
  if (type === "boolean") return { type: "bool" };
  if (type === "string") return { type: "text" };
  const step = type === "integer" ? 1 : 0.05;
  if (minimum === undefined || maximum === undefined) return { type: "number" };
  return { type: "range", min: minimum, max: maximum, step };
}

/** The title of a flow's node can say that its image is a mask, and of which one. */
function maskIn(title: string): Partial<FlowInput> {
  if (!/^\s*input\s*;.*;\s*mask\s*(;|$)/i.test(title)) return {};
  const source = /;\s*source_input_name\s*=\s*([^;]+)/i.exec(title)?.[1]?.trim().toLowerCase();
  return { type: "image-mask", ...(source === undefined ? {} : { source_input_name: source }) };
}

function titled(name: string): string {
  const words = name.replaceAll("_", " ");
  return words.charAt(0).toUpperCase() + words.slice(1);
}
