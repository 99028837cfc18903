import { posix } from "node:path";
import type { FolderName } from "../as-comfyui/annotation.ts";
import { PythonError } from "../as-comfyui/python.ts";
import type { Disk } from "./disk.ts";

export interface OutputName {
  subfolder: string;
  stem: string;
  /** One more than the highest there is. */
  counter: number;
}

/** Where a prefix leads: `/` makes subfolders, `%width%` and the like are filled in. */
export function outputName(
  disk: Disk,
  folder: FolderName,
  prefix: string,
  size: { width: number; height: number },
): OutputName {
  const path = posix.normalize(filledIn(prefix, size, new Date()));
  const subfolder = posix.dirname(path) === "." ? "" : posix.dirname(path);
  if (subfolder.startsWith("..") || subfolder.startsWith("/")) {
    const reason = "**** ERROR: Saving image outside the output folder is not allowed.";
    throw new PythonError("Exception", `${reason}\n full_output_folder: ${subfolder}`);
  }
  const stem = posix.basename(path);
  const counters = disk
    .names(folder)
    .filter((name) => name.startsWith(posix.join(subfolder, `${stem}_`)))
    .map((name) => /^(\d+)/.exec(name.slice(posix.join(subfolder, `${stem}_`).length)))
    .map((match) => Number(match?.[1] ?? 0));
  return { subfolder, stem, counter: Math.max(0, ...counters) + 1 };
}

function filledIn(prefix: string, size: { width: number; height: number }, now: Date): string {
  const two = (value: number) => String(value).padStart(2, "0");
  const values: Record<string, string> = {
    width: String(size.width),
    height: String(size.height),
    year: String(now.getFullYear()),
    month: two(now.getMonth() + 1),
    day: two(now.getDate()),
    hour: two(now.getHours()),
    minute: two(now.getMinutes()),
    second: two(now.getSeconds()),
  };
  return prefix.replace(/%(\w+)%/g, (text, name: string) => values[name] ?? text);
}
