import { inflateSync } from "node:zlib";
import { largestText, mostParts, type Source, type Texts } from "./source.ts";

export const pngSignature = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);

/** Texts stand before the pixels as ComfyUI writes them, and anywhere as others do. */
export async function readPng(source: Source, texts: Texts): Promise<void> {
  let at = pngSignature.length;
  for (let part = 0; part < mostParts && at + 8 <= source.size; part += 1) {
    const header = await source.read(at, 8);
    const length = header.readUInt32BE(0);
    const type = header.toString("latin1", 4, 8);
    if (type === "IEND") return;
    const isText = ["tEXt", "zTXt", "iTXt", "comf"].includes(type);
    if (isText && length <= largestText) addText(type, await source.read(at + 8, length), texts);
    at += 12 + length;
  }
}

function addText(type: string, data: Buffer, texts: Texts): void {
  const end = data.indexOf(0);
  if (end < 1) return;
  const key = data.toString("latin1", 0, end);
  const rest = data.subarray(end + 1);
  // ComfyUI's animated pictures keep theirs in a chunk of its own.
  if (type === "comf") texts.add(key, rest.toString("utf8"));
  else if (type === "tEXt") texts.add(key, rest.toString("latin1"));
  else if (type === "zTXt") texts.add(key, inflated(rest.subarray(1)).toString("latin1"));
  else addInternational(key, rest, texts);
}

/** Compressed or not, method, language, translated key, text. */
function addInternational(key: string, data: Buffer, texts: Texts): void {
  const language = data.indexOf(0, 2);
  const translated = language < 0 ? -1 : data.indexOf(0, language + 1);
  if (translated < 0) return;
  const text = data.subarray(translated + 1);
  texts.add(key, (data[0] === 1 ? inflated(text) : text).toString("utf8"));
}

/** What would grow beyond all bounds, or is broken, is no text. */
function inflated(data: Buffer): Buffer {
  try {
    return inflateSync(data, { maxOutputLength: largestText });
  } catch {
    return Buffer.alloc(0);
  }
}
