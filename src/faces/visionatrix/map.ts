import type { Studio } from "../../studio/studio.ts";
import type { PictureTool } from "../../studio/tools.ts";
import type { WorkflowState } from "../../studio/workflow-states.ts";
import { cut, nearest } from "../../words.ts";
import type { TaskRequest } from "../../workflows/request.ts";
import type { Branch } from "../../workflows/workflow.ts";
import { HttpProblem } from "../shared/fastapi.ts";
import type { Call } from "./call.ts";
import { flagOf } from "./faults.ts";
import type { Flow } from "./flows.ts";
import { type Form, standardNames } from "./form.ts";
import { type Brought, bringFile, bringText } from "./pictures.ts";

/** A call in our terms. */
export interface Mapped {
  state: WorkflowState;
  request: TaskRequest;
  params: Call["params"];
  files: Call["files"];
  /** What the first picture is a result of. */
  parent: Brought["of"];
  warnings: string[];
}

/** What flows often call a parameter that workflows here call otherwise. */
const usual: Readonly<Record<string, string>> = {
  input_image: "image",
  source_image: "image",
  mask_image: "mask",
  input_mask: "mask",
  steps_count: "steps",
  steps_number: "steps",
  prompt_strength: "guidance",
  denoise: "strength",
};

/** A field of the call, and what it is here. */
interface Field {
  name: string;
  parameter: string;
}

/** Reads the fields of a flow. Throws 400, naming the field. */
export async function mapCall(
  studio: Studio,
  tools: readonly PictureTool[],
  flow: Flow,
  form: Form,
): Promise<Mapped> {
  const state = chosenBy(flow, form);
  const tool = tools.find(({ name }) => name === state.workflow.tool);
  if (!tool) throw new HttpProblem(404, `Flow \`${flow.name}\` is not installed.`);
  const offered = Object.keys((tool.inputSchema["properties"] ?? {}) as object);
  const reader = new Reader(studio, flow, state, offered);
  for (const name of new Set([...form.texts.keys(), ...form.files.keys()])) {
    if (!standardNames.has(name)) await reader.read(name, form);
  }
  reader.checkPictures();
  const { args, params, files, parent, warnings } = reader;
  return { state, request: requestOf(tool, offered, args, state), params, files, parent, warnings };
}

/** Gathers the fields of one call. */
class Reader {
  readonly args: Record<string, unknown> = {};
  readonly params: Call["params"] = {};
  readonly files: Call["files"] = [];
  readonly warnings: string[] = [];
  parent: Brought["of"];
  readonly #studio: Studio;
  readonly #flow: Flow;
  readonly #state: WorkflowState;
  readonly #offered: readonly string[];

  constructor(studio: Studio, flow: Flow, state: WorkflowState, offered: readonly string[]) {
    this.#studio = studio;
    this.#flow = flow;
    this.#state = state;
    this.#offered = offered;
  }

  async read(name: string, form: Form): Promise<void> {
    const parameter = this.#parameterOf(name);
    if (parameter !== undefined && isPicture(this.#state, parameter)) {
      return this.#readPicture({ name, parameter }, form);
    }
    const text = form.texts.get(name);
    if (text !== undefined) this.params[name] = text;
    const { unheard, choices } = this.#flow;
    if (choices.some((choice) => choice.name === name)) return;
    if (Object.hasOwn(unheard, name)) {
      if (text !== "") this.warnings.push(`${name} has no effect: ${unheard[name]}.`);
    } else if (parameter === undefined) {
      this.warnings.push(unknown(name, this.#flow));
    } else if (text !== undefined) {
      Object.assign(this.args, argumentsFor({ name, parameter }, text, this.#state));
    }
  }

  async #readPicture({ name, parameter }: Field, form: Form): Promise<void> {
    const brought = await pictureIn(this.#studio, name, form);
    if (!brought) return;
    const { id, sha256, bytes } = brought.upload;
    if (this.files.length === 0) this.parent = brought.of;
    this.args[parameter] = id;
    this.files.push({ parameter: name, sha256, bytes });
  }

  /** Throws 400 where one is missing that the flow cannot do without. */
  checkPictures(): void {
    for (const { name, type, optional } of this.#flow.inputs) {
      const parameter = this.#parameterOf(name) ?? name;
      if (!type.startsWith("image") || optional || this.args[parameter] !== undefined) continue;
      throw new HttpProblem(400, `The parameter \`${name}\` is required, but missing.`);
    }
  }

  #parameterOf(name: string): string | undefined {
    return parameterFor(name, this.#flow, this.#state, this.#offered);
  }
}

/** Throws 400 for a value that is none of a choice. */
function chosenBy({ state, choices, variants }: Flow, { texts }: Form): WorkflowState {
  const wanted = choices.map((choice) => [choice.name, valueAmong(choice, texts)] as const);
  const found = variants.find(({ values }) =>
    wanted.every(([name, value]) => values[name] === value),
  );
  if (found) return found.state;
  const others = choices.filter(({ name, standard }) => {
    return wanted.some(([choice, value]) => choice === name && value !== standard);
  });
  if (others.length === 0) return state;
  const names = others.map(({ name }) => name).join(", ");
  throw new HttpProblem(400, `${names}: this branch of the flow cannot be run here.`);
}

function valueAmong({ name, standard, values, isSwitch }: Branch, texts: Form["texts"]): string {
  const text = texts.get(name)?.trim() ?? "";
  if (text === "") return standard;
  const value = isSwitch ? String(flagOf(text) ?? text) : text;
  if (values.includes(value)) return value;
  const known = values.map((each) => `'${each}'`).join(" or ");
  throw new HttpProblem(400, `${name}: expected ${known}, got '${cut(text, 60)}'.`);
}

function parameterFor(
  name: string,
  flow: Flow,
  { workflow }: WorkflowState,
  offered: readonly string[],
): string | undefined {
  const has = (parameter: string | undefined): parameter is string =>
    parameter !== undefined && Object.hasOwn(workflow.parameters, parameter);
  const renamed = Object.hasOwn(flow.renamed, name) ? flow.renamed[name] : undefined;
  const known = Object.hasOwn(usual, name) ? usual[name] : undefined;
  // A field without a name of its own is called by its node.
  const node = /^in_param_(.+)$/.exec(name)?.[1];
  const ofNode = Object.values(workflow.parameters).filter(({ slots }) =>
    slots.some((slot) => slot.node === node),
  );
  const only = ofNode.length === 1 ? ofNode[0]?.name : undefined;
  const found = [renamed, name, `input_${name}`, only, known].find(has);
  if (found !== undefined) return found;
  const isOption = offered.includes(name) && !["workflow", "count"].includes(name);
  return isOption || (name === "aspect_ratio" && has("width")) ? name : undefined;
}

function isPicture({ workflow }: WorkflowState, parameter: string): boolean {
  return workflow.parameters[parameter]?.type === "image";
}

/** Undefined for a file that is empty, as forms send one that nobody chose. */
async function pictureIn(
  studio: Studio,
  name: string,
  { texts, files }: Form,
): Promise<Brought | undefined> {
  const file = files.get(name);
  if (file) return file.size === 0 ? undefined : bringFile(studio, name, file);
  const text = texts.get(name) ?? "";
  return text.trim() === "" ? undefined : bringText(studio, name, text);
}

function argumentsFor(
  { name, parameter }: Field,
  text: string,
  { workflow }: WorkflowState,
): Record<string, unknown> {
  const sides = /\((\d+)\s*[x×]\s*(\d+)\)/.exec(text);
  if (parameter === "aspect_ratio") {
    if (!sides) return { aspect_ratio: text };
    return { width: Number(sides[1]), height: Number(sides[2]) };
  }
  const known = workflow.parameters[parameter];
  // What no tool's schema has is read here.
  const isNumber = known?.type === "number" || known?.type === "integer";
  if (isNumber && text.trim() !== "" && Number.isFinite(Number(text))) {
    return { [parameter]: Number(text) };
  }
  if (known?.type !== "boolean" || text === "") return { [parameter]: text };
  const value = flagOf(text);
  if (value !== undefined) return { [parameter]: value };
  throw new HttpProblem(400, `${name}: expected true or false, got '${cut(text, 60)}'.`);
}

/** By the tool's own reading; what only this workflow has is added as it is. Throws `invalid_input`. */
function requestOf(
  tool: PictureTool,
  offered: readonly string[],
  args: Record<string, unknown>,
  { workflow }: WorkflowState,
): TaskRequest {
  const entries = Object.entries(args);
  const known = Object.fromEntries(entries.filter(([name]) => offered.includes(name)));
  const others = Object.fromEntries(entries.filter(([name]) => !offered.includes(name)));
  const hasPrompt = Object.hasOwn(workflow.parameters, "prompt");
  // There, a text that is not given is empty, which our tools refuse of a prompt.
  const isEmpty = hasPrompt && (known["prompt"] === undefined || known["prompt"] === "");
  const read = { ...known, ...(isEmpty ? { prompt: "-" } : {}), workflow: workflow.name };
  const { request } = tool.read(read);
  const parameters = { ...request.parameters, ...(isEmpty ? { prompt: "" } : {}), ...others };
  return { ...request, parameters };
}

function unknown(name: string, flow: Flow): string {
  const names = [...flow.inputs, ...flow.choices].map((each) => each.name);
  const [near] = nearest(name, names, 1);
  const hint = near === undefined ? "" : ` Did you mean ${near}?`;
  return `${cut(name, 60)} has no effect: the flow has no such parameter.${hint}`;
}
