/** Nodes that live in the editor alone: what a link through them means. */
export type VirtualKind =
  | "pass" // gives what its input gets
  | "primitive" // gives its own value
  | "set" // as pass; a "get" of the same name gives it too
  | "get"
  | "none"; // text and buttons

const rgthree = [
  ...["Bookmark", "Label", "Fast Muter", "Fast Bypasser", "Fast Groups Muter"],
  ...["Fast Groups Bypasser", "Fast Actions Button", "Mute / Bypass Repeater"],
  ...["Mute / Bypass Relay", "Node Collector", "Node Combiner", "Random Unmuter"],
];

/** They only add links; see `addEverywhereLinks`. */
export const everywhereTypes: readonly string[] = [
  ...["Anything Everywhere", "Anything Everywhere?", "Anything Everywhere3", "Prompts Everywhere"],
];

/** Core, ComfyUI-KJNodes, ComfyUI-Easy-Use, rgthree-comfy and cg-use-everywhere. */
const kinds: ReadonlyMap<string, VirtualKind> = new Map<string, VirtualKind>([
  ["Reroute", "pass"],
  ["Reroute (rgthree)", "pass"],
  ["PrimitiveNode", "primitive"],
  ["Note", "none"],
  ["MarkdownNote", "none"],
  ["SetNode", "set"],
  ["GetNode", "get"],
  ["easy setNode", "set"],
  ["easy getNode", "get"],
  ...rgthree.map((name): [string, VirtualKind] => [`${name} (rgthree)`, "none"]),
  ...everywhereTypes.map((name): [string, VirtualKind] => [name, "none"]),
]);

export function virtualKind(type: string): VirtualKind | undefined {
  return kinds.get(type);
}
