import { type Graph, isLink } from "../comfy/protocol.ts";
import { copyJson } from "../json.ts";

/** Inputs of nodes that take several pictures, or one beside what they work on. */
const canBeEmpty = /\d$|optional|mask|reference|clip_vision/i;
/** Inputs of nodes that only work on a picture. */
const worksOn = /^(image|images|pixels|samples)$/;

interface Use {
  user: string;
  input: string;
}

/**
 * The graph without a node, and without what only works on what it gives. Where that would take an
 * output, or something that other nodes cannot do without, the graph comes back as it is.
 */
export function leaveOut(graph: Graph, node: string, outputs: readonly string[]): Graph {
  const gone = new Set([node]);
  const loose: Use[] = [];
  for (const id of gone) {
    for (const use of usesOf(graph, id)) {
      if (canBeEmpty.test(use.input)) loose.push(use);
      else if (worksOn.test(use.input)) gone.add(use.user);
      else return graph;
    }
  }
  if (outputs.some((id) => gone.has(id))) return graph;
  const left = copyJson(graph);
  for (const { user, input } of loose) delete left[user]?.inputs[input];
  for (const id of gone) delete left[id];
  return left;
}

function usesOf(graph: Graph, id: string): Use[] {
  return Object.entries(graph).flatMap(([user, { inputs }]) =>
    Object.entries(inputs).flatMap(([input, value]) =>
      isLink(value) && value[0] === id ? [{ user, input }] : [],
    ),
  );
}
