import type { Graph, NodeOutput, OutputFile } from "./protocol.ts";

/** Pictures, films, sounds and models; what else nodes list, such as texts, is no result. */
const resultFile =
  /\.(png|jpe?g|webp|gif|avif|tiff?|mp4|mov|webm|mkv|flac|mp3|ogg|opus|wav|m4a|glb)$/i;

/**
 * The files a node reported. ComfyUI puts them into lists under several keys (`images`, `gifs`,
 * `audio`, `3d`, …); whatever has a file name and a type is one, and its extension says what.
 */
export function resultFiles(output: NodeOutput | undefined): OutputFile[] {
  return Object.values(output ?? {})
    .flatMap((value) => (Array.isArray(value) ? value : []))
    .filter(isOutputFile)
    .filter((file) => resultFile.test(file.filename));
}

/** The picture that VideoHelperSuite keeps beside a film, with its workflow in it. */
export function pictureBeside(file: OutputFile): OutputFile | undefined {
  const beside = "workflow" in file ? file.workflow : undefined;
  if (typeof beside !== "string" || !/\.png$/i.test(beside)) return undefined;
  return { ...file, filename: beside };
}

/** A file, as a node lists it among what it shows. */
export function isOutputFile(value: unknown): value is OutputFile {
  return (
    typeof value === "object" &&
    value !== null &&
    "filename" in value &&
    typeof value.filename === "string" &&
    "type" in value
  );
}

export interface OutputShape {
  /** Pictures come over the socket and leave no file on the ComfyUI machine. */
  bySocket: boolean;
  /** From 1; a further one must not be answered from ComfyUI's cache with a file that is gone. */
  attempt: number;
}

/** The graph with its saving nodes as the pictures are to be handed over; changes `graph`. */
export function shapeOutputs(
  graph: Graph,
  outputs: readonly string[],
  { bySocket, attempt }: OutputShape,
): Graph {
  for (const id of outputs) {
    const node = graph[id];
    if (!node) continue;
    const prefix = node.inputs["filename_prefix"];
    if (bySocket && node.class_type === "SaveImage") {
      node.class_type = "SaveImageWebsocket";
      node.inputs = { images: node.inputs["images"] ?? null };
    } else if (attempt > 1 && typeof prefix === "string") {
      // Another prefix makes the node save anew where ComfyUI would point to its old file.
      node.inputs["filename_prefix"] = `${prefix}_${attempt}`;
    }
  }
  return graph;
}
