import {
  type Graph,
  type GraphNode,
  isLink,
  type Link,
  type ObjectInfo,
} from "../comfy/protocol.ts";
import { AppError } from "../errors.ts";
import { copyJson } from "../json.ts";
import { nearest } from "../words.ts";
import { limitFault, typeFault } from "./check-value.ts";
import { comboChoices } from "./combo.ts";

export interface Lora {
  /** As the backend spells it. */
  name: string;
  weight: number;
}

/** The outputs of the loaders, `[node id, output slot]`. */
export interface LoraPoints {
  model: Link;
  /** Left out for models whose LoRAs leave the text encoder alone. */
  clip?: Link | undefined;
}

export const mostLoras = 5;
const weightLimits = { minimum: -2, maximum: 2 } as const;
const extension = /\.(safetensors|sft|ckpt|pt|pth|bin)$/i;

/** A copy of the graph in which whatever took the model (and clip) takes it through the LoRAs. */
export function spliceLoras(graph: Graph, points: LoraPoints, loras: readonly Lora[]): Graph {
  refuseMissing(graph, points);
  const ids = freeIds(graph, loras.length);
  const chain: Graph = {};
  let { model, clip } = points;
  for (const [i, id] of ids.entries()) {
    const lora = loras[i];
    if (lora) chain[id] = loader(lora, model, clip);
    model = [id, 0];
    clip = clip && [id, 1];
  }
  const spliced = copyJson(graph);
  redirect(spliced, points.model, model);
  if (points.clip && clip) redirect(spliced, points.clip, clip);
  return { ...spliced, ...chain };
}

function refuseMissing(graph: Graph, { model, clip }: LoraPoints): void {
  for (const [id] of clip ? [model, clip] : [model]) {
    if (!Object.hasOwn(graph, id)) throw new Error(`LoRA point: node "${id}" is not in the graph`);
  }
}

function freeIds(graph: Graph, count: number): string[] {
  const ids: string[] = [];
  for (let number = 1; ids.length < count; number += 1) {
    const id = `lora_${number}`;
    if (!Object.hasOwn(graph, id)) ids.push(id);
  }
  return ids;
}

function redirect(graph: Graph, from: Link, to: Link): void {
  for (const { inputs } of Object.values(graph)) {
    for (const [input, value] of Object.entries(inputs)) {
      if (isLink(value) && value[0] === from[0] && value[1] === from[1]) inputs[input] = [...to];
    }
  }
}

function loader({ name, weight }: Lora, model: Link, clip: Link | undefined): GraphNode {
  const inputs = { model: [...model] satisfies Link, lora_name: name, strength_model: weight };
  return clip
    ? { class_type: "LoraLoader", inputs: { ...inputs, clip: [...clip], strength_clip: weight } }
    : { class_type: "LoraLoaderModelOnly", inputs };
}

/**
 * Checks a caller's list: `{ name, weight? }`, "name" or "name:0.8". Names come back as this
 * backend spells them. Throws `invalid_input`.
 */
export function resolveLoras(value: unknown, objectInfo: ObjectInfo): Lora[] {
  if (value === undefined) return [];
  if (!Array.isArray(value)) {
    throw refused(
      `must be a list such as [{"name": "detail", "weight": 0.8}], got ${shown(value)}`,
    );
  }
  if (value.length > mostLoras) {
    throw refused(`${value.length} are too many; at most ${mostLoras} can be combined`);
  }
  if (value.length === 0) return [];
  const installed = installedLoras(objectInfo);
  return value.map((entry: unknown, i) => {
    const asked = typeof entry === "string" ? fromText(entry, installed) : fromRecord(entry, i);
    const { weight = 1 } = asked;
    const fault = typeFault(weight, "number") ?? limitFault(Number(weight), weightLimits);
    if (fault !== undefined) throw refused(`the weight of ${shown(asked.name)}: ${fault}`);
    return { name: spelled(asked.name, installed), weight: Number(weight) };
  });
}

interface Asked {
  name: string;
  weight?: unknown;
}

/** A name may hold a colon itself, so an installed one comes first. */
function fromText(text: string, installed: readonly string[]): Asked {
  const colon = text.lastIndexOf(":");
  const weight = text.slice(colon + 1).trim();
  const isWeight = colon > 0 && weight !== "" && Number.isFinite(Number(weight));
  if (!isWeight || installed.includes(text)) return { name: text };
  return { name: text.slice(0, colon), weight: Number(weight) };
}

function fromRecord(entry: unknown, index: number): Asked {
  const at = `entry ${index + 1}`;
  if (typeof entry !== "object" || entry === null || Array.isArray(entry)) {
    throw refused(
      `${at} must be {"name", "weight"} or text such as "detail:0.8", got ${shown(entry)}`,
    );
  }
  const { name, weight, ...others } = entry as Record<string, unknown>;
  const [unknown] = Object.keys(others);
  if (unknown !== undefined) {
    throw refused(`${at} has the unknown key ${shown(unknown)}; it takes name and weight`);
  }
  const fault = typeFault(name, "string");
  if (fault !== undefined) throw refused(`the name of ${at} ${fault}`);
  return { name: String(name), weight };
}

/** Both loaders list the same folder. */
function installedLoras(objectInfo: ObjectInfo): string[] {
  const lists = ["LoraLoader", "LoraLoaderModelOnly"].flatMap((classType) => {
    const info = Object.hasOwn(objectInfo, classType) ? objectInfo[classType] : undefined;
    return info ? [comboChoices(info, "lora_name") ?? []] : [];
  });
  const [first] = lists;
  if (!first)
    throw new AppError("not_ready", "loras: this ComfyUI has no LoraLoader node; update it.");
  if (first.length > 0) return first;
  throw refused(
    "this ComfyUI has none: its models/loras is empty. Put a .safetensors file there, or leave loras out",
  );
}

/** From the strictest reading to the loosest. */
const readings: readonly ((file: string) => string)[] = [
  (file) => file,
  withoutExtension,
  baseName,
  (file) => withoutExtension(baseName(file)),
];

function spelled(name: string, installed: readonly string[]): string {
  if (installed.includes(name)) return name;
  const wanted = slashes(name.trim());
  for (const fold of [(text: string) => text, (text: string) => text.toLowerCase()]) {
    for (const reading of readings) {
      const found = installed.filter((file) => fold(reading(slashes(file))) === fold(wanted));
      if (found.length > 1) {
        throw refused(`${shown(name)} could be ${found.join(" or ")}; give one of these names`);
      }
      if (found[0] !== undefined) return found[0];
    }
  }
  throw refused(`${shown(name)} is not installed on this ComfyUI; ${hint(wanted, installed)}`);
}

/** Files are compared without folder and extension: those would outweigh a typing mistake. */
function hint(wanted: string, installed: readonly string[]): string {
  const core = (file: string) => withoutExtension(baseName(slashes(file)));
  const near = nearest(core(wanted).slice(0, 200), [...new Set(installed.map(core))]);
  const files = near.flatMap((name) => installed.filter((file) => core(file) === name));
  if (files.length > 0) return `did you mean ${files.slice(0, 3).join(" or ")}?`;
  const more = installed.length > 10 ? `, … (${installed.length} in all)` : "";
  return `installed: ${installed.slice(0, 10).join(", ")}${more}`;
}

function withoutExtension(file: string): string {
  return file.replace(extension, "");
}

function baseName(file: string): string {
  return file.slice(file.lastIndexOf("/") + 1);
}

/** A backend on Windows separates folders with a backslash. */
function slashes(file: string): string {
  return file.replaceAll("\\", "/");
}

function shown(value: unknown): string {
  const text = JSON.stringify(value) ?? "nothing";
  return text.length > 80 ? `${text.slice(0, 80)}…` : text;
}

function refused(problem: string): AppError {
  return new AppError("invalid_input", `loras: ${problem}${problem.endsWith("?") ? "" : "."}`);
}
