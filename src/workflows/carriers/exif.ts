import { largestText, mostParts, type Source, type Texts } from "./source.ts";

/** Chunks of a RIFF file are padded to even lengths. */
export async function readWebp(source: Source, texts: Texts): Promise<void> {
  let at = 12;
  for (let part = 0; part < mostParts && at + 8 <= source.size; part += 1) {
    const header = await source.read(at, 8);
    const length = header.readUInt32LE(4);
    if (header.toString("latin1", 0, 4) === "EXIF" && length <= largestText) {
      readExif(await source.read(at + 8, length), texts);
    }
    at += 8 + length + (length % 2);
  }
}

const startOfScan = 0xda;
const app1 = 0xe1;

export async function readJpeg(source: Source, texts: Texts): Promise<void> {
  let at = 2;
  for (let part = 0; part < mostParts && at + 4 <= source.size; part += 1) {
    const header = await source.read(at, 4);
    const marker = header.readUInt8(1);
    if (header.readUInt8(0) !== 0xff || marker === startOfScan) return;
    const length = header.readUInt16BE(2);
    if (marker === app1) readExif(await source.read(at + 4, length - 2), texts);
    at += 2 + Math.max(2, length);
  }
}

const exifHeader = "Exif\0\0";
const ascii = 2;
const undefinedBytes = 7;
const exifPointer = 0x8769;
const userComment = 0x9286;
const mostTags = 500;

/** A TIFF directory. ComfyUI writes `prompt:{…}` and `workflow:{…}` into tags meant for the camera. */
export function readExif(data: Buffer, texts: Texts): void {
  const tiff = data.toString("latin1", 0, 6) === exifHeader ? data.subarray(6) : data;
  const order = tiff.toString("latin1", 0, 2);
  if (tiff.length < 8 || (order !== "II" && order !== "MM")) return;
  const numbers = new Numbers(tiff, order === "II");
  readDirectory(numbers, numbers.long(4), texts, true);
}

function readDirectory(numbers: Numbers, at: number, texts: Texts, isFirst: boolean): void {
  const count = Math.min(numbers.short(at), mostTags);
  for (let i = 0; i < count; i += 1) {
    const entry = at + 2 + i * 12;
    const [tag, type, length] = [
      numbers.short(entry),
      numbers.short(entry + 2),
      numbers.long(entry + 4),
    ];
    if (tag === exifPointer && isFirst) {
      readDirectory(numbers, numbers.long(entry + 8), texts, false);
    } else if (type === ascii || (type === undefinedBytes && tag === userComment)) {
      const bytes = numbers.bytes(length <= 4 ? entry + 8 : numbers.long(entry + 8), length);
      if (tag === userComment) texts.addPrefixed(commentText(bytes, numbers.isLittle), "comment");
      else texts.addPrefixed(upToNul(bytes.toString("utf8")), `exif ${tag}`);
    }
  }
}

/** Eight bytes name the encoding; "UNICODE" is UTF-16 in whichever order the writer had. */
function commentText(bytes: Buffer, isLittle: boolean): string {
  const encoding = bytes.toString("latin1", 0, 8);
  const body = bytes.subarray(8);
  if (!encoding.startsWith("UNICODE")) {
    return upToNul((encoding.startsWith("ASCII") ? body : bytes).toString("utf8"));
  }
  const first = body.readUInt8(0);
  const little = first === 0 ? false : body.length > 1 && body.readUInt8(1) === 0 ? true : isLittle;
  const even = body.subarray(0, body.length - (body.length % 2));
  return upToNul((little ? even : Buffer.from(even).swap16()).toString("utf16le"));
}

function upToNul(text: string): string {
  const end = text.indexOf("\0");
  return end < 0 ? text : text.slice(0, end);
}

/** Numbers beyond the end are 0, so that a broken directory is an empty one. */
class Numbers {
  readonly isLittle: boolean;
  readonly #data: Buffer;

  constructor(data: Buffer, isLittle: boolean) {
    this.#data = data;
    this.isLittle = isLittle;
  }

  short(at: number): number {
    if (at < 0 || at + 2 > this.#data.length) return 0;
    return this.isLittle ? this.#data.readUInt16LE(at) : this.#data.readUInt16BE(at);
  }

  long(at: number): number {
    if (at < 0 || at + 4 > this.#data.length) return 0;
    return this.isLittle ? this.#data.readUInt32LE(at) : this.#data.readUInt32BE(at);
  }

  bytes(at: number, length: number): Buffer {
    return this.#data.subarray(at, at + length);
  }
}
