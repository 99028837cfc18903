import type { Border, EditorLink, EditorNode, Port, Subgraph } from "./format.ts";

/** What the file lists with an input or output comes first, then what its links say themselves. */
export function borderOf(subgraph: Omit<Subgraph, "border">): Border {
  const { graph, inputs, outputs, inputNode, outputNode } = subgraph;
  const inner = inputs.map(({ listed }, port) => {
    const enters = (id: string) => {
      const link = graph.links.get(id);
      return link?.origin === inputNode && link.originSlot === port;
    };
    return new Set(listed.filter(enters));
  });
  const taken = outputs.map(({ listed }, port) => {
    const leaves = (link: EditorLink | undefined) =>
      link?.target === outputNode && link.targetSlot === port;
    return listed.map((id) => graph.links.get(id)).find(leaves);
  });
  for (const [id, link] of graph.links) {
    if (link.origin === inputNode) inner[link.originSlot]?.add(id);
    if (link.target === outputNode && link.targetSlot < taken.length) {
      taken[link.targetSlot] ??= link;
    }
  }
  return { inputs: inner.map((links) => [...links]), outputs: taken };
}

/**
 * The instance's input of each of a subgraph's, -1 for none. By name: an instance's inputs may be
 * fewer, and in another order.
 */
export function inputsOfPorts(
  instance: EditorNode,
  ports: readonly Pick<Port, "name">[],
): number[] {
  const places = new Map<string, number[]>();
  for (const [i, { name }] of instance.inputs.entries()) {
    const same = places.get(name);
    if (same) same.push(i);
    else places.set(name, [i]);
  }
  const used = new Map<string, number>();
  return ports.map(({ name }) => {
    const nth = used.get(name) ?? 0;
    used.set(name, nth + 1);
    return places.get(name)?.[nth] ?? -1;
  });
}
