export type ImageMimeType =
  | "image/png"
  | "image/jpeg"
  | "image/webp"
  | "image/gif"
  | "image/avif"
  | "image/tiff";

export const fileExtensions: Readonly<Record<ImageMimeType, string>> = {
  "image/png": "png",
  "image/jpeg": "jpg",
  "image/webp": "webp",
  "image/gif": "gif",
  "image/avif": "avif",
  "image/tiff": "tiff",
};

/** What the first bytes say: a format we read, or words for what it is instead. */
export type Sniffed =
  | { mimeType: ImageMimeType; looksLike?: never }
  | { mimeType?: never; looksLike: string };

const signatures: readonly (readonly [offset: number, bytes: string, ImageMimeType | string])[] = [
  [0, "\x89PNG\r\n\x1a\n", "image/png"],
  [0, "\xff\xd8\xff", "image/jpeg"],
  [0, "GIF87a", "image/gif"],
  [0, "GIF89a", "image/gif"],
  [8, "WEBP", "image/webp"],
  [0, "II*\0", "image/tiff"],
  [0, "MM\0*", "image/tiff"],
  [0, "II+\0", "image/tiff"],
  [0, "MM\0+", "image/tiff"],
  [0, "%PDF-", "a PDF"],
  [0, "8BPS", "a Photoshop file"],
  [0, "BM", "a BMP picture"],
  [0, "\0\0\x01\0", "an ICO icon"],
  [0, "\xff\x0a", "a JPEG XL picture"],
  [4, "JXL \r\n", "a JPEG XL picture"],
  [4, "jP  \r\n", "a JPEG 2000 picture"],
  [0, "PK\x03\x04", "a ZIP archive"],
  [0, "\x1f\x8b", "gzip data"],
  [0, "\x1aE\xdf\xa3", "a video"],
];

const imageTypes: ReadonlySet<string> = new Set<ImageMimeType>([
  "image/png",
  "image/jpeg",
  "image/webp",
  "image/gif",
  "image/avif",
  "image/tiff",
]);

export function isImageMimeType(type: string): type is ImageMimeType {
  return imageTypes.has(type);
}

/** Recognises a file by its content; names and declared types are not looked at. */
export function sniff(bytes: Buffer): Sniffed {
  if (bytes.length === 0) return { looksLike: "an empty file" };
  const head = bytes.toString("latin1", 0, 64);
  if (head.startsWith("ftyp", 4)) return isoMedia(head.slice(8));
  const known = signatures.find(([offset, signature]) => head.startsWith(signature, offset))?.[2];
  if (known === undefined) return { looksLike: textKind(bytes) ?? "unknown binary data" };
  return isImageMimeType(known) ? { mimeType: known } : { looksLike: known };
}

/** AVIF, HEIC and MP4 share one container; the brands after `ftyp` tell them apart. */
function isoMedia(brands: string): Sniffed {
  if (/avif|avis/.test(brands)) return { mimeType: "image/avif" };
  if (/hei[cxms]|hev[cx]|mif1/.test(brands)) return { looksLike: "a HEIC photo" };
  return { looksLike: "a video" };
}

function textKind(bytes: Buffer): string | undefined {
  const text = utf8(bytes.subarray(0, 4096))?.trimStart();
  if (text === undefined) return undefined;
  if (/^(<\?xml|<!--|<!DOCTYPE svg|<svg)/i.test(text) && /<svg[\s>]/i.test(text)) {
    return "SVG, which is a drawing and not a raster image";
  }
  if (/^<(!doctype html|html|head|body)/i.test(text)) return "HTML";
  if (text.startsWith("<?xml")) return "XML";
  if (/^(\{\s*["}]|\[\s*["{[\d\]])/.test(text)) return "JSON";
  return "text";
}

function utf8(bytes: Buffer): string | undefined {
  try {
    // `stream` accepts a character that the cut at the end split in two.
    const text = new TextDecoder("utf-8", { fatal: true }).decode(bytes, { stream: true });
    // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters mean binary data
    return /[\0-\x08\x0e-\x1a]/.test(text) ? undefined : text;
  } catch {
    return undefined;
  }
}
