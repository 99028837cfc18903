import { realpath } from "node:fs/promises";
import { homedir } from "node:os";
import { isAbsolute, join, relative, resolve, sep } from "node:path";
import { cut } from "../words.ts";

/** A folder whose files may be read and written, as configured and where it really is. */
export interface Root {
  given: string;
  real: string;
}

export const rootsOption = "--input-roots (EASEL_INPUT_ROOTS)";

/** Those of the folders that exist. */
export async function realRoots(given: readonly string[]): Promise<Root[]> {
  const found: Root[] = [];
  for (const root of given) {
    const absolute = resolve(root);
    const real = await realPath(absolute);
    if (real !== undefined) found.push({ given: absolute, real });
  }
  return found;
}

/** Which folders one call may touch. */
export interface Reach {
  /** Folders whose files may be read and written; without any, there are no files at all. */
  roots: readonly string[];
  /** Where the caller's relative paths start, as an absolute path. */
  base?: string | undefined;
}

/**
 * Where relative paths start: at the caller's own folder, or else in the working directory if it is
 * allowed. An IDE starts servers in its project, which is what "./public" then means to its user.
 */
export function startOf({ base }: Reach, roots: readonly Root[]): string | undefined {
  if (base !== undefined) return base;
  const here = process.cwd();
  return looksInside(here, roots) ? here : undefined;
}

/** A path as a caller writes it; undefined for a relative one without a place to start at. */
export function absolutePath(path: string, start: string | undefined): string | undefined {
  if (path === "~" || /^~[/\\]/.test(path)) return join(homedir(), path.slice(1));
  if (isAbsolute(path)) return path;
  return start === undefined ? undefined : resolve(start, path);
}

export async function realPath(path: string): Promise<string | undefined> {
  try {
    return await realpath(path);
  } catch {
    return undefined;
  }
}

export function contains(root: string, path: string): boolean {
  const below = relative(root, path);
  return below !== ".." && !below.startsWith(`..${sep}`) && !isAbsolute(below);
}

export function looksInside(path: string, roots: readonly Root[]): boolean {
  return roots.some(({ given, real }) => contains(given, path) || contains(real, path));
}

/** Hidden below every root it lies in; a root may itself be a hidden folder. */
export function isHidden(path: string, roots: readonly Root[]): boolean {
  return roots
    .flatMap(({ given, real }) => [given, real])
    .filter((root) => contains(root, path))
    .every((root) =>
      relative(root, path)
        .split(sep)
        .some((name) => name.startsWith(".")),
    );
}

export function listed(folders: readonly string[]): string {
  const more = folders.length > 3 ? ` and ${folders.length - 3} more` : "";
  return `${folders
    .slice(0, 3)
    .map((folder) => cut(folder))
    .join(", ")}${more}`;
}
