import type { PictureRecord, Task } from "../records.ts";
import { pictures } from "./words.ts";

export type MediaKind = "picture" | "film" | "sound" | "model";

const kinds: Readonly<Record<string, MediaKind>> = {
  video: "film",
  audio: "sound",
  model: "model",
};

/** ComfyUI makes films, sounds and 3D models too; they are kept as files of their type. */
export function kindOf({ mime_type }: Pick<PictureRecord, "mime_type">): MediaKind {
  return kinds[mime_type.split("/")[0] ?? ""] ?? "picture";
}

/** Width divided by height of the place it takes; what is no picture has no size on record. */
export function ratioOf(one: Pick<PictureRecord, "mime_type" | "width" | "height">): number {
  if (one.width > 0 && one.height > 0) return one.width / one.height;
  return { picture: 1, film: 16 / 9, sound: 2, model: 1 }[kindOf(one)];
}

const extensions: Readonly<Record<string, string>> = {
  jpeg: "jpg",
  quicktime: "mov",
  "x-matroska": "mkv",
  mpeg: "mp3",
  "gltf-binary": "glb",
};

export function extensionOf({ mime_type }: Pick<PictureRecord, "mime_type">): string {
  const name = mime_type.split("/")[1] ?? "";
  if (mime_type === "audio/mp4") return "m4a";
  return extensions[name] ?? name;
}

/** "PNG", "MP4 film", "GLB 3D model". */
export function fileWords(one: Pick<PictureRecord, "mime_type">): string {
  const kind = kindOf(one);
  const name = extensionOf(one).toUpperCase();
  return { picture: name, film: `${name} film`, sound: `${name} sound`, model: `${name} 3D model` }[
    kind
  ];
}

/** "4 pictures", "1 file". */
export function resultsOf({ images }: Task): string {
  if (images.every((one) => kindOf(one) === "picture")) return pictures(images.length);
  return images.length === 1 ? "1 file" : `${images.length} files`;
}
