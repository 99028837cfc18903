import { isLink } from "../../comfy/protocol.ts";
import type { Declaration } from "./declared.ts";
import { titleOf } from "./node-title.ts";
import { outputNodes } from "./outputs.ts";
import type { GraphView } from "./view.ts";
import {
  canLower,
  choiceNames,
  declarationOf,
  handed,
  isLogic,
  possibleValues,
} from "./vix-values.ts";

/** What a Visionatrix flow says about itself. */
export interface FlowMetadata {
  name?: string;
  title?: string;
  description?: string;
}

export interface Lowered {
  /** Whether the graph is a Visionatrix flow at all. */
  isFlow: boolean;
  declarations: Declaration[];
  metadata: FlowMetadata;
  notes: string[];
}

/**
 * Makes a Visionatrix flow a graph that ComfyUI can run without the Visionatrix nodes, in place:
 * their values go to the consumers, choices between branches are made by their defaults, and what
 * is then not needed is dropped. Other graphs stay as they are.
 */
export function lowerVisionatrix(view: GraphView): Lowered {
  const lowered: Lowered = { isFlow: false, declarations: [], metadata: {}, notes: [] };
  const ids = Object.keys(view.graph);
  if (!ids.some((id) => isVisionatrix(view, id))) return lowered;
  lowered.isFlow = true;
  lowered.metadata = readMetadata(view, ids);
  const declared = new Map<string, Declaration>();
  for (const id of ids) if (!canLower(view.classOf(id))) lowerInputs(view, id, declared, lowered);
  lowered.notes.push(...choiceNotes(view, ids));
  for (const id of ids) {
    if (canLower(view.classOf(id)) || isMetadata(view, id)) delete view.graph[id];
  }
  prune(view);
  for (const declaration of declared.values()) {
    const slots = declaration.slots.filter((slot) =>
      view.node(slot.slice(0, slot.lastIndexOf("."))),
    );
    if (slots.length > 0) lowered.declarations.push({ ...declaration, slots });
  }
  return lowered;
}

function isVisionatrix(view: GraphView, id: string): boolean {
  return canLower(view.classOf(id)) || isMetadata(view, id);
}

function isMetadata(view: GraphView, id: string): boolean {
  return view.classOf(id) === "VixUiWorkflowMetadata" || /^WF_/.test(titleOf(view.node(id)));
}

function lowerInputs(
  view: GraphView,
  id: string,
  declared: Map<string, Declaration>,
  lowered: Lowered,
): void {
  const inputs = view.node(id)?.inputs;
  if (!inputs) return;
  for (const { input, link } of view.links(id)) {
    if (!canLower(view.classOf(link[0]))) continue;
    const result = handed(view, link);
    if ("reason" in result) {
      delete inputs[input];
      lowered.notes.push(`${id}.${input} is left out: ${result.reason}`);
    } else if ("link" in result) {
      inputs[input] = result.link;
    } else {
      inputs[input] = result.value;
      const declaration = declared.get(result.by) ?? declarationOf(view, result.by);
      if (!declaration) continue;
      declaration.slots.push(`${id}.${input}`);
      declared.set(result.by, declaration);
    }
  }
}

/** Choices between branches cannot be made per call: the other branch is no longer there. */
function choiceNotes(view: GraphView, ids: readonly string[]): string[] {
  const shown = ids.filter((id) => isLogic(view.classOf(id)) && view.classOf(id).includes("Ui"));
  return shown.map((id) => {
    const label = String(view.input(id, "display_name") ?? id);
    const isList = view.classOf(id) === "VixUiListLogic";
    const input = isList ? "default_value" : "state";
    const names = isList ? choiceNames(possibleValues(view, id)) : ["true", "false"];
    const chosen = String(view.input(id, input) ?? "");
    return `the choice "${label}" is made when the workflow loads, not per call: it is "${chosen}" of ${names.join(", ")}; to change it, set ${input} of node ${id} in the file`;
  });
}

function prune(view: GraphView): void {
  const outputs = outputNodes(view);
  if (outputs.length === 0) return;
  const needed = new Set(view.upstream(outputs));
  for (const id of Object.keys(view.graph)) if (!needed.has(id)) delete view.graph[id];
}

function readMetadata(view: GraphView, ids: readonly string[]): FlowMetadata {
  const node = ids.find((id) => view.classOf(id) === "VixUiWorkflowMetadata");
  const titled = ids.find((id) => titleOf(view.node(id)) === "WF_META");
  const data = node === undefined ? jsonIn(view, titled) : (view.node(node)?.inputs ?? {});
  const text = (key: string) => {
    const value = Object.hasOwn(data, key) ? data[key] : undefined;
    return typeof value === "string" && !isLink(value) ? value.replace(/\s+/g, " ").trim() : "";
  };
  const [name, title, description] = [text("name"), text("display_name"), text("description")];
  return { ...(name && { name }), ...(title && { title }), ...(description && { description }) };
}

function jsonIn(view: GraphView, id: string | undefined): Record<string, unknown> {
  const values = Object.values((id === undefined ? undefined : view.node(id)?.inputs) ?? {});
  const text = values.find((value) => typeof value === "string");
  try {
    const data: unknown = JSON.parse(String(text));
    return typeof data === "object" && data !== null ? { ...data } : {};
  } catch {
    return {};
  }
}
