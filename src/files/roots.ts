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

/** A path as a caller writes it; a relative one starts at the first root. */
export function absolutePath(path: string, roots: readonly string[]): string {
  if (path === "~" || /^~[/\\]/.test(path)) return join(homedir(), path.slice(1));
  if (isAbsolute(path)) return path;
  // An IDE starts servers in its project, which is what "./public" then means to its user.
  const here = process.cwd();
  const isHereAllowed = roots.some((root) => contains(resolve(root), here));
  return resolve(isHereAllowed ? here : (roots[0] ?? ""), path);
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
