import type { Catalog } from "./catalog.ts";
import {
  efforts,
  knownParameter,
  knownParameters,
  type ToolParameterType,
} from "./known-parameters.ts";
import type { Parameter, Value, Workflow } from "./workflow.ts";

/** One parameter of a tool: what its workflows have under that name, taken together. */
export interface ToolParameter {
  name: string;
  type: ToolParameterType;
  description: string;
  /** Every workflow of the tool needs it. */
  required: boolean;
  /** Only where every workflow of the tool has the same one. A seed has none: it is drawn. */
  default?: Value;
  minimum?: number;
  maximum?: number;
  choices?: readonly Value[];
}

/** The parameters of a tool in a stable order: the common ones first, then by name. */
export function toolParameters(catalog: Catalog, tool: string): ToolParameter[] {
  const workflows = catalog.ofTool(tool);
  const names = new Set(workflows.flatMap((workflow) => Object.keys(workflow.parameters)));
  return [...names].sort(inOrder).map((name) => {
    const all = workflows.map((workflow) => workflow.parameters[name]);
    const common = same(all.map((parameter) => parameter?.default));
    return {
      ...merged(
        all.filter((parameter) => parameter !== undefined),
        name,
      ),
      required: all.every((parameter) => parameter?.required === true),
      ...(common !== undefined && common !== "" && isShown(name) && { default: common }),
    };
  });
}

/** Those of `model`, `loras` and `quality` that a workflow of the tool can follow. */
export function toolOptions(catalog: Catalog, tool: string): ToolParameter[] {
  const workflows = catalog.ofTool(tool);
  const words = efforts.filter((effort) => workflows.some(({ presets }) => presets[effort]));
  const has = (key: keyof Workflow) => workflows.some((workflow) => workflow[key] !== undefined);
  return [
    ...(has("model") ? [option("model")] : []),
    ...(has("loras") ? [option("loras")] : []),
    ...(words.length > 0 ? [{ ...option("quality"), choices: words }] : []),
  ];
}

function option(name: "model" | "loras" | "quality"): ToolParameter {
  const { type = "string", description = "" } = knownParameter(name) ?? {};
  return { name, type, description, required: false };
}

function merged(parameters: readonly Parameter[], name: string): Omit<ToolParameter, "required"> {
  const minimum = widest(parameters, "minimum");
  const maximum = widest(parameters, "maximum");
  const choices = same(parameters.map((parameter) => parameter.choices));
  return {
    name,
    type: parameters[0]?.type ?? "string",
    description: description(parameters, name),
    ...(minimum !== undefined && { minimum }),
    ...(maximum !== undefined && { maximum }),
    ...(choices && { choices }),
  };
}

/** The seed is drawn, and the size depends on the model that is chosen. */
function isShown(name: string): boolean {
  return name !== "seed" && name !== "width" && name !== "height";
}

function description(parameters: readonly Parameter[], name: string): string {
  const own = parameters.find((parameter) => parameter.description !== undefined)?.description;
  // For a name that means the same in all, the workflow that is tried first speaks for them.
  const known = parameters[0]?.description ?? knownParameter(name)?.description;
  return known ?? own ?? `${name.replaceAll("_", " ")}.`;
}

/** Unlimited as soon as one workflow is. */
function widest(parameters: readonly Parameter[], side: "minimum" | "maximum"): number | undefined {
  const limits = parameters.map((parameter) => parameter[side]);
  const set = limits.filter((limit) => limit !== undefined);
  if (set.length < limits.length || set.length === 0) return undefined;
  return side === "minimum" ? Math.min(...set) : Math.max(...set);
}

function same<T>(values: readonly (T | undefined)[]): T | undefined {
  const [first] = values;
  const text = JSON.stringify(first);
  return values.every((value) => JSON.stringify(value) === text) ? first : undefined;
}

const order = Object.keys(knownParameters);

function inOrder(a: string, b: string): number {
  return rank(a) - rank(b) || (a < b ? -1 : 1);
}

function rank(name: string): number {
  const place = order.indexOf(name);
  return place === -1 ? order.length : place;
}
