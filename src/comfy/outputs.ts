import type { NodeOutput, OutputFile } from "./protocol.ts";

/**
 * The pictures a node reported. ComfyUI puts files into lists under several keys (`images`,
 * `gifs`, …); whatever has a file name and a type is one, and its extension says what.
 */
export function imageFiles(output: NodeOutput | undefined): OutputFile[] {
  return Object.values(output ?? {})
    .flatMap((value) => (Array.isArray(value) ? value : []))
    .filter(isOutputFile)
    .filter((file) => /\.(png|jpe?g|webp|gif|avif|tiff?)$/i.test(file.filename));
}

function isOutputFile(value: unknown): value is OutputFile {
  return (
    typeof value === "object" &&
    value !== null &&
    "filename" in value &&
    typeof value.filename === "string" &&
    "type" in value
  );
}
