import { PythonError } from "../as-comfyui/python.ts";

const outOfMemoryTip =
  "This error means you ran out of memory on your GPU.\n\nTIPS: If the workflow worked before you might have accidentally set the batch_size to a large number.";

/** The part of `execution_error` that tells what was raised, with the inputs as text. */
export function nodeException(
  cause: unknown,
  inputs: Record<string, unknown>,
  nodeIds: string[],
): Record<string, unknown> {
  const type = cause instanceof PythonError ? cause.type : "RuntimeError";
  const message = cause instanceof Error ? cause.message : String(cause);
  const tip = type === "torch.OutOfMemoryError" ? outOfMemoryTip : "";
  return {
    exception_message: `${message}\n${tip}`,
    exception_type: type,
    traceback: ['  File "execution.py", line 1, in execute\n'],
    current_inputs: Object.fromEntries(
      Object.entries(inputs).map(([name, value]) => [name, [shown(value)]]),
    ),
    current_outputs: nodeIds,
  };
}

function shown(value: unknown): unknown {
  if (value === null || value === undefined) return null;
  if (typeof value !== "object") return value;
  const kind = (value as { kind?: string }).kind ?? "object";
  return kind === "image" || kind === "mask" ? "tensor([[[...]]])" : `<${kind}>`;
}
