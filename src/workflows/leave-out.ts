import { type Graph, isLink, type Link } from "../comfy/protocol.ts";
import { copyJson } from "../json.ts";

/** Inputs of nodes that take several pictures, or one beside what they work on. */
const canBeEmpty = /\d$|optional|mask|reference|clip_vision/i;
/** Inputs of nodes that only work on a picture. */
const worksOn = /^(image|images|pixels|samples)$/;

interface Use {
  user: string;
  input: string;
  output: number;
}

/**
 * The graph without a node, and without what only works on what it gives. What passes on a model or
 * a conditioning beside the picture is bypassed, as ComfyUI's editor does it. Where that would take
 * an output, or something that other nodes cannot do without, the graph comes back as it is.
 */
export function leaveOut(graph: Graph, node: string, outputs: readonly string[]): Graph {
  const cut = cutAround(graph, node);
  if (!cut || outputs.some((id) => cut.gone.has(id))) return graph;
  const left = copyJson(graph);
  for (const { user, input } of cut.loose) delete left[user]?.inputs[input];
  for (const { user, input } of cut.bypassing) {
    const link = behind(graph, cut.gone, user, input);
    const inputs = left[user]?.inputs;
    if (!link || !inputs) return graph;
    inputs[input] = link;
  }
  for (const id of cut.gone) delete left[id];
  return left;
}

interface Cut {
  gone: Set<string>;
  /** Inputs that stay empty, and those that get what was given to a node that goes. */
  loose: Use[];
  bypassing: Use[];
}

/** Undefined where a node that stays cannot do without. */
function cutAround(graph: Graph, node: string): Cut | undefined {
  const cut: Cut = { gone: new Set([node]), loose: [], bypassing: [] };
  for (const id of cut.gone) {
    for (const use of usesOf(graph, id)) {
      if (passedOn(graph, [id, use.output], use.input)) cut.bypassing.push(use);
      else if (canBeEmpty.test(use.input)) cut.loose.push(use);
      else if (worksOn.test(use.input)) cut.gone.add(use.user);
      else return undefined;
    }
  }
  return cut;
}

/** What an input gets past the nodes that go. */
function behind(
  graph: Graph,
  gone: ReadonlySet<string>,
  user: string,
  input: string,
): Link | undefined {
  let link = linkAt(graph, user, input);
  for (const _ of gone) if (link && gone.has(link[0])) link = passedOn(graph, link, input);
  return link && !gone.has(link[0]) ? link : undefined;
}

/** Inputs whose value goes on through a node that changes it. */
const passing = [/^model$/, /^clip$/, /^(positive|conditioning)/, /^negative/] as const;

/** What the node of a link was given for that output, for a user's `input`. */
function passedOn(graph: Graph, [id, output]: Link, input: string): Link | undefined {
  const kind = passing.find((each) => each.test(input));
  if (!kind) return undefined;
  const [positive, negative] = [linkAt(graph, id, "positive"), linkAt(graph, id, "negative")];
  // Of a node that passes both conditionings on, the output says which one is meant.
  const isConditioning = kind !== passing[0] && kind !== passing[1];
  if (isConditioning && positive && negative) return output === 0 ? positive : negative;
  const same = linkAt(graph, id, input);
  if (same) return same;
  const names = Object.keys(graph[id]?.inputs ?? {});
  const links = names.map((name) => (kind.test(name) ? linkAt(graph, id, name) : undefined));
  return links.find((link) => link !== undefined);
}

function linkAt(graph: Graph, id: string, input: string): Link | undefined {
  const value = graph[id]?.inputs[input];
  return isLink(value) ? value : undefined;
}

function usesOf(graph: Graph, id: string): Use[] {
  return Object.entries(graph).flatMap(([user, { inputs }]) =>
    Object.entries(inputs).flatMap(([input, value]) =>
      isLink(value) && value[0] === id ? [{ user, input, output: value[1] }] : [],
    ),
  );
}
