import { crc32 } from "node:zlib";
import { sniff } from "../../images/sniff.ts";

/** How a picture was made, as other systems write it into their pictures. */
export interface PictureText {
  text: string;
  /** In which of Fooocus's two forms; others do not say. */
  scheme?: "fooocus" | "a1111";
}

/**
 * The same picture with that in it: `parameters` (and `fooocus_scheme`) as text of a PNG, the tag
 * UserComment (and MakerNote) in the EXIF of a JPEG or WebP. No pixel is touched.
 */
export function withText(bytes: Buffer, { text, scheme }: PictureText): Buffer {
  switch (sniff(bytes).mimeType) {
    case "image/png":
      return withPngTexts(bytes, {
        parameters: text,
        ...(scheme ? { fooocus_scheme: scheme } : {}),
      });
    case "image/jpeg":
      return withJpegExif(bytes, exifOf(text, scheme ?? ""));
    case "image/webp":
      return withWebpExif(bytes, exifOf(text, scheme ?? ""));
    default:
      return bytes;
  }
}

/** Signature and IHDR. */
const pngHead = 8 + 25;

function withPngTexts(bytes: Buffer, texts: Readonly<Record<string, string>>): Buffer {
  const chunks = Object.entries(texts).map(([key, text]) =>
    /^[\x20-\x7e\n]*$/.test(text)
      ? pngChunk("tEXt", Buffer.from(`${key}\0${text}`, "latin1"))
      : pngChunk("iTXt", Buffer.from(`${key}\0\0\0\0\0${text}`, "utf8")),
  );
  return Buffer.concat([bytes.subarray(0, pngHead), ...chunks, bytes.subarray(pngHead)]);
}

function pngChunk(type: string, data: Buffer): Buffer {
  const chunk = Buffer.alloc(12 + data.length);
  chunk.writeUInt32BE(data.length, 0);
  chunk.write(type, 4, "latin1");
  data.copy(chunk, 8);
  chunk.writeUInt32BE(crc32(chunk.subarray(4, 8 + data.length)), 8 + data.length);
  return chunk;
}

const tags = { exifPointer: 0x8769, makerNote: 0x927c, userComment: 0x9286 };
const types = { long: 4, undefinedBytes: 7 };

/** A TIFF of two directories: the first points to the second, which holds both texts; an empty note is four zeros. */
function exifOf(comment: string, note: string): Buffer {
  const maker = Buffer.from(`${note}\0\0\0\0`.slice(0, Math.max(5, note.length)), "utf8");
  const user = Buffer.concat([Buffer.from("UNICODE\0", "latin1"), utf16be(comment)]);
  const second = 8 + 2 + 12 + 4;
  const data = second + 2 + 2 * 12 + 4;
  const tiff = Buffer.alloc(data);
  tiff.write("MM\0*", 0, "latin1");
  tiff.writeUInt32BE(8, 4);
  tiff.writeUInt16BE(1, 8);
  entry(tiff, 10, tags.exifPointer, types.long, 1, second);
  tiff.writeUInt16BE(2, second);
  entry(tiff, second + 2, tags.makerNote, types.undefinedBytes, maker.length, data);
  const at = data + maker.length;
  entry(tiff, second + 14, tags.userComment, types.undefinedBytes, user.length, at);
  return Buffer.concat([tiff, maker, user]);
}

function entry(
  tiff: Buffer,
  at: number,
  tag: number,
  type: number,
  count: number,
  value: number,
): void {
  tiff.writeUInt16BE(tag, at);
  tiff.writeUInt16BE(type, at + 2);
  tiff.writeUInt32BE(count, at + 4);
  tiff.writeUInt32BE(value, at + 8);
}

function utf16be(text: string): Buffer {
  return Buffer.from(text, "utf16le").swap16();
}

/** A JPEG's segment says its length in two bytes. */
const longestSegment = 65_533;

function withJpegExif(bytes: Buffer, exif: Buffer): Buffer {
  const body = Buffer.concat([Buffer.from("Exif\0\0", "latin1"), exif]);
  if (body.length + 2 > longestSegment) return bytes;
  const head = Buffer.from([0xff, 0xe1, 0, 0]);
  head.writeUInt16BE(body.length + 2, 2);
  return Buffer.concat([bytes.subarray(0, 2), head, body, bytes.subarray(2)]);
}

const flags = { exif: 0x08, alpha: 0x10 };

/** Only the extended form of a WebP has room for it, so a plain one gets that header. */
function withWebpExif(bytes: Buffer, exif: Buffer): Buffer {
  const kind = bytes.toString("latin1", 12, 16);
  const parts =
    kind === "VP8X"
      ? [Buffer.from(bytes.subarray(12, 30)), bytes.subarray(30)]
      : extended(bytes, kind);
  const [head, rest] = parts;
  if (!head || !rest) return bytes;
  head.writeUInt8(head.readUInt8(8) | flags.exif, 8);
  const chunk = Buffer.alloc(8);
  chunk.write("EXIF", 0, "latin1");
  chunk.writeUInt32LE(exif.length, 4);
  const body = Buffer.concat([head, rest, chunk, exif, Buffer.alloc(exif.length % 2)]);
  const riff = Buffer.from(bytes.subarray(0, 12));
  riff.writeUInt32LE(4 + body.length, 4);
  return Buffer.concat([riff, body]);
}

function extended(bytes: Buffer, kind: string): [Buffer, Buffer] | [] {
  const head = Buffer.alloc(18);
  head.write("VP8X", 0, "latin1");
  head.writeUInt32LE(10, 4);
  if (kind === "VP8 ") {
    head.writeUIntLE((bytes.readUInt16LE(26) & 0x3fff) - 1, 12, 3);
    head.writeUIntLE((bytes.readUInt16LE(28) & 0x3fff) - 1, 15, 3);
  } else if (kind === "VP8L") {
    const bits = bytes.readUInt32LE(21);
    head.writeUIntLE(bits & 0x3fff, 12, 3);
    head.writeUIntLE((bits >>> 14) & 0x3fff, 15, 3);
    if ((bits >>> 28) & 1) head.writeUInt8(flags.alpha, 8);
  } else return [];
  return [head, bytes.subarray(12)];
}
