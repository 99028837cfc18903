import type { ObjectInfo } from "../comfy/protocol.ts";
import { AppError } from "../errors.ts";
import { choiceFault, limitFault, typeFault } from "./check-value.ts";
import { comboChoices } from "./combo.ts";
import { reservedParameters } from "./own-options.ts";
import type { Parameter, Value, Workflow } from "./workflow.ts";

export interface Resolved {
  values: Record<string, Value>;
  warnings: string[];
}

/**
 * Left out of `values` unless given: the caller draws a random seed, and `renderSize` chooses
 * the size. Filling them in here would make the graph's own numbers look asked for.
 */
const chosenElsewhere: readonly string[] = ["seed", "width", "height"];

/** A model is rendered in steps of its own, whatever size is asked for; see `renderSize`. */
const sides: readonly string[] = ["width", "height"];

/** Checks what was given and fills in the graph's defaults. Throws `invalid_input`. */
export function resolveParameters(
  workflow: Workflow,
  args: Readonly<Record<string, unknown>>,
): Resolved {
  const values: Record<string, Value> = {};
  for (const parameter of Object.values(workflow.parameters)) {
    const given = args[parameter.name];
    if (given !== undefined) values[parameter.name] = checked(workflow, parameter, given);
    else if (parameter.required) throw missing(workflow, parameter);
    else if (parameter.default !== undefined && !chosenElsewhere.includes(parameter.name)) {
      values[parameter.name] = parameter.default;
    }
  }
  return { values, warnings: warningsFor(workflow, args) };
}

/**
 * Checks names that only a backend knows, such as samplers: ComfyUI would refuse the whole graph
 * for one it does not have. Throws `invalid_input`.
 */
export function checkChoices(
  workflow: Workflow,
  args: Readonly<Record<string, unknown>>,
  objectInfo: ObjectInfo,
): void {
  for (const { name, type, slots } of Object.values(workflow.parameters)) {
    const given = args[name];
    if (typeof given !== "string" || type === "image") continue;
    for (const { node, input } of slots) {
      const classType = workflow.graph[node]?.class_type ?? "";
      const info = Object.hasOwn(objectInfo, classType) ? objectInfo[classType] : undefined;
      const choices = info && comboChoices(info, input);
      if (!choices || choices.includes(given)) continue;
      throw new AppError("invalid_input", `${name}: ${sentence(choiceFault(given, choices))}`);
    }
  }
}

function checked(workflow: Workflow, parameter: Parameter, given: unknown): Value {
  const { multipleOf: _step, ...withoutStep } = parameter;
  const limits = sides.includes(parameter.name) ? withoutStep : parameter;
  const fault = typeFault(given, parameter.type);
  const outside = fault ?? limitFault(given as Value, limits);
  if (outside === undefined) return given as Value;
  const where = fault === undefined ? ` That is the limit of workflow ${workflow.name}.` : "";
  throw new AppError("invalid_input", `${parameter.name}: ${sentence(outside)}${where}`);
}

function missing(workflow: Workflow, { name, type }: Parameter): AppError {
  return new AppError(
    "invalid_input",
    `${name} is missing: the workflow "${workflow.name}" needs it (${type}).`,
  );
}

function warningsFor(workflow: Workflow, args: Readonly<Record<string, unknown>>): string[] {
  const takes = Object.keys(workflow.parameters).join(", ");
  return Object.entries(args)
    .filter(([name, value]) => isIgnored(workflow, name, value))
    .map(([name]) => `${name} is not used by ${workflow.name}: it takes ${takes}.`);
}

function isIgnored(workflow: Workflow, name: string, value: unknown): boolean {
  if (value === undefined || value === "") return false;
  return !(reservedParameters.includes(name) || Object.hasOwn(workflow.parameters, name));
}

function sentence(text: string): string {
  return /[.?]$/.test(text) ? text : `${text}.`;
}
