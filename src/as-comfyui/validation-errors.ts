import type { GraphNode, InputSpec, ValidationError } from "../comfy/protocol.ts";
import { type PythonError, str } from "./python.ts";
import { atLeast } from "./version.ts";

/** About the whole request, not one node of it. */
export function requestError(type: string, message: string, details = ""): ValidationError {
  return { type, message, details, extra_info: {} };
}

/** A node whose class is not there, or not named. Before 0.12.0 that was a plain `invalid_prompt`. */
export function missingClass(id: string, node: GraphNode, version: string): ValidationError {
  const details = `Node ID '#${id}'`;
  // A class of null is one that does not exist, in Python's words.
  const unnamed = !("class_type" in node);
  if (!atLeast(version, "0.12.0")) {
    const message = unnamed
      ? "Cannot execute because a node is missing the class_type property."
      : `Cannot execute because node ${str(node.class_type)} does not exist.`;
    return { type: "invalid_prompt", message, details, extra_info: {} };
  }
  const class_type = node.class_type ?? null;
  const title = node._meta?.title ?? null;
  const message = unnamed
    ? `Node '${title ?? `ID #${id}`}' has no class_type. The workflow may be corrupted or a custom node is missing.`
    : `Node '${str(title ?? class_type)}' not found. The custom node may not be installed.`;
  const extra_info = { node_id: id, class_type, node_title: title ?? class_type };
  return { type: "missing_node_type", message, details, extra_info };
}

/** Raised while an output node was checked. */
export function outerException(cause: PythonError): ValidationError {
  return {
    type: "exception_during_validation",
    message: "Exception when validating node",
    details: cause.message,
    extra_info: { exception_type: cause.type, traceback: [] },
  };
}

/** Raised while what is above a node was checked. */
export function innerException(
  cause: PythonError,
  { name, spec, value }: { name: string; spec: InputSpec; value: unknown[] },
): ValidationError {
  return {
    type: "exception_during_inner_validation",
    message: "Exception when validating inner node",
    details: cause.message,
    extra_info: {
      input_name: name,
      input_config: [spec[0], spec[1] ?? {}],
      exception_message: cause.message,
      exception_type: cause.type,
      traceback: [],
      linked_node: value,
    },
  };
}
