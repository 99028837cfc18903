import type { Studio } from "../../studio/studio.ts";
import type { WorkflowState } from "../../studio/workflow-states.ts";
import type { Branch, Workflow } from "../../workflows/workflow.ts";
import { HttpProblem } from "../shared/fastapi.ts";
import type { FlowOutput } from "./call.ts";
import { type FlowInput, inputsOf } from "./inputs.ts";
import { type KnownFlow, knownFlows } from "./known-flows.ts";

/** What a client of Visionatrix knows as a flow: a workflow here, or several to choose from. */
export interface Flow {
  name: string;
  title: string;
  description: string;
  inputs: readonly FlowInput[];
  /** The workflow that a call without a choice gets. */
  state: WorkflowState;
  /** Fields that choose another one. */
  choices: readonly Branch[];
  /** What they choose from. */
  variants: readonly FlowVariant[];
  /** Fields by the parameters they are here. */
  renamed: Readonly<Record<string, string>>;
  unheard: Readonly<Record<string, string>>;
  /** The number of the output node, where it is not the graph's own. */
  output?: number;
}

export interface FlowVariant {
  /** The value of each choice. */
  values: Readonly<Record<string, string>>;
  state: WorkflowState;
}

/** Every flow by its name. */
export async function flowsOf(studio: Studio): Promise<Map<string, Flow>> {
  const { states, unlisted = [] } = await studio.workflows();
  const flows = new Map<string, Flow>();
  for (const state of states) {
    const name = nameOf(state.workflow, states);
    if (!flows.has(name)) flows.set(name, ownFlow(name, state, unlisted));
  }
  for (const known of knownFlows) {
    const flow = flows.has(known.name) ? undefined : knownFlow(known, states);
    if (flow) flows.set(flow.name, flow);
  }
  return flows;
}

/** Throws 404, with what is missing where ComfyUI cannot run it. */
export async function installedFlow(studio: Studio, name: string): Promise<Flow> {
  const flow = (await flowsOf(studio)).get(name.toLowerCase());
  if (!flow) throw new HttpProblem(404, `Flow \`${name}\` is not installed.`);
  return flow;
}

/** Throws 404 with what to install. */
export function refuseUnlessReady(flow: Flow, { ready, lacks }: WorkflowState): void {
  if (ready !== false) return;
  throw new HttpProblem(404, `Flow \`${flow.name}\` is not installed. ${lacks?.text ?? ""}`.trim());
}

export function isReady({ state, variants }: Flow): boolean {
  return [state, ...variants.map((each) => each.state)].some(({ ready }) => ready !== false);
}

/** Its own name, with the tool's before it where workflows of several tools have it. */
function nameOf({ name, tool }: Workflow, states: readonly WorkflowState[]): string {
  const first = states.find(({ workflow }) => workflow.name === name)?.workflow.tool;
  const tools = new Set(
    states.flatMap(({ workflow }) => (workflow.name === name ? [workflow.tool] : [])),
  );
  const main = tools.has("generate_image") ? "generate_image" : first;
  return (tool === main ? name : `${tool}_${name}`).toLowerCase();
}

function ownFlow(name: string, state: WorkflowState, unlisted: readonly WorkflowState[]): Flow {
  const { title, description, tool, branches = [] } = state.workflow;
  const variants = unlisted.flatMap((each): FlowVariant[] => {
    const { variant } = each.workflow;
    const isOne = variant?.of === state.workflow.name && each.workflow.tool === tool;
    return isOne ? [{ values: variant.values, state: each }] : [];
  });
  const own = inputsOf(state.workflow);
  const inputs = [...own, ...branches.map((each, i) => choiceInput(each, own.length + i + 1))];
  const choices = { choices: branches, variants };
  return { name, title, description, inputs, state, ...choices, renamed: {}, unheard: {} };
}

/** Undefined where this server has none of its workflows. */
function knownFlow(known: KnownFlow, states: readonly WorkflowState[]): Flow | undefined {
  const { name, title, description, renamed, unheard, output, choice } = known;
  const named = (workflow: string) =>
    states.find((state) => state.workflow.tool === known.tool && state.workflow.name === workflow);
  const able = known.workflows.flatMap((workflow) => named(workflow) ?? []);
  const state = able.find(({ ready }) => ready !== false) ?? able[0];
  if (!state) return undefined;
  const inputs = inputsOf(state.workflow).map((input) => {
    const there = Object.entries(renamed).find(([, parameter]) => parameter === input.name)?.[0];
    return there === undefined ? input : { ...input, name: there };
  });
  const flow = { name, title, description, inputs, state, renamed, unheard, output };
  if (!choice) return { ...flow, choices: [], variants: [] };
  const variants = Object.entries(choice.workflows).flatMap(([value, workflow]) => {
    const found = named(workflow);
    return found ? [{ values: { [choice.name]: value }, state: found }] : [];
  });
  const branch = { ...choice, values: Object.keys(choice.workflows) };
  const last = choiceInput(branch, inputs.length + 1);
  return { ...flow, inputs: [...inputs, last], choices: [branch], variants };
}

function choiceInput(
  { name, title, standard, values, isSwitch }: Branch,
  order: number,
): FlowInput {
  return {
    name,
    display_name: title || name,
    ...(isSwitch ? { type: "bool" } : { type: "list", options: values }),
    optional: true,
    advanced: true,
    order,
    hidden: false,
    translatable: false,
    default: isSwitch ? standard === "true" : standard,
    comfy_node_id: {},
  };
}

const outputTypes: readonly (readonly [RegExp, FlowOutput["type"]])[] = [
  [/animated/i, "image-animated"],
  [/video|webm|gif/i, "video"],
  [/audio/i, "audio"],
  [/text/i, "text"],
  [/glb|3d|mesh/i, "3d-model"],
];

/** Of nodes inside others, whose ids are no numbers. */
const firstOfOthers = 1_000_000;

/** The output nodes of a workflow of a flow, by whole numbers. */
export function outputsOf({ output }: Flow, { outputs, graph }: Workflow): FlowOutput[] {
  return outputs.map((node, i) => {
    const classType = graph[node]?.class_type ?? "";
    const type = outputTypes.find(([pattern]) => pattern.test(classType))?.[1] ?? "image";
    const own = /^\d{1,9}$/.test(node) ? Number(node) : firstOfOthers + i;
    return { id: output !== undefined && i === 0 ? output : own, node, type };
  });
}
