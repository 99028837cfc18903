import type { Graph } from "../comfy/protocol.ts";
import { isLink } from "../comfy/protocol.ts";
import { plain } from "../words.ts";
import { type Binding, type BoundParameter, parseBinding } from "./binding.ts";
import { limitFault, typeFault } from "./check-value.ts";
import { factsOf } from "./facts.ts";
import { deepFreeze, findSlot, graphHash, parseGraph } from "./graph.ts";
import { knownParameter, type ParameterType } from "./known-parameters.ts";
import { heldType, isSame, type Literal, limitsOf, wholeValue } from "./literal.ts";
import { checkNeeds } from "./needs.ts";
import { optionsOf } from "./options.ts";
import { checkBypass } from "./reduce.ts";
import type { Parameter, Problem, Workflow } from "./workflow.ts";

/** The two files of a workflow as read from disk. */
export interface Pair {
  /** File name without its ending. */
  name: string;
  graphFile: string;
  graphText: string;
  bindingFile: string;
  bindingText: string;
}

/** The workflow of a pair of files, or everything that is wrong with them. */
export function compile(pair: Pair): { workflow: Workflow } | { problems: Problem[] } {
  const graph = readGraph(pair);
  const binding = readBinding(pair);
  if ("problems" in graph || "problems" in binding) {
    return { problems: [...problemsOf(graph), ...problemsOf(binding)] };
  }
  return new Compilation(pair, graph.graph, binding.binding).result();
}

/** One check of a binding against its graph; collects every problem before giving up. */
class Compilation {
  readonly #pair: Pair;
  readonly #graph: Graph;
  readonly #binding: Binding;
  readonly #problems: Problem[] = [];
  readonly #takenSlots = new Map<string, string>();

  constructor(pair: Pair, graph: Graph, binding: Binding) {
    this.#pair = pair;
    this.#graph = graph;
    this.#binding = binding;
  }

  result(): { workflow: Workflow } | { problems: Problem[] } {
    const { tool, title, description, priority, outputs, models, nodes } = this.#binding;
    const { native, input, note, guide } = this.#binding;
    const name = this.#name();
    const parameters = this.#parameters();
    const options = optionsOf(this.#binding, this.#graph, parameters, this.#refuse);
    this.#checkOutputs();
    this.#checkInput(parameters);
    checkNeeds(this.#binding, this.#graph, this.#refuse);
    if (this.#problems.length > 0) return { problems: this.#problems };
    const workflow: Workflow = {
      name,
      tool,
      // An author's words, which models read in lists, answers and refusals.
      title: plain(title, 80),
      description: plain(description, 600),
      priority,
      file: this.#pair.graphFile,
      graph: this.#graph,
      graphHash: graphHash(this.#graph),
      parameters,
      outputs,
      models,
      nodes,
      ...options,
      ...factsOf(this.#graph, outputs, parameters),
      ...(native && { native }),
      ...(input && { input }),
      ...(guide !== undefined && { guide: plain(guide) }),
      ...(note !== undefined && { note: plain(note) }),
      ...(this.#binding.unlisted === true && { unlisted: true }),
    };
    return { workflow: deepFreeze(workflow) };
  }

  readonly #refuse = (reason: string, slot?: string): void => {
    const at = slot === undefined ? {} : { slot };
    this.#problems.push({ file: this.#pair.bindingFile, ...at, reason });
  };

  #name(): string {
    const name = this.#binding.name ?? this.#pair.name;
    if (!/^[A-Za-z0-9][A-Za-z0-9._-]*$/.test(name)) {
      this.#refuse(
        `the workflow's name "${name}" may hold only letters, digits, ".", "_" and "-"; give it a "name"`,
      );
    }
    return name;
  }

  #parameters(): Record<string, Parameter> {
    const parameters: [string, Parameter][] = [];
    for (const [name, bound] of Object.entries(this.#binding.parameters)) {
      const parameter = this.#parameter(name, bound);
      if (parameter) parameters.push([name, parameter]);
    }
    return Object.fromEntries(parameters);
  }

  #parameter(name: string, bound: BoundParameter): Parameter | undefined {
    const found = bound.slots.map((text) => this.#literal(name, text, bound.times?.[text]));
    this.#checkTimes(name, bound);
    checkBypass(name, bound, this.#graph, this.#refuse);
    const slots = found.flatMap((each) => (each ? [each.slot] : []));
    const first = found[0];
    if (!first || slots.length < found.length) return undefined;

    const type = this.#type(name, bound, first);
    if (type === undefined) return undefined;
    const required = bound.required ?? type === "image";
    const limits = limitsOf(name, bound);
    const hasDefault = !required && type !== "image";
    const parameter: Parameter = {
      name,
      slots,
      type,
      required,
      ...limits,
      ...(bound.leavesOut === true && { leavesOut: true }),
      ...(bound.bypass && { bypass: bound.bypass }),
      ...(hasDefault && { default: wholeValue(first) }),
      ...(bound.description !== undefined && { description: plain(bound.description) }),
    };
    for (const each of found) {
      if (each && !this.#fits(parameter, each, first)) return undefined;
    }
    return parameter;
  }

  #checkTimes(name: string, { slots, times = {} }: BoundParameter): void {
    for (const text of Object.keys(times)) {
      if (!slots.includes(text)) this.#refuseSlot(name, text, "times: is not among its slots");
    }
  }

  /** The slot and the literal in it; undefined after refusing it. */
  #literal(name: string, text: string, times: number | undefined): Literal | undefined {
    const found = findSlot(this.#graph, text);
    if ("reason" in found) return this.#refuseSlot(name, text, found.reason);
    const { slot } = found;
    const taken = this.#takenSlots.get(text);
    if (taken !== undefined) {
      return this.#refuseSlot(name, text, `is already a slot of parameter "${taken}"`);
    }
    this.#takenSlots.set(text, name);
    const value = this.#graph[slot.node]?.inputs[slot.input];
    if (isLink(value)) {
      return this.#refuseSlot(
        name,
        text,
        `holds a link to node ${value[0]}; bind the slot of a node that holds the value itself`,
      );
    }
    if (typeof value === "object" || value === undefined) {
      return this.#refuseSlot(name, text, `holds ${JSON.stringify(value)}, which is not a value`);
    }
    if (times !== undefined && typeof value !== "number") {
      return this.#refuseSlot(name, text, `holds no number to be ${times} times the value`);
    }
    return { slot: { ...slot, ...(times !== undefined && { times }) }, value };
  }

  #refuseSlot(name: string, slot: string, reason: string): undefined {
    this.#refuse(`parameter "${name}": ${reason}`, slot);
    return undefined;
  }

  #type(name: string, bound: BoundParameter, first: Literal): ParameterType | undefined {
    const known = knownParameter(name)?.type;
    const held = heldType(this.#graph[first.slot.node], first);
    // A number in JSON does not tell an integer from a float; its name or the binding does.
    const numeric = known === "integer" || known === "number" ? known : "number";
    const type = bound.type ?? (held === "number" ? numeric : held);
    if (known !== undefined && type !== known) {
      return this.#refuseSlot(
        name,
        first.slot.text,
        `is of type ${type}, but "${name}" is ${known} in every workflow; bind another slot or rename it`,
      );
    }
    const isText = type === "string" || type === "boolean" || type === "image";
    const limit = (["minimum", "maximum", "multipleOf"] as const).find((key) => key in bound);
    if (isText && limit !== undefined) {
      return this.#refuseSlot(name, first.slot.text, `is of type ${type} and cannot have ${limit}`);
    }
    return type;
  }

  /** Whether a slot's own literal is one the parameter allows, and the same in all its slots. */
  #fits(parameter: Parameter, { slot, value }: Literal, first: Literal): boolean {
    const fault = typeFault(value, parameter.type);
    if (fault !== undefined) {
      this.#refuseSlot(parameter.name, slot.text, `the value in the graph ${fault}`);
      return false;
    }
    if (parameter.default === undefined) return true;
    const own = slot.times === undefined ? value : parameter.default;
    const outside = limitFault(own, parameter);
    if (outside !== undefined) {
      this.#refuseSlot(parameter.name, slot.text, `the default in the graph ${outside}`);
      return false;
    }
    if (!isSame(parameter, { slot, value }, first)) {
      this.#refuseSlot(
        parameter.name,
        slot.text,
        `holds ${JSON.stringify(value)} and ${parameter.slots[0]?.text} holds ${JSON.stringify(first.value)}; give the slots of one parameter one value in the graph`,
      );
      return false;
    }
    return true;
  }

  #checkOutputs(): void {
    for (const id of this.#binding.outputs) {
      if (Object.hasOwn(this.#graph, id)) continue;
      const ids = Object.keys(this.#graph).slice(0, 30).join(", ");
      this.#refuse(`outputs: the graph has no node "${id}"; it has ${ids}`);
    }
  }

  #checkInput(parameters: Record<string, Parameter>): void {
    if (!this.#binding.input) return;
    if (Object.values(parameters).some(({ type }) => type === "image")) return;
    this.#refuse("input: no parameter is an image; remove it");
  }
}

function readGraph(pair: Pair): { graph: Graph } | { problems: Problem[] } {
  const json = parseJson(pair.graphText);
  const parsed = "reason" in json ? json : parseGraph(json.data);
  return "reason" in parsed
    ? { problems: [{ file: pair.graphFile, reason: parsed.reason }] }
    : parsed;
}

function readBinding(pair: Pair): { binding: Binding } | { problems: Problem[] } {
  const json = parseJson(pair.bindingText);
  const parsed = "reason" in json ? { reasons: [json.reason] } : parseBinding(json.data);
  return "reasons" in parsed
    ? { problems: parsed.reasons.map((reason) => ({ file: pair.bindingFile, reason })) }
    : parsed;
}

function problemsOf(result: object): Problem[] {
  return "problems" in result ? (result.problems as Problem[]) : [];
}

function parseJson(text: string): { data: unknown } | { reason: string } {
  try {
    // Editors on Windows may put a byte order mark in front.
    return { data: JSON.parse(text.replace(/^\uFEFF/, "")) };
  } catch (error) {
    return { reason: `is not JSON: ${error instanceof Error ? error.message : String(error)}` };
  }
}
