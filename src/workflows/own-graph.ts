import { readFile } from "node:fs/promises";
import path from "node:path";
import type { Graph, ObjectInfo } from "../comfy/protocol.ts";
import type { AppMode } from "./app-mode.ts";
import { type Carried, carrierEndings, parseLenient, readCarriedFile } from "./carried.ts";
import { filled, gapWords } from "./editor/complete.ts";
import { convert } from "./editor/convert.ts";
import { editorData } from "./editor/format.ts";
import { isRecord, type Json, own } from "./editor/json.ts";

/** What a file of a person's holds, as far as it can be a workflow. */
export type OwnGraph =
  | {
      /** JSON of a graph, or what stands in the file where that is none. */
      graphText: string;
      app?: AppMode;
      notes: string[];
      /** The same without what this ComfyUI needs since, where it needs something. */
      asSaved?: { graphText: string; notes: string[] };
      /** What is known of a ComfyUI's nodes changes what becomes of it. */
      usesNodes: boolean;
    }
  | { reason: string; usesNodes: boolean }
  /** It can be told only once a ComfyUI has said which nodes it has. */
  | { pending: string };

const waits =
  "is a workflow of ComfyUI's editor; it is taken up as soon as a ComfyUI says which nodes it has";

export function isCarrier(file: string): boolean {
  return carrierEndings.includes(path.extname(file).toLowerCase());
}

/**
 * Reads an API export, an editor workflow, or a picture, film or model that carries either.
 * Throws what the file system does.
 */
export async function readOwnGraph(file: string, objectInfo?: ObjectInfo): Promise<OwnGraph> {
  if (isCarrier(file)) return fromCarried(await readCarriedFile(file), objectInfo);
  return ownGraphIn(await readFile(file, "utf8"), objectInfo);
}

/** As `readOwnGraph`, of the text of an API export or an editor workflow. */
export function ownGraphIn(text: string, objectInfo?: ObjectInfo): OwnGraph {
  const data = parseLenient(text.replace(/^\uFEFF/, ""));
  const editor = editorData(data);
  if (!editor) return { graphText: text, notes: [], usesNodes: false };
  const both = isRecord(data) && data !== editor ? data : {};
  const prompt = [both["prompt"], both["output"]].find(isGraph);
  return fromCarried({ workflow: editor, ...(prompt && { prompt }) }, objectInfo);
}

/** Of what a picture says about itself. */
export function fromCarried(
  carried: Carried | undefined,
  objectInfo: ObjectInfo | undefined,
): OwnGraph {
  const { prompt, workflow, parameters } = carried ?? {};
  // What was run needs no conversion; the editor workflow beside it knows what its author offers.
  if (prompt && isGraph(prompt)) {
    const app = workflow && objectInfo ? appFor(prompt, workflow, objectInfo) : undefined;
    const usesNodes = workflow !== undefined && offersApp(workflow);
    return { graphText: JSON.stringify(prompt), notes: [], usesNodes, ...(app && { app }) };
  }
  if (workflow) return fromEditor(workflow, objectInfo);
  const reason =
    parameters === undefined
      ? "carries no workflow of ComfyUI; many web sites take it out of a picture"
      : "carries the settings of another program and no graph of ComfyUI";
  return { reason, usesNodes: false };
}

function fromEditor(workflow: Json, objectInfo: ObjectInfo | undefined): OwnGraph {
  if (!objectInfo) return { pending: waits };
  const converted = convert(workflow, objectInfo);
  if ("problems" in converted) return { reason: converted.problems.join("; "), usesNodes: true };
  const { graph, gaps, notes, app } = converted;
  const whole = {
    graphText: JSON.stringify(filled(graph, gaps)),
    ...{ notes, usesNodes: true, ...(app && { app }) },
  };
  if (gaps.length === 0) return whole;
  const needs = `this ComfyUI needs more than the file holds: ${gapWords(gaps)}`;
  return {
    ...whole,
    notes: [...notes, `${needs}; those are its defaults`],
    asSaved: { graphText: JSON.stringify(graph), notes: [...notes, needs] },
  };
}

/** The app of the editor workflow, where its nodes are those that were run. */
function appFor(prompt: Graph, workflow: Json, objectInfo: ObjectInfo): AppMode | undefined {
  if (!offersApp(workflow)) return undefined;
  const converted = convert(workflow, objectInfo);
  if ("problems" in converted || !converted.app) return undefined;
  const { graph, app } = converted;
  const slots = app.parameters.flatMap((parameter) => parameter.slots);
  const ids = [...app.outputs, ...slots.map((slot) => slot.slice(0, slot.indexOf(".")))];
  const agree = (id: string) => own(prompt, id)?.class_type === own(graph, id)?.class_type;
  return ids.every(agree) ? app : undefined;
}

function offersApp(workflow: Json): boolean {
  const extra = workflow["extra"];
  return isRecord(extra) && isRecord(extra["linearData"]);
}

function isGraph(data: unknown): data is Graph {
  const nodes = isRecord(data) ? Object.values(data) : [];
  return nodes.length > 0 && nodes.every((node) => isRecord(node) && "class_type" in node);
}
