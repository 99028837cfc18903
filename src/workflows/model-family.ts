import { ModelFiles, suits } from "./model-files.ts";
import type { Workflow } from "./workflow.ts";

/** What people call a family of checkpoints whose file names say it in another way. */
const families: readonly { called: readonly string[]; file: RegExp }[] = [
  { called: ["sdxl", "xl", "stablediffusionxl"], file: /(^|[^a-z])xl|xl([^a-z]|$)|sdxl/i },
  {
    called: ["sd15", "sd1", "stablediffusion15", "stablediffusion1"],
    file: /v1[-_. ]?5|sd[-_. ]?1[-_. ]?5/i,
  },
];

/** Shorter words are in half of all file names. */
const shortest = 2;

/**
 * The file of this loader that a family's name, or a part of a file's name, means: the one the
 * workflow would take by itself if it is one of them, else the first that suits.
 */
export function fileOfFamily(
  workflow: Workflow,
  slot: string,
  own: string,
  files: readonly string[],
  wanted: string,
): string | undefined {
  const need = workflow.models.find((each) => each.slot === slot);
  const isMeant = matcher(wanted);
  const meant = files.filter((file) => isMeant(file) && (need === undefined || suits(need, file)));
  const best = need && ModelFiles.of(files).best(need, own);
  return best !== undefined && meant.includes(best) ? best : meant[0];
}

/** Whether a workflow that loads a file of its own is of the family. */
export function isOfFamily({ name, title }: Workflow, wanted: string): boolean {
  const isMeant = matcher(wanted);
  return isMeant(name) || isMeant(title);
}

function matcher(wanted: string): (name: string) => boolean {
  const folded = fold(wanted);
  // Whoever writes the ending means a file, and is told the right spelling.
  const isFile = /\.(safetensors|gguf|ckpt|pth|pt|bin|sft)$/i.test(wanted);
  if (isFile || folded.length < shortest) return () => false;
  const family = families.find(({ called }) => called.includes(folded));
  const words = wanted.split(/[^\p{L}\p{N}]+/u).map(fold);
  return (name) =>
    words.every((word) => fold(name).includes(word)) || (family?.file.test(name) ?? false);
}

function fold(name: string): string {
  return name.toLowerCase().replace(/[^\p{L}\p{N}]/gu, "");
}
