import type { InputSpec, ValidationError } from "../comfy/protocol.ts";
import type { PythonError } from "./python.ts";

/** About the whole request, not one node of it. */
export function requestError(type: string, message: string, details = ""): ValidationError {
  return { type, message, details, extra_info: {} };
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
