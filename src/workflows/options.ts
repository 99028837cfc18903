import type { Graph } from "../comfy/protocol.ts";
import { isLink } from "../comfy/protocol.ts";
import type { Binding, OutputRef } from "./binding.ts";
import { limitFault, typeFault } from "./check-value.ts";
import { findSlot } from "./graph.ts";
import type { Parameter, Slot, Value, Workflow } from "./workflow.ts";

/** What the server's own parameters `model`, `loras` and `quality` can do with a workflow. */
export type Options = Pick<Workflow, "model" | "loras" | "presets">;

export type Refuse = (reason: string, slot?: string) => void;

export function optionsOf(
  binding: Binding,
  graph: Graph,
  parameters: Readonly<Record<string, Parameter>>,
  refuse: Refuse,
): Options {
  const { loras, presets } = binding;
  const model = binding.model && modelSlot(binding.model.slot, graph, parameters, refuse);
  if (loras) checkOutput("model", loras.model, graph, refuse);
  if (loras?.clip) checkOutput("clip", loras.clip, graph, refuse);
  for (const [effort, values] of Object.entries(presets)) {
    for (const [name, value] of Object.entries(values)) {
      const fault = presetFault(name, value, parameters);
      if (fault !== undefined) refuse(`presets.${effort}: ${fault}`);
    }
  }
  return {
    presets,
    ...(model && { model }),
    ...(loras && {
      loras: { model: loras.model, ...(loras.clip && { clip: loras.clip }) },
    }),
  };
}

function modelSlot(
  text: string,
  graph: Graph,
  parameters: Readonly<Record<string, Parameter>>,
  refuse: Refuse,
): Slot | undefined {
  const found = findSlot(graph, text);
  const reason =
    "reason" in found ? found.reason : modelSlotFault(found.slot, graph, Object.values(parameters));
  if (reason !== undefined) refuse(`model: ${reason}`, text);
  return "slot" in found ? found.slot : undefined;
}

function modelSlotFault(
  { node, input, text }: Slot,
  graph: Graph,
  parameters: readonly Parameter[],
): string | undefined {
  if (typeof graph[node]?.inputs[input] !== "string") return "holds no file name";
  const owner = parameters.find(({ slots }) => slots.some((slot) => slot.text === text));
  return owner && `is already a slot of parameter "${owner.name}"`;
}

/** What type an output has is known only to a backend; that something takes it, to the graph. */
function checkOutput(
  name: "model" | "clip",
  [id, output]: OutputRef,
  graph: Graph,
  refuse: Refuse,
): void {
  if (!Object.hasOwn(graph, id)) {
    const ids = Object.keys(graph).slice(0, 30).join(", ");
    refuse(`loras.${name}: the graph has no node "${id}"; it has ${ids}`);
    return;
  }
  const taken = Object.values(graph)
    .flatMap((node) => Object.values(node.inputs))
    .some((value) => isLink(value) && value[0] === id && value[1] === output);
  if (!taken) refuse(`loras.${name}: no node takes output ${output} of node ${id}`);
}

function presetFault(
  name: string,
  value: Value,
  parameters: Readonly<Record<string, Parameter>>,
): string | undefined {
  const parameter = Object.hasOwn(parameters, name) ? parameters[name] : undefined;
  if (!parameter) {
    const known = Object.keys(parameters).join(", ");
    return `"${name}" is not a parameter of this workflow; it has ${known || "none"}`;
  }
  const fault = typeFault(value, parameter.type) ?? limitFault(value, parameter);
  return fault && `${name}: ${fault}`;
}
