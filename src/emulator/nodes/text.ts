import { str } from "../../as-comfyui/python.ts";
import type { NodeBehaviour, NodeContext, NodeResult } from "../node.ts";
import { outputName } from "../output-name.ts";
import type { Inputs } from "../values.ts";

const literal: NodeBehaviour = { run: (inputs) => ({ outputs: [inputs.values["value"]] }) };

function previewAny(inputs: Inputs): NodeResult {
  const shown = asText(inputs.values["source"]);
  return { outputs: [shown], ui: { text: [shown] } };
}

function asText(value: unknown): string {
  if (value === null || typeof value !== "object") return str(value ?? null);
  const kind = (value as { kind?: string }).kind;
  return kind === undefined ? JSON.stringify(value, undefined, 4) : `<${kind}>`;
}

function saveText(inputs: Inputs, { disk }: NodeContext): NodeResult {
  const text = inputs.text("text");
  const size = { width: 0, height: 0 };
  const name = outputName(disk, "output", inputs.text("filename_prefix"), size);
  const { subfolder, stem, counter } = name;
  const filename = `${stem}_${String(counter).padStart(5, "0")}.${inputs.text("format", "txt")}`;
  disk.write("output", subfolder ? `${subfolder}/${filename}` : filename, Buffer.from(text));
  return {
    outputs: [text],
    ui: { text: [text], files: [{ filename, subfolder, type: "output" }] },
  };
}

export const textNodes: Record<string, NodeBehaviour> = {
  PrimitiveString: literal,
  PrimitiveStringMultiline: literal,
  PrimitiveInt: literal,
  PreviewAny: { run: previewAny },
  SaveText: { run: saveText },
};
