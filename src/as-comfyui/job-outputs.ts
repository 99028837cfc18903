import type { NodeOutput } from "../comfy/protocol.ts";
import { atLeast } from "./version.ts";

type Outputs = Record<string, NodeOutput>;
type Preview = Record<string, unknown>;

interface Item {
  nodeId: string;
  mediaType: string;
  item: unknown;
}

interface File extends Item {
  item: Record<string, unknown>;
}

const textFile = /\.(txt|md|json)$/i;
/** Longer text is cut in a job's `preview_output`. */
const maxTextPreview = 1024;

/** What a job says of its outputs: how many, and the one to show. */
export function summary(
  outputs: Outputs,
  version: string,
): { count: number; preview: Preview | undefined } {
  const items = [...listed(outputs)];
  const files = items.filter(isFile);
  const showsText = atLeast(version, "0.16.0");
  // Bare text was not seen before 0.16.0, and counted until 0.28.0.
  const shown = items.filter((item) => isFile(item) || (isBareText(item) && showsText));
  const count = atLeast(version, "0.28.0") ? files.length : shown.length;
  if (!atLeast(version, "0.30.0")) return { count, preview: firstShown(shown, version) };
  const media = files.filter((file) => !isText(file));
  const rest = [...files, ...items.filter(isBareText)];
  return { count, preview: firstShown(media, version) ?? firstShown(rest, version) };
}

/** Undefined before 0.32.0, which told no such number. */
export function previewableCount(outputs: Outputs, version: string): number | undefined {
  if (!atLeast(version, "0.32.0")) return undefined;
  return [...listed(outputs)].filter((item) => isFile(item) && isPreviewable(item, version)).length;
}

/** A saved file first, else whatever comes first. */
function firstShown(items: Item[], version: string): Preview | undefined {
  const candidates = items.filter((item) => !isFile(item) || isPreviewable(item, version));
  const saved = candidates.find((item) => isFile(item) && item.item["type"] === "output");
  const chosen = saved ?? candidates[0];
  if (!chosen) return undefined;
  const { nodeId, mediaType, item } = chosen;
  if (isFile(chosen)) {
    return { ...chosen.item, nodeId, mediaType: chosen.item["mediaType"] ?? mediaType };
  }
  const text = String(item);
  const cut = text.length > maxTextPreview ? { truncated: true } : {};
  return { content: text.slice(0, maxTextPreview), ...cut, nodeId, mediaType };
}

function* listed(outputs: Outputs): Generator<Item> {
  for (const [nodeId, output] of Object.entries(outputs)) {
    for (const [mediaType, items] of Object.entries(output)) {
      if (mediaType === "animated" || !Array.isArray(items)) continue;
      for (const item of items) yield { nodeId, mediaType, item };
    }
  }
}

function isFile(listedItem: Item): listedItem is File {
  const { item } = listedItem;
  return item !== null && typeof item === "object" && !Array.isArray(item);
}

function isBareText({ mediaType, item }: Item): boolean {
  return mediaType === "text" && typeof item === "string";
}

function isPreviewable({ mediaType, item }: File, version: string): boolean {
  const format = String(item["format"] ?? "");
  const name = String(item["filename"] ?? "");
  return (
    mediaTypes(version).includes(mediaType) ||
    /^(video|audio)\//.test(format) ||
    model3d(version).test(name) ||
    (atLeast(version, "0.28.0") && textFile.test(name))
  );
}

function mediaTypes(version: string): string[] {
  const types = ["images", "video", "audio"];
  if (atLeast(version, "0.14.0")) types.push("3d");
  if (atLeast(version, "0.16.0")) types.push("text");
  return types;
}

function model3d(version: string): RegExp {
  return atLeast(version, "0.14.0") ? /\.(obj|fbx|gltf|glb|usdz)$/i : /\.(obj|fbx|gltf|glb)$/i;
}

function isText({ mediaType, item }: File): boolean {
  return mediaType === "text" || textFile.test(String(item["filename"] ?? ""));
}
