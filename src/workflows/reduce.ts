import { type Graph, isLink, type Link } from "../comfy/protocol.ts";
import { copyJson } from "../json.ts";
import type { BoundParameter, Bypass } from "./binding.ts";
import { deepFreeze, graphHash } from "./graph.ts";
import type { Refuse } from "./options.ts";
import type { Parameter, Workflow } from "./workflow.ts";

/** By what is given of the parameters that keep a node from being bypassed. */
const known = new WeakMap<Workflow, Map<string, Workflow>>();

/**
 * The workflow as one call runs it: a node that only parameters use which are not given is
 * bypassed, as in ComfyUI's editor, and so is everything that nothing needs any more. Most
 * workflows come back as they are; the same parameters give the same object.
 */
export function reduced(workflow: Workflow, given: readonly string[]): Workflow {
  const optional = Object.values(workflow.parameters).filter(({ bypass }) => bypass);
  if (optional.length === 0) return workflow;
  const used = optional.filter(({ name }) => given.includes(name));
  const key = used.map(({ name }) => name).join(" ");
  const variants = known.get(workflow) ?? new Map<string, Workflow>();
  known.set(workflow, variants);
  const variant = variants.get(key) ?? without(workflow, bypassed(optional, used));
  variants.set(key, variant);
  return variant;
}

function bypassed(optional: readonly Parameter[], used: readonly Parameter[]): Bypass {
  const kept = new Set(used.flatMap(({ bypass }) => Object.keys(bypass ?? {})));
  const all = optional.flatMap(({ bypass }) => Object.entries(bypass ?? {}));
  return Object.fromEntries(all.filter(([node]) => !kept.has(node)));
}

function without(workflow: Workflow, gone: Bypass): Workflow {
  const graph = needed(rewired(workflow.graph, gone), workflow.outputs);
  const has = (node: string) => Object.hasOwn(graph, node);
  const parameters = Object.values(workflow.parameters).flatMap(({ bypass: _, ...parameter }) => {
    const slots = parameter.slots.filter(({ node }) => has(node));
    return slots.length > 0 ? [[parameter.name, { ...parameter, slots }] as const] : [];
  });
  const classes = new Set(Object.values(graph).map(({ class_type: name }) => name));
  const texts = new Set(Object.values(graph).flatMap(({ inputs }) => Object.values(inputs)));
  return deepFreeze({
    ...workflow,
    graph,
    graphHash: graphHash(graph),
    parameters: Object.fromEntries(parameters),
    models: workflow.models.filter(({ slot, file }) =>
      slot === undefined
        ? file !== undefined && texts.has(file)
        : has(slot.replace(/\.[^.]*$/, "")),
    ),
    nodes: workflow.nodes.filter((node) => classes.has(node.class)),
  });
}

/** What took an output of a bypassed node takes what stands in for it, perhaps through several. */
function rewired(graph: Graph, gone: Bypass): Graph {
  const standsIn = ([node, output]: Link): Link => {
    const way = Object.hasOwn(gone, node) ? gone[node]?.[output] : undefined;
    if (way === undefined) return [node, output];
    const link = typeof way === "string" ? graph[node]?.inputs[way] : way;
    return isLink(link) ? standsIn(link) : [node, output];
  };
  const copy = copyJson(graph);
  for (const { inputs } of Object.values(copy)) {
    for (const [input, value] of Object.entries(inputs)) {
      if (isLink(value)) inputs[input] = standsIn(value);
    }
  }
  return copy;
}

function needed(graph: Graph, outputs: readonly string[]): Graph {
  const ids = new Set(outputs);
  for (const id of ids) {
    for (const value of Object.values(graph[id]?.inputs ?? {}))
      if (isLink(value)) ids.add(value[0]);
  }
  return Object.fromEntries(Object.entries(graph).filter(([id]) => ids.has(id)));
}

/** Refuses a bypass of what the graph does not have. */
export function checkBypass(
  name: string,
  { bypass = {} }: BoundParameter,
  graph: Graph,
  refuse: Refuse,
): void {
  for (const [node, ways] of Object.entries(bypass)) {
    for (const what of missing(graph, node, ways)) {
      refuse(`parameter "${name}": bypass: the graph has ${what}`);
    }
  }
}

function missing(graph: Graph, node: string, ways: Bypass[string]): string[] {
  const inputs = graph[node]?.inputs;
  if (!inputs) return [`no node "${node}"`];
  return ways.flatMap((way) => {
    if (typeof way === "string") return isLink(inputs[way]) ? [] : [`no link at ${node}.${way}`];
    return graph[way[0]] ? [] : [`no node "${way[0]}"`];
  });
}
