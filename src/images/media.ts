import { fileExtensions, type ImageMimeType } from "./sniff.ts";

/** What ComfyUI makes beside pictures: films, sounds, 3D models. */
export type MediaMimeType =
  | "video/mp4"
  | "video/quicktime"
  | "video/webm"
  | "video/x-matroska"
  | "audio/flac"
  | "audio/mp4"
  | "audio/mpeg"
  | "audio/ogg"
  | "audio/wav"
  | "model/gltf-binary"
  /** Any other file, as a graph that was handed in may make one. */
  | "application/octet-stream";

export type ResultMimeType = ImageMimeType | MediaMimeType;

export const resultExtensions: Readonly<Record<ResultMimeType, string>> = {
  ...fileExtensions,
  "video/mp4": "mp4",
  "video/quicktime": "mov",
  "video/webm": "webm",
  "video/x-matroska": "mkv",
  "audio/flac": "flac",
  "audio/mp4": "m4a",
  "audio/mpeg": "mp3",
  "audio/ogg": "ogg",
  "audio/wav": "wav",
  "model/gltf-binary": "glb",
  "application/octet-stream": "bin",
};

export function isResultMimeType(type: string): type is ResultMimeType {
  return Object.hasOwn(resultExtensions, type);
}

export function isPicture(type: ResultMimeType): type is ImageMimeType {
  return Object.hasOwn(fileExtensions, type);
}

const signatures: readonly (readonly [bytes: string, MediaMimeType])[] = [
  ["fLaC", "audio/flac"],
  ["OggS", "audio/ogg"],
  ["ID3", "audio/mpeg"],
  // MPEG 1 and 2, layer III, with and without a checksum.
  ...["\xff\xfb", "\xff\xfa", "\xff\xf3", "\xff\xf2"].map(
    (bytes) => [bytes, "audio/mpeg"] as const,
  ),
  ["glTF", "model/gltf-binary"],
];

/** Recognises a film, sound or model by its content; undefined for anything else. */
export function sniffMedia(bytes: Buffer): MediaMimeType | undefined {
  const head = bytes.toString("latin1", 0, 64);
  if (head.startsWith("ftyp", 4)) return isoMedia(head.slice(8));
  if (head.startsWith("\x1aE\xdf\xa3")) {
    return head.includes("webm") ? "video/webm" : "video/x-matroska";
  }
  if (head.startsWith("RIFF")) return head.startsWith("WAVE", 8) ? "audio/wav" : undefined;
  return signatures.find(([signature]) => head.startsWith(signature))?.[1];
}

/** Pictures share the container: AVIF and HEIC. */
function isoMedia(brands: string): MediaMimeType | undefined {
  if (/avif|avis|hei[cxms]|hev[cx]|mif1/.test(brands)) return undefined;
  if (brands.startsWith("qt")) return "video/quicktime";
  return brands.startsWith("M4A") ? "audio/mp4" : "video/mp4";
}

/** In a word or two: "MP4 video". */
export function mediaName(type: MediaMimeType): string {
  if (type === "application/octet-stream") return "file";
  const [kind] = type.split("/");
  return `${resultExtensions[type].toUpperCase()} ${kind === "model" ? "3D model" : kind}`;
}

/** Whether a result has a preview: every picture, and what has a still in its place. */
export function isShown({ mimeType, width }: { mimeType: ResultMimeType; width: number }): boolean {
  return isPicture(mimeType) || width > 0;
}
