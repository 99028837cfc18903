import { efforts, effortWords } from "../../workflows/known-parameters.ts";
import type { TaskRequest } from "../../workflows/request.ts";
import type { Parameter } from "../../workflows/workflow.ts";
import { isRecord } from "../shared/body.ts";
import { chooseWorkflow } from "../shared/choose.ts";
import type { Here } from "../shared/here.ts";
import { type Lora, limited, pickLoras } from "../shared/loras.ts";
import { fileOf } from "../shared/names.ts";
import { noEffect } from "../shared/warnings.ts";
import { Refused } from "./problems.ts";
import { type Call, type Fields, sizeIn } from "./schema.ts";

/** What of OpenAI's is asked for. */
export type Kind = "generation" | "edit" | "variation";

/** Pictures of a call, by the ids they are kept under. */
export interface Pictures {
  image?: string;
  mask?: string;
}

export interface Mapped {
  tool: string;
  request: TaskRequest;
  /** What of the call has no effect, or another one than at OpenAI. */
  warnings: string[];
}

/** Names of OpenAI's own models: whoever has to send one means none of ours. */
const theirs = /^(gpt-image|chatgpt-image|dall-e|gpt-\d|auto$|default$)/i;

/** A call of OpenAI's images API as one of our tools. Throws `Refused`. */
export function mapCall(call: Call, kind: Kind, pictures: Pictures, here: Here): Mapped {
  const { fields } = call;
  const tool = toolFor(kind, pictures);
  const model = modelOf(fields.model, tool, here);
  const loras = pickLoras(lorasIn(fields.loras), here.installed.loras);
  const style = styleOf(fields.style, here.styles);
  const size = sizeIn(fields.size);
  const parameters = {
    ...pictures,
    ...(tool === "generate_image" ? size : {}),
    ...settingsOf(fields, kind),
  };
  const named = Object.keys({ ...parameters, ...call.others });
  // How much a variation changes is said to workflows with a strength alone.
  const wishes = [...named, ...(kind === "variation" ? ["strength"] : [])].map((parameter) => ({
    parameter,
  }));
  const hasLoras = loras.loras.length > 0;
  const wanted = { tool, wishes, effort: undefined, hasLoras, model: model.file };
  const workflow =
    model.workflow ??
    (model.family === undefined
      ? chooseWorkflow(here.workflows, here.installed.models, wanted)?.name
      : undefined);
  const others = othersIn(call.others, parametersOf(here, tool, workflow));
  const request: TaskRequest = {
    ...given("workflow", workflow),
    ...given("model", model.file ?? model.family),
    ...given("quality", effortOf(fields.quality)),
    ...(loras.loras.length > 0 ? { loras: loras.loras } : {}),
    ...(style.name === undefined ? {} : { styles: [style.name] }),
    ...(kind === "variation" && fields.strength === undefined ? { vary: "strong" } : {}),
    ...(fields.seed === undefined || fields.seed < 0 ? {} : { seed: fields.seed }),
    count: fields.n ?? 1,
    outputFormat: fields.output_format ?? "png",
    parameters: { ...others.parameters, ...parameters },
  };
  const warnings = [
    ...model.warnings,
    ...style.warnings,
    ...loras.problems,
    ...others.warnings,
    ...unheard(fields, kind),
  ];
  return { tool, request, warnings };
}

/** A variation is made after a picture alone; every workflow needs words. */
const wordless = "a picture";

function settingsOf(fields: Fields, kind: Kind): Record<string, unknown> {
  return {
    ...given("prompt", fields.prompt ?? (kind === "variation" ? wordless : undefined)),
    ...given("negative_prompt", fields.negative_prompt),
    ...given("steps", fields.steps),
    ...given("guidance", fields.guidance_scale),
    ...given("strength", fields.strength),
    ...given("sampler", fields.sampler),
    ...given("scheduler", fields.scheduler),
  };
}

function given(name: string, value: unknown): Record<string, unknown> {
  return value === undefined ? {} : { [name]: value };
}

function toolFor(kind: Kind, { mask }: Pictures): string {
  if (kind === "generation") return "generate_image";
  return mask === undefined ? "img2img" : "inpaint";
}

interface Model {
  workflow?: string;
  /** As ComfyUI spells it. */
  file?: string;
  /** What no file is called; the studio knows families by name, and refuses what it does not know. */
  family?: string;
  warnings: string[];
}

/** A workflow, a model file or a family; none for a name of OpenAI's. */
function modelOf(name: string | undefined, tool: string, here: Here): Model {
  if (name === undefined) return { warnings: [] };
  if (theirs.test(name)) {
    const why = `${JSON.stringify(name)} is OpenAI's, and a workflow of this server makes the picture`;
    return { warnings: [noEffect("model", why)] };
  }
  const all = here.workflows.map(({ workflow }) => workflow);
  const named = all.filter((each) => each.name === name);
  if (named.some((each) => each.tool === tool) || /^(template|picture):/.test(name)) {
    return { workflow: name, warnings: [] };
  }
  const [elsewhere] = named;
  if (elsewhere) {
    const why = `workflow ${name} is for ${elsewhere.tool}, and this takes one for ${tool}`;
    return { warnings: [noEffect("model", why)] };
  }
  const ofTool = here.installed.models.filter((each) => each.tool === tool);
  const file = fileOf(
    name,
    ofTool.flatMap(({ files }) => files),
  );
  return { ...(file === undefined ? { family: name } : { file }), warnings: [] };
}

function parametersOf(
  here: Here,
  tool: string,
  name: string | undefined,
): Readonly<Record<string, Parameter>> {
  const found = here.workflows.find(
    ({ workflow }) => workflow.tool === tool && workflow.name === name,
  );
  return found?.workflow.parameters ?? {};
}

/** Fields that are parameters of the workflow itself, whatever it is. */
function othersIn(
  others: Readonly<Record<string, unknown>>,
  parameters: Readonly<Record<string, Parameter>>,
): { parameters: Record<string, unknown>; warnings: string[] } {
  const taken: Record<string, unknown> = {};
  const warnings: string[] = [];
  for (const [name, value] of Object.entries(others)) {
    if (value === null || value === "") continue;
    const parameter = Object.hasOwn(parameters, name) ? parameters[name] : undefined;
    if (parameter && parameter.type !== "image") {
      taken[name] = typed(value, parameter);
    } else {
      const takes = Object.keys(parameters).join(", ");
      const why = takes === "" ? "there is no such field" : `the workflow takes ${takes}`;
      warnings.push(noEffect(name.slice(0, 60), why));
    }
  }
  return { parameters: taken, warnings };
}

/** In a form all is text. */
function typed(value: unknown, { type }: Parameter): unknown {
  if (typeof value !== "string") return value;
  if (type === "integer" || type === "number") return Number(value);
  return type === "boolean" ? value === "true" : value;
}

/** Words of OpenAI for what `quality` is called here; "auto" and "standard" are the workflow's own. */
function effortOf(quality: Fields["quality"]): string | undefined {
  const word = quality === "hd" ? "high" : quality;
  return efforts.find((effort) => effortWords[effort] === word);
}

/** One of our styles; OpenAI's own two are looks of its model. */
function styleOf(
  style: string | undefined,
  styles: readonly string[],
): { name?: string; warnings: string[] } {
  if (style === undefined) return { warnings: [] };
  const name = styles.find((each) => each.toLowerCase() === style.toLowerCase());
  if (name !== undefined) return { name, warnings: [] };
  const why = /^(vivid|natural)$/i.test(style)
    ? "it is a look of OpenAI's model"
    : "there is no such style; GET /api/v1/styles names those there are";
  return { warnings: [noEffect("style", why)] };
}

/** `"name:weight"`, or objects with a name and a weight under any of the names servers have for them. */
function lorasIn(value: unknown): Lora[] {
  if (value === undefined || value === null || value === "") return [];
  if (typeof value === "string") return lorasInText(value);
  if (!Array.isArray(value)) {
    throw new Refused("Invalid value for 'loras': expected a list of \"name:weight\".", "loras");
  }
  return value.flatMap((entry) => {
    if (typeof entry === "string") return [loraIn(entry)];
    if (!isRecord(entry)) return [];
    const name = entry["name"] ?? entry["model_name"] ?? entry["path"] ?? entry["lora_name"];
    const weight = entry["weight"] ?? entry["scale"] ?? entry["strength"] ?? 1;
    return typeof name === "string" ? [{ name, weight: limited(Number(weight)) }] : [];
  });
}

/** A form has them as JSON, or with commas. */
function lorasInText(text: string): Lora[] {
  if (/^\s*\[/.test(text)) {
    try {
      return lorasIn(JSON.parse(text));
    } catch {
      throw new Refused("Invalid value for 'loras': it is no JSON list.", "loras");
    }
  }
  return text
    .split(",")
    .filter((part) => part.trim() !== "")
    .map(loraIn);
}

function loraIn(text: string): Lora {
  const [, name = text, weight] = /^(.*):([+-]?(?:\d+\.?\d*|\.\d+))$/.exec(text.trim()) ?? [];
  return { name: name.trim(), weight: weight === undefined ? 1 : limited(Number(weight)) };
}

/** What of OpenAI's nothing here follows, where it asks for something, and what was added to it. */
function unheard(fields: Fields, kind: Kind): string[] {
  const { moderation = "auto", input_fidelity: fidelity, size, prompt } = fields;
  return [
    ...(moderation === "auto" ? [] : [noEffect("moderation", "nothing is moderated here")]),
    ...(fidelity === undefined
      ? []
      : [noEffect("input_fidelity", "strength says how much is changed")]),
    ...(kind === "variation" && prompt === undefined
      ? [`prompt: workflows need one, and ${JSON.stringify(wordless)} was used.`]
      : []),
    ...(kind !== "generation" && sizeIn(size) !== undefined
      ? [noEffect("size", "the size follows from the picture that is given")]
      : []),
  ];
}
