import { mkdir, stat } from "node:fs/promises";
import { dirname } from "node:path";
import { errnoOf } from "./storage-error.ts";

/**
 * Makes a folder and those above it. One by one, because Node's recursive `mkdir` never returns
 * where a file system answers ENOENT for a folder whose parent is there, as `/proc` does.
 */
export async function makeFolder(path: string, mode = 0o777): Promise<void> {
  try {
    await mkdir(path, mode);
  } catch (error) {
    if (errnoOf(error) === "EEXIST" && (await isFolder(path))) return;
    const parent = dirname(path);
    if (errnoOf(error) !== "ENOENT" || parent === path) throw error;
    if (!(await isFolder(parent))) await makeFolder(parent, mode);
    await mkdir(path, mode).catch(async (second: unknown) => {
      // Others make folders too, this one or the one above it.
      if (errnoOf(second) !== "EEXIST" || !(await isFolder(path))) throw second;
    });
  }
}

async function isFolder(path: string): Promise<boolean> {
  try {
    return (await stat(path)).isDirectory();
  } catch {
    return false;
  }
}
