import { constants, type Stats } from "node:fs";
import { lstat, open, readdir } from "node:fs/promises";
import { basename, dirname } from "node:path";
import { AppError, messageOf, refusal } from "../errors.ts";
import { cut, megabytes, nearest } from "../words.ts";
import {
  absolutePath,
  contains,
  isHidden,
  listed,
  looksInside,
  type Reach,
  type Root,
  realPath,
  realRoots,
  rootsOption,
  startOf,
} from "./roots.ts";

export interface FileRules extends Reach {
  allowHidden: boolean;
  maxBytes: number;
}

/** How many names of a folder are compared with a misspelt one. */
const namesCompared = 5000;

/**
 * Reads one file that must really lie inside one of the roots. A relative path that has no other
 * place to start at starts at the first root.
 */
export async function readInside(
  parameter: string,
  given: string,
  rules: FileRules,
): Promise<{ bytes: Buffer; path: string }> {
  const roots = await existingRoots(parameter, rules.roots);
  const start = startOf(rules, roots) ?? roots[0]?.given ?? "";
  const path = absolutePath(given, start) ?? given;
  const real = await existing(path);
  if (real === undefined) throw await missing(parameter, path, roots, { ...rules, base: start });
  refuseOutside(parameter, path, real, roots);
  if (!rules.allowHidden && isHidden(real, roots)) throw hidden(parameter, path);
  return { bytes: await readRegular(parameter, real, rules.maxBytes), path: real };
}

async function existingRoots(parameter: string, given: readonly string[]): Promise<Root[]> {
  if (given.length === 0) {
    throw refusal(
      `${parameter}: reading files is off on this server. Its operator turns it on by naming folders with ${rootsOption}. Otherwise send an https URL, base64 data or the ID of an earlier image.`,
    );
  }
  const found = await realRoots(given);
  if (found.length > 0) return found;
  throw refusal(
    `${parameter}: none of the folders that may be read exists: ${listed(given)}. Create one, or change ${rootsOption}.`,
  );
}

/** The real path of a file; macOS stores names decomposed, and people type them composed. */
async function existing(path: string): Promise<string | undefined> {
  for (const spelling of new Set([path, path.normalize("NFC"), path.normalize("NFD")])) {
    const real = await realPath(spelling);
    if (real !== undefined) return real;
  }
  return undefined;
}

function refuseOutside(
  parameter: string,
  path: string,
  real: string,
  roots: readonly Root[],
): void {
  if (roots.some((root) => contains(root.real, real))) return;
  if (!looksInside(path, roots)) throw outside(parameter, path, roots);
  throw refusal(
    `${parameter}: "${cut(path)}" is a link that leads out of the folders that may be read (${listed(roots.map((root) => root.given))}). Copy the picture itself there.`,
  );
}

function outside(parameter: string, path: string, roots: readonly Root[]): AppError {
  return refusal(
    `${parameter}: "${cut(path)}" is outside the folders that may be read (${listed(roots.map((root) => root.given))}). Copy the picture there, or let the operator add its folder with ${rootsOption}.`,
  );
}

function hidden(parameter: string, path: string): AppError {
  return refusal(
    `${parameter}: "${cut(path)}" is hidden (a name in it starts with a dot), and hidden files are not read. Copy the picture to a visible folder.`,
  );
}

/** Outside the roots and in hidden folders the answer does not tell whether a file exists. */
async function missing(
  parameter: string,
  path: string,
  roots: readonly Root[],
  { allowHidden, base = "" }: FileRules,
): Promise<AppError> {
  if (!looksInside(path, roots)) return outside(parameter, path, roots);
  if (!allowHidden && isHidden(path, roots)) return hidden(parameter, path);
  const folder = await existing(dirname(path));
  if (folder === undefined) {
    return new AppError(
      "not_found",
      `${parameter}: there is no folder "${cut(dirname(path))}". Check the path; relative ones start at ${cut(base)}.`,
    );
  }
  const near = nearest(basename(path), await visibleNames(folder, roots, allowHidden));
  const hint = near.length > 0 ? `Nearest: ${quoted(near)}.` : "Check the name.";
  return new AppError(
    "not_found",
    `${parameter}: there is no file "${cut(basename(path))}" in ${cut(dirname(path))}. ${hint}`,
  );
}

/** Names in a folder a caller may see; none of a folder that a link leads out to. */
async function visibleNames(
  folder: string,
  roots: readonly Root[],
  allowHidden: boolean,
): Promise<string[]> {
  if (!roots.some((root) => contains(root.real, folder))) return [];
  if (!allowHidden && isHidden(folder, roots)) return [];
  const names = await readdir(folder).catch(() => []);
  return names.filter((name) => allowHidden || !name.startsWith(".")).slice(0, namesCompared);
}

async function readRegular(parameter: string, real: string, maxBytes: number): Promise<Buffer> {
  const refuse = (problem: string, cause?: unknown) =>
    refusal(`${parameter}: "${cut(real)}" ${problem}`, cause);
  const check = (stats: Stats) => {
    if (!stats.isFile()) {
      return refuse("is not a regular file but a device, pipe or socket. Name a picture file.");
    }
    if (stats.size <= maxBytes) return undefined;
    return refuse(
      `is ${megabytes(stats.size)}, at most ${megabytes(maxBytes)} are read. Name a smaller picture.`,
    );
  };
  try {
    const before = await lstat(real);
    if (before.isDirectory()) throw refuse(`is a folder. ${await picturesIn(real)}`);
    // Opening a device can already have effects, so the path is looked at before.
    const problem = check(before);
    if (problem) throw problem;
    return await readOpened(real, maxBytes, check);
  } catch (error) {
    if (error instanceof AppError) throw error;
    throw refuse(`cannot be read (${cut(messageOf(error))}).`, error);
  }
}

/** The path may have been swapped since it was looked at: no link is followed, no pipe waited for. */
async function readOpened(
  real: string,
  maxBytes: number,
  check: (stats: Stats) => AppError | undefined,
): Promise<Buffer> {
  const flags = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;
  const handle = await open(real, flags);
  try {
    const problem = check(await handle.stat());
    if (problem) throw problem;
    const chunks: Buffer[] = [];
    const stream = handle.createReadStream({ end: maxBytes, autoClose: false });
    for await (const chunk of stream as AsyncIterable<Buffer>) chunks.push(chunk);
    return Buffer.concat(chunks);
  } finally {
    await handle.close();
  }
}

async function picturesIn(folder: string): Promise<string> {
  const names = await readdir(folder).catch(() => []);
  const pictures = names.filter((name) => /^[^.].*\.(png|jpe?g|webp|gif|avif|tiff?)$/i.test(name));
  return pictures.length === 0
    ? "Name a picture file."
    : `Name a picture in it, such as ${quoted(pictures.slice(0, 3))}.`;
}

function quoted(names: readonly string[]): string {
  return names.map((name) => `"${cut(name)}"`).join(", ");
}
