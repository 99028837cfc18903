import type { ObjectInfo } from "../comfy/protocol.ts";
import { AppError } from "../errors.ts";
import { nearest, quoted } from "../words.ts";
import { comboChoices } from "./combo.ts";
import { fileOfFamily, isOfFamily } from "./model-family.ts";
import { ModelFiles, suits } from "./model-files.ts";
import type { Slot, Workflow } from "./workflow.ts";

/** A workflow that can load the file a caller wants. */
export interface Fit {
  workflow: Workflow;
  /** The file as the backend spells it, by slot. */
  chosen: Readonly<Record<string, string>>;
  /** How a name was read that is no file's. */
  note?: string;
}

/** More names than these are no help. */
const mostNamed = 8;

/**
 * The workflows whose loader lists the wanted file and whose binding says that it suits. A file
 * that suits none by its name is taken where the caller names the workflow too. Throws
 * `invalid_input`.
 */
export function fitting(
  workflows: readonly Workflow[],
  named: Workflow | undefined,
  model: string,
  objectInfo: ObjectInfo,
): Fit[] {
  const open = workflows.flatMap((workflow) =>
    workflow.model ? [looked(workflow, workflow.model, model, objectInfo)] : [],
  );
  if (open.length === 0) {
    throw refused(`${workflows[0]?.tool} has no workflow whose model can be chosen; leave it out`);
  }
  if (named && !named.model) {
    throw refused(
      `the workflow "${named.name}" has no model to choose; ${namesOf(open)} have one, or leave it out`,
    );
  }
  const listing = open.filter(({ file }) => file !== undefined);
  if (listing.length === 0) {
    const family = familyFits(named ? [named] : workflows, open, model);
    if (family.length > 0) return family;
    throw unknown(model, open);
  }
  const suited = listing.filter((each) => each.suits);
  if (!named && suited.length === 0) {
    throw refused(
      `"${model}" does not look as if it suited any workflow; to use it all the same, name one of ${namesOf(listing)} as workflow`,
    );
  }
  if (named)
    return [namedFit(named, model, listing, suited), ...suited.filter(isNot(named))].map(fit);
  return suited.map(fit);
}

/** "sdxl" is no file, but a family whose files and workflows say so. */
function familyFits(workflows: readonly Workflow[], open: readonly Looked[], model: string): Fit[] {
  return workflows.flatMap((workflow): Fit[] => {
    const own = open.find((each) => each.workflow === workflow);
    if (!own) {
      if (!isOfFamily(workflow, model)) return [];
      return [{ workflow, chosen: {}, note: reading(model, `workflow ${workflow.name}`) }];
    }
    const value = workflow.graph[own.slot.node]?.inputs[own.slot.input];
    const file = fileOfFamily(workflow, own.slot.text, String(value), own.files, model);
    if (file === undefined) return [];
    return [{ workflow, chosen: { [own.slot.text]: file }, note: reading(model, file) }];
  });
}

function reading(model: string, meaning: string): string {
  return `model: ${quoted(model, 60)} was read as ${meaning}.`;
}

interface Looked {
  workflow: Workflow;
  slot: Slot;
  files: readonly string[];
  /** What the caller means, if the loader lists it. */
  file: string | undefined;
  suits: boolean;
}

function looked(workflow: Workflow, slot: Slot, model: string, objectInfo: ObjectInfo): Looked {
  const { node, input, text } = slot;
  const classType = workflow.graph[node]?.class_type ?? "";
  const info = Object.hasOwn(objectInfo, classType) ? objectInfo[classType] : undefined;
  const files = (info && comboChoices(info, input)) ?? [];
  const file = ModelFiles.of(files).meant(model);
  const need = workflow.models.find((each) => each.slot === text);
  const suitable = file !== undefined && (need === undefined || suits(need, file));
  return { workflow, slot, files, file, suits: suitable };
}

function namedFit(
  named: Workflow,
  model: string,
  listing: readonly Looked[],
  suited: readonly Looked[],
): Looked {
  const own = listing.find(({ workflow }) => workflow === named);
  if (own && (own.suits || suited.length === 0)) return own;
  const why = own ? "does not suit" : "is not in the folder of";
  const instead = suited.length > 0 ? suited : listing;
  throw refused(`"${model}" ${why} the workflow "${named.name}"; it goes with ${namesOf(instead)}`);
}

function fit({ workflow, slot, file = "" }: Looked): Fit {
  return { workflow, chosen: { [slot.text]: file } };
}

function isNot(workflow: Workflow): (each: Looked) => boolean {
  return (each) => each.workflow !== workflow;
}

function unknown(model: string, open: readonly Looked[]): AppError {
  const files = [...new Set(open.flatMap((each) => each.files))];
  const near = nearest(model, files);
  if (near.length > 0) {
    const text = `model: this ComfyUI has no "${model}"; did you mean ${near.join(", ")}?`;
    const choices = { parameter: "model", given: model, values: near };
    return new AppError("invalid_input", text, { choices });
  }
  const more = files.length > mostNamed ? `, … (${files.length} in all)` : "";
  const known = files.slice(0, mostNamed).join(", ");
  return refused(
    `this ComfyUI has no "${model}"; it has ${known === "" ? "none" : `${known}${more}`}`,
  );
}

function namesOf(all: readonly Looked[]): string {
  return all
    .slice(0, mostNamed)
    .map(({ workflow }) => workflow.name)
    .join(", ");
}

function refused(text: string): AppError {
  return new AppError("invalid_input", `model: ${text}${/[.?]$/.test(text) ? "" : "."}`);
}
