import type {
  Graph,
  GraphNode,
  InputSpec,
  NodeErrors,
  NodeInfo,
  ValidationError,
} from "../comfy/protocol.ts";
import { PythonError, repr, str } from "./python.ts";
import {
  convertedLiteral,
  exactInteger,
  literalError,
  problem,
  typesFit,
} from "./validate-input.ts";
import { innerException, missingClass, outerException, requestError } from "./validation-errors.ts";
import { atLeast } from "./version.ts";

export interface Verdict {
  /** Ids of the output nodes that may run. */
  outputs: string[];
  /** Set when none may. */
  error?: ValidationError;
  nodeErrors: NodeErrors;
}

interface NodeVerdict {
  valid: boolean;
  errors: ValidationError[];
}

/** A class's own check of one input, which replaces those of range and choices. */
export interface OwnCheck {
  input: string;
  /** Why the value is none; undefined for one that is. */
  check(value: unknown): string | undefined;
}

export interface ValidationContext {
  /** What `/object_info` says of a class. */
  info(className: string): NodeInfo | undefined;
  ownCheck(className: string): OwnCheck | undefined;
  /** The ComfyUI whose rules and words these are. */
  version: string;
}

/** Checks a graph as `POST /prompt` does; literals are converted in place. */
export function validatePrompt(
  graph: Graph,
  targets: readonly string[] | undefined,
  context: ValidationContext,
): Verdict {
  const missing = missingNode(graph, context);
  if (missing) return { outputs: [], error: missing, nodeErrors: {} };
  const outputs = Object.keys(graph).filter(
    (id) =>
      context.info(graph[id]?.class_type ?? "")?.output_node &&
      (targets === undefined || targets.includes(id)),
  );
  if (outputs.length === 0) {
    return {
      outputs,
      error: requestError("prompt_no_outputs", "Prompt has no outputs"),
      nodeErrors: {},
    };
  }
  return new Validation(graph, context).check(outputs);
}

function missingNode(
  graph: Graph,
  { info, version }: ValidationContext,
): ValidationError | undefined {
  for (const [id, node] of Object.entries(graph)) {
    if (!info(node.class_type ?? "")) return missingClass(id, node, version);
  }
  return undefined;
}

class Validation {
  readonly #graph: Graph;
  readonly #context: ValidationContext;
  readonly #verdicts = new Map<string, NodeVerdict>();
  readonly #visiting: string[] = [];

  constructor(graph: Graph, context: ValidationContext) {
    this.#graph = graph;
    this.#context = context;
  }

  check(outputs: string[]): Verdict {
    const good: string[] = [];
    const details: string[] = [];
    const nodeErrors: NodeErrors = {};
    for (const output of outputs) {
      const verdict = this.#checkOutput(output);
      if (verdict.valid) {
        good.push(output);
        continue;
      }
      details.push(...verdict.errors.map((error) => `${error.message}: ${error.details}`));
      this.#collect(output, nodeErrors);
    }
    if (good.length > 0) return { outputs: good, nodeErrors };
    const message = "Prompt outputs failed validation";
    const error = requestError("prompt_outputs_failed_validation", message, details.join("\n"));
    return { outputs: good, error, nodeErrors };
  }

  /** Every faulty node seen so far counts against this output, also if it is not upstream of it. */
  #collect(output: string, nodeErrors: NodeErrors): void {
    for (const [id, { valid, errors }] of this.#verdicts) {
      if (valid || errors.length === 0) continue;
      const classType = this.#graph[id]?.class_type ?? "";
      nodeErrors[id] ??= { errors, dependent_outputs: [], class_type: classType };
      nodeErrors[id].dependent_outputs.push(output);
    }
  }

  #checkOutput(output: string): NodeVerdict {
    try {
      return this.#checkNode(output);
    } catch (cause) {
      if (!(cause instanceof PythonError)) throw cause;
      const verdict = { valid: false, errors: [outerException(cause)] };
      this.#verdicts.set(output, verdict);
      return verdict;
    }
  }

  #checkNode(id: string): NodeVerdict {
    const known = this.#verdicts.get(id);
    if (known) return known;
    if (this.#visiting.includes(id)) return this.#cycle(id);
    const node = this.#node(id);
    const inputs = inputsOf(node);
    const info = this.#info(node);
    const errors: ValidationError[] = [];
    let valid = true;
    for (const [name, spec, required] of specs(info)) {
      const found = this.#checkInput(id, inputs, name, spec, required);
      if (found === "invalid upstream") valid = false;
      else if (found) errors.push(found);
    }
    const custom = this.#customError(node);
    if (custom) errors.push(custom);
    const before = this.#verdicts.get(id) ?? { valid: true, errors: [] };
    const verdict = {
      valid: before.valid && valid && errors.length === 0,
      errors: [...before.errors, ...errors],
    };
    this.#verdicts.set(id, verdict);
    return verdict;
  }

  #checkInput(
    id: string,
    inputs: Record<string, unknown>,
    name: string,
    spec: InputSpec,
    required: boolean,
  ): ValidationError | "invalid upstream" | undefined {
    if (!(name in inputs)) {
      if (!required) return undefined;
      const extra_info = { input_name: name };
      const message = "Required input is missing";
      return { type: "required_input_missing", message, details: name, extra_info };
    }
    const value = inputs[name];
    if (Array.isArray(value)) return this.#checkLink(id, name, spec, value);
    const converted = convertedLiteral({ name, spec, value });
    if ("error" in converted) return converted.error;
    const exact = exactInteger(value, converted.value);
    inputs[name] = exact === undefined ? converted.value : value;
    if (this.#context.ownCheck(this.#node(id).class_type)?.input === name) return undefined;
    return literalError({ name, spec, value: converted.value, exact }, this.#context.version);
  }

  #checkLink(
    id: string,
    name: string,
    spec: InputSpec,
    link: unknown[],
  ): ValidationError | "invalid upstream" | undefined {
    const input = { name, spec, value: link };
    if (link.length !== 2) {
      const message = "Bad linked input, must be a length-2 list of [node_id, slot_index]";
      return problem(input, "bad_linked_input", message, name);
    }
    const from = link[0];
    const received = this.#outputType(from, link[1]);
    if (!typesFit(received, spec[0])) {
      const details = `${name}, received_type(${str(received)}) mismatch input_type(${str(spec[0])})`;
      const error = problem(
        input,
        "return_type_mismatch",
        "Return type mismatch between linked nodes",
        details,
      );
      const { received_value: linked_node, ...info } = error.extra_info;
      return { ...error, extra_info: { ...info, received_type: received, linked_node } };
    }
    return this.#checkUpstream(id, String(from), input);
  }

  #checkUpstream(
    id: string,
    from: string,
    input: { name: string; spec: InputSpec; value: unknown[] },
  ): "invalid upstream" | undefined {
    this.#visiting.push(id);
    try {
      return this.#checkNode(from).valid ? undefined : "invalid upstream";
    } catch (cause) {
      if (!(cause instanceof PythonError)) throw cause;
      this.#verdicts.set(from, { valid: false, errors: [innerException(cause, input)] });
      return "invalid upstream";
    } finally {
      this.#visiting.pop();
    }
  }

  #outputType(from: unknown, slot: unknown): string | unknown[] {
    const node = typeof from === "string" ? this.#graph[from] : undefined;
    if (!node) throw new PythonError("KeyError", repr(from));
    const outputs = this.#info(node).output;
    if (typeof slot !== "number") {
      throw new PythonError("TypeError", "tuple indices must be integers or slices, not str");
    }
    const type = outputs.at(slot);
    if (type === undefined) throw new PythonError("IndexError", "tuple index out of range");
    return type;
  }

  /** Before 0.20.0 the recursion was cut with nothing said of it: the output is dropped silently. */
  #cycle(id: string): NodeVerdict {
    if (!atLeast(this.#context.version, "0.20.0")) return { valid: false, errors: [] };
    const path = [...this.#visiting.slice(this.#visiting.indexOf(id)), id];
    const nodes = [...new Set(path)];
    const details = path.map((step) => `${step} (${this.#node(step).class_type})`).join(" -> ");
    for (const node of nodes) {
      const extra_info = { node_id: node, cycle_nodes: nodes };
      const message = "Dependency cycle detected";
      const error = { type: "dependency_cycle", message, details, extra_info };
      this.#verdicts.set(node, { valid: false, errors: [error] });
    }
    return this.#verdicts.get(id) ?? { valid: false, errors: [] };
  }

  #customError(node: GraphNode): ValidationError | undefined {
    const rule = this.#context.ownCheck(node.class_type);
    if (!rule || !(rule.input in node.inputs) || Array.isArray(node.inputs[rule.input])) {
      return undefined;
    }
    const reason = rule.check(node.inputs[rule.input]);
    if (reason === undefined) return undefined;
    return {
      type: "custom_validation_failed",
      message: "Custom validation failed for node",
      details: `${rule.input} - ${reason}`,
      extra_info: { input_name: rule.input },
    };
  }

  #node(id: string): GraphNode {
    const node = this.#graph[id];
    if (!node) throw new PythonError("KeyError", repr(id));
    return node;
  }

  #info(node: GraphNode): NodeInfo {
    const info = this.#context.info(node.class_type);
    if (!info) throw new PythonError("KeyError", repr(node.class_type));
    return info;
  }
}

function inputsOf(node: GraphNode): Record<string, unknown> {
  if (node.inputs === undefined) throw new PythonError("KeyError", "'inputs'");
  return node.inputs;
}

function* specs(info: NodeInfo): Generator<[name: string, spec: InputSpec, required: boolean]> {
  for (const [name, spec] of Object.entries(info.input.required ?? {})) yield [name, spec, true];
  for (const [name, spec] of Object.entries(info.input.optional ?? {})) yield [name, spec, false];
}
