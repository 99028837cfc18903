import { largestText, type Source, type Texts } from "./source.ts";

const vorbisComment = 4;

/** FLAC: the block of comments holds `key=text` entries. */
export async function readFlac(source: Source, texts: Texts): Promise<void> {
  let at = 4;
  for (let isLast = false; !isLast && at + 4 <= source.size; ) {
    const header = await source.read(at, 4);
    const length = header.readUIntBE(1, 3);
    isLast = (header.readUInt8(0) & 0x80) !== 0;
    if ((header.readUInt8(0) & 0x7f) === vorbisComment) {
      readComments(await source.read(at + 4, length), texts);
    }
    at += 4 + length;
  }
}

function readComments(data: Buffer, texts: Texts): void {
  const at = (offset: number) => (offset + 4 <= data.length ? data.readUInt32LE(offset) : 0);
  let offset = 4 + at(0);
  const count = at(offset);
  offset += 4;
  for (let i = 0; i < count && offset + 4 <= data.length; i += 1) {
    const entry = data.toString("utf8", offset + 4, offset + 4 + at(offset));
    const equals = entry.indexOf("=");
    if (equals > 0) texts.add(entry.slice(0, equals), entry.slice(equals + 1));
    offset += 4 + at(offset);
  }
}

/** Binary glTF: the first chunk is JSON, and ComfyUI writes into `asset.extras`. */
export async function readGlb(source: Source, texts: Texts): Promise<void> {
  const header = await source.read(12, 8);
  if (header.length < 8 || header.toString("latin1", 4, 8) !== "JSON") return;
  const length = header.readUInt32LE(0);
  if (length > largestText) return;
  const model: unknown = parsed((await source.read(20, length)).toString("utf8"));
  const extras = fieldOf(fieldOf(model, "asset"), "extras");
  for (const key of ["prompt", "workflow"]) {
    const value = fieldOf(extras, key);
    if (value !== undefined)
      texts.add(key, typeof value === "string" ? value : JSON.stringify(value));
  }
}

/** SVG: `<metadata><![CDATA[{"prompt": …, "workflow": …}]]></metadata>`. */
export async function readSvg(source: Source, texts: Texts): Promise<void> {
  if (source.size > largestText) return;
  const text = (await source.read(0, source.size)).toString("utf8");
  const start = text.indexOf("<metadata");
  const data = start < 0 ? -1 : text.indexOf("<![CDATA[", start);
  const end = data < 0 ? -1 : text.indexOf("]]>", data);
  if (end >= 0) texts.add("comment", text.slice(data + "<![CDATA[".length, end));
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function fieldOf(value: unknown, key: string): unknown {
  if (typeof value !== "object" || value === null || !Object.hasOwn(value, key)) return undefined;
  return Reflect.get(value, key);
}
