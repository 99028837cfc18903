import { readJpeg, readWebp } from "./carriers/exif.ts";
import { readMatroska } from "./carriers/matroska.ts";
import { readMp4 } from "./carriers/mp4.ts";
import { readFlac, readGlb, readSvg } from "./carriers/others.ts";
import { pngSignature, readPng } from "./carriers/png.ts";
import { type Source, sourceOf, Texts, withFile } from "./carriers/source.ts";
import { isRecord, type Json } from "./editor/json.ts";

/** What a picture, film, sound or model says about how it was made. */
export interface Carried {
  /** The graph that was run, in API format. */
  prompt?: Json;
  /** The editor workflow. */
  workflow?: Json;
  /** What other programs wrote in their own words; it is no graph. */
  parameters?: string;
}

/** Endings of files that can carry a workflow. */
export const carrierEndings: readonly string[] = [
  ...[".png", ".webp", ".jpg", ".jpeg", ".mp4", ".mov", ".webm", ".mkv", ".flac", ".glb", ".svg"],
];

/** Reads only the parts that can hold texts. Undefined when there is none; never throws. */
export function readCarried(bytes: Uint8Array): Promise<Carried | undefined> {
  return carriedBy(sourceOf(bytes));
}

/** As `readCarried`, from disk; throws only what the file system does. */
export function readCarriedFile(file: string): Promise<Carried | undefined> {
  return withFile(file, carriedBy);
}

async function carriedBy(source: Source): Promise<Carried | undefined> {
  return understood(await textsOf(source));
}

/** What a file says of itself beside its picture, film or sound; nothing of a kind that is not known. */
export async function textsOf(source: Source): Promise<Texts> {
  const texts = new Texts();
  const read = readerOf(await source.read(0, 256));
  try {
    await read?.(source, texts);
  } catch (error) {
    // A file that ends early gives what stood before its end.
    if (!(error instanceof RangeError)) throw error;
  }
  return texts;
}

type Reader = (source: Source, texts: Texts) => Promise<void>;

function readerOf(head: Buffer): Reader | undefined {
  const text = head.toString("latin1");
  if (head.subarray(0, 8).equals(pngSignature)) return readPng;
  if (text.startsWith("RIFF") && text.startsWith("WEBP", 8)) return readWebp;
  if (text.startsWith("\xff\xd8\xff")) return readJpeg;
  if (text.startsWith("ftyp", 4)) return readMp4;
  if (text.startsWith("\x1a\x45\xdf\xa3")) return readMatroska;
  if (text.startsWith("fLaC")) return readFlac;
  if (text.startsWith("glTF")) return readGlb;
  return /^\s*(<\?xml|<svg|<!--|<!DOCTYPE svg)/i.test(text) ? readSvg : undefined;
}

function understood(texts: Texts): Carried | undefined {
  const both = objectIn(texts.get("comment"));
  const prompt = objectIn(texts.get("prompt")) ?? partOf(both, "prompt") ?? graphOf(both);
  const workflow = objectIn(texts.get("workflow")) ?? partOf(both, "workflow");
  const parameters = texts.get("parameters") ?? (both ? undefined : texts.get("comment"));
  if (!prompt && !workflow && parameters === undefined) return undefined;
  return {
    ...(prompt && { prompt: withoutServerMarks(prompt) }),
    ...(workflow && { workflow }),
    ...(parameters !== undefined && { parameters }),
  };
}

function partOf(both: Json | undefined, key: string): Json | undefined {
  const part = both?.[key];
  if (typeof part === "string") return objectIn(part);
  return isRecord(part) ? part : undefined;
}

function graphOf(data: Json | undefined): Json | undefined {
  const nodes = Object.values(data ?? {});
  return nodes.length > 0 && nodes.every((node) => isRecord(node) && "class_type" in node)
    ? data
    : undefined;
}

/** `is_changed` is ComfyUI's own note beside a node's inputs. */
function withoutServerMarks(prompt: Json): Json {
  return Object.fromEntries(
    Object.entries(prompt).map(([id, node]) => {
      if (!isRecord(node)) return [id, node];
      const { is_changed: _, ...rest } = node;
      return [id, rest];
    }),
  );
}

function objectIn(text: string | undefined): Json | undefined {
  const value = text === undefined ? undefined : parseLenient(text);
  return isRecord(value) ? value : undefined;
}

/** Python writes NaN and Infinity, which JSON does not have; outside of strings they become null. */
export function parseLenient(text: string): unknown {
  const attempts = [
    (json: string) => json,
    (json: string) =>
      json.replace(/"[^"\\]*(?:\\.[^"\\]*)*"|-?\b(?:NaN|Infinity)\b/g, (part) =>
        part.startsWith('"') ? part : "null",
      ),
  ];
  for (const prepare of attempts) {
    try {
      return JSON.parse(prepare(text.replace(/\0+$/, "")));
    } catch {
      // The next attempt, or none.
    }
  }
  return undefined;
}
