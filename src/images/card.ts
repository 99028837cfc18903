import { deliver } from "./convert.ts";
import type { MediaMimeType } from "./media.ts";

/** Side of a card in pixels. */
export const cardSide = 512;

const glyphs: Readonly<Record<string, string>> = {
  video:
    '<rect x="136" y="166" width="240" height="180" rx="14"/><path fill="#f4f1ea" d="M226 208v96l84-48z"/>',
  audio: '<path d="M214 150l120-26v190a42 34 0 1 1-24-31V182l-72 16v146a42 34 0 1 1-24-31z"/>',
  model:
    '<path d="M256 120l120 66v140l-120 66-120-66V186z"/><path fill="none" stroke="#f4f1ea" stroke-width="8" d="M136 186l120 66 120-66M256 252v140"/>',
};

/** Stands for a film, sound or 3D model of which nothing can be shown: a sign of its kind, as PNG. */
export async function cardFor(type: MediaMimeType): Promise<Buffer> {
  const [kind = ""] = type.split("/");
  const svg = `<svg xmlns="http://www.w3.org/2000/svg" width="${cardSide}" height="${cardSide}"><rect width="512" height="512" fill="#f4f1ea"/><g fill="#57534a">${glyphs[kind] ?? ""}</g></svg>`;
  return deliver(Buffer.from(svg), { format: "png" });
}
