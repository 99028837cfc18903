import type { Graph, ObjectInfo } from "../comfy/protocol.ts";
import { AppError } from "../errors.ts";
import { plain } from "../words.ts";
import { parseLenient } from "./carried.ts";
import { compileOwn, discoverOwn } from "./discover/own.ts";
import { isRecord, type Json } from "./editor/json.ts";
import type { OwnGraph } from "./own-graph.ts";
import { paidClasses, paidReason } from "./paid.ts";
import type { Parameter, Value, Workflow } from "./workflow.ts";

/** A workflow of no catalogue: a template of ComfyUI's gallery, or one that a picture carries. */
export interface Guest {
  /** As a caller names it: `template:…` or `picture:…`. */
  name: string;
  read: OwnGraph;
  /** The editor workflow, which says where its model files come from. */
  editor?: unknown;
  title?: string | undefined;
  description?: string | undefined;
  /** The tool it is called by; left out, the one it would have in a folder. */
  tool?: string | undefined;
  /** What the graph holds stands in for whatever a call leaves out. */
  isRecipe: boolean;
}

/**
 * The workflow of a guest, discovered as a file of a folder is. Throws `not_ready` when this
 * ComfyUI lacks its nodes, `invalid_input` when it cannot be run by this tool or from here.
 */
export function guestWorkflow(guest: Guest, objectInfo: ObjectInfo): Workflow {
  const { name, read } = guest;
  if ("pending" in read) throw refused("not_ready", name, read.pending);
  if ("reason" in read)
    throw refused(read.usesNodes ? "not_ready" : "invalid_input", name, read.reason);
  const file = { name: "guest", graphFile: name, bindingFile: name, ...read };
  const found = discoverOwn(file, objectInfo);
  if ("problems" in found) throw refused("invalid_input", name, reasons(found.problems));
  const paid = paidClasses(found.graph, objectInfo);
  if (paid.length > 0) throw refused("invalid_input", name, paidReason(paid));
  const own = {
    ...(guest.tool !== undefined && { tool: guest.tool }),
    title: guest.title ?? name,
    description: plain(guest.description ?? "", 600) || `The workflow of ${plain(name)}.`,
    models: modelNeeds(guest.editor, found.graph),
  };
  const made = compileOwn({ ...file, bindingText: JSON.stringify(own) });
  if ("problems" in made) throw refused("invalid_input", name, reasons(made.problems));
  const { workflow } = made;
  if (guest.tool !== undefined) refuseOtherTool(name, workflow, guest.tool);
  const parameters = guest.isRecipe ? withOwnValues(workflow) : workflow.parameters;
  return { ...workflow, name, parameters };
}

function refused(code: "not_ready" | "invalid_input", name: string, reason: string): AppError {
  return new AppError(code, `workflow: ${JSON.stringify(plain(name, 120))} ${reason}.`);
}

function reasons(problems: readonly { reason: string }[]): string {
  return problems.map(({ reason }) => reason).join("; ");
}

/** An image that a call cannot give, or gives in vain, makes another picture than was meant. */
function refuseOtherTool(name: string, { parameters }: Workflow, tool: string): void {
  const needs = Object.values(parameters).filter(
    ({ type, required }) => type === "image" && required,
  );
  const takes = Object.values(parameters).some(({ type }) => type === "image");
  if (tool === "generate_image" && needs.length > 0) {
    const names = needs.map((parameter) => parameter.name).join(" and ");
    throw refused("invalid_input", name, `needs ${names}; call img2img with it`);
  }
  if (tool !== "generate_image" && !takes) {
    throw refused("invalid_input", name, "takes no image; call generate_image with it");
  }
}

/** A picture is made again with what it was made with. */
function withOwnValues(workflow: Workflow): Record<string, Parameter> {
  return Object.fromEntries(
    Object.entries(workflow.parameters).map(([name, parameter]) => {
      const [slot] = parameter.slots;
      const held = slot && workflow.graph[slot.node]?.inputs[slot.input];
      const isOpen = parameter.type === "image" || !isValue(held);
      return [name, isOpen ? parameter : { ...parameter, required: false, default: held }];
    }),
  );
}

function isValue(value: unknown): value is Value {
  return ["string", "number", "boolean"].includes(typeof value);
}

interface Need {
  file: string;
  folder: string;
  source?: string;
}

/**
 * Where the files that a graph names come from, as `properties.models` of its nodes says, within
 * subgraphs too. The widget's value is the file that is looked for; the entry may know it by its
 * bare name.
 */
export function modelNeeds(editor: unknown, graph: Graph): Need[] {
  const named = new Set(
    Object.values(graph).flatMap(({ inputs }) =>
      Object.values(inputs).filter((value) => typeof value === "string"),
    ),
  );
  const needs = new Map<string, Need>();
  for (const { name, url, directory } of modelEntries(editor)) {
    if (typeof name !== "string" || typeof directory !== "string") continue;
    const file = [...named].find((value) => value === name || baseName(value) === name);
    if (file === undefined || needs.has(file)) continue;
    needs.set(file, {
      file,
      folder: plain(directory.replace(/^models\//, ""), 80),
      ...(typeof url === "string" && { source: plain(url, 300) }),
    });
  }
  return [...needs.values()];
}

function baseName(file: string): string {
  return file.slice(Math.max(file.lastIndexOf("/"), file.lastIndexOf("\\")) + 1);
}

function modelEntries(editor: unknown): Json[] {
  const data = typeof editor === "string" ? parseLenient(editor) : editor;
  if (!isRecord(data)) return [];
  const definitions = isRecord(data["definitions"]) ? data["definitions"] : {};
  const graphs = [data, ...records(definitions["subgraphs"])];
  const nodes = graphs.flatMap((graph) => records(graph["nodes"]));
  const properties = nodes.map((node) => node["properties"]).filter(isRecord);
  return [data, ...properties].flatMap((holder) => records(holder["models"]));
}

function records(value: unknown): Json[] {
  return Array.isArray(value) ? value.filter(isRecord) : [];
}
