import { randomUUID } from "node:crypto";
import { constants, type Stats } from "node:fs";
import { access, lstat, mkdir, readFile, stat } from "node:fs/promises";
import { basename, dirname, extname, join, resolve, sep } from "node:path";
import {
  absolutePath,
  contains,
  isHidden,
  type Reach,
  type Root,
  realPath,
  realRoots,
  startOf,
} from "./roots.ts";
import { mostNewFolders, SaveRefusals } from "./save-refusals.ts";
import { errnoOf } from "./storage-error.ts";
import { createFile, replaceFile } from "./whole-file.ts";

export interface PictureToSave {
  bytes: Buffer;
  /** Of the bytes' own format, without the dot. */
  extension: string;
  /** The file's name in a folder, without its extension. */
  name: string;
}

/** The formats that a file's extension can ask for. */
export type SaveFormat = "png" | "jpeg" | "webp";

export interface SaveOptions extends Reach {
  /** @default false */
  allowHidden?: boolean | undefined;
  /** @default false */
  overwrite?: boolean | undefined;
}

interface Way {
  /** The deepest folder on the way that exists; its real path. */
  base: string;
  /** The names of the folders to make below it. */
  missing: readonly string[];
}

/** Where a target really leads. */
interface Place extends Way {
  /** As an absolute path; a folder ends with a slash. */
  target: string;
  /** Unset, every picture goes under its own name. */
  file?: { name: string; format: SaveFormat };
}

const formats: Readonly<Record<string, SaveFormat>> = {
  ".png": "png",
  ".jpg": "jpeg",
  ".jpeg": "jpeg",
  ".webp": "webp",
};

/** Writes pictures where a caller wants them, inside the allowed folders only. */
export class SaveTo {
  readonly #convert: (bytes: Buffer, format: SaveFormat) => Promise<Buffer>;

  /** `convert` gives the very bytes back when they have the format already. */
  constructor(convert: (bytes: Buffer, format: SaveFormat) => Promise<Buffer>) {
    this.#convert = convert;
  }

  /**
   * Refuses now what `save` would refuse later, so that nothing is painted in vain. Answers with the
   * absolute target, which means the same to every process; a folder has a slash at its end.
   */
  async check(
    parameter: string,
    target: string,
    count: number,
    options: SaveOptions,
  ): Promise<string> {
    const refusals = new SaveRefusals(parameter, options.roots);
    const place = await placeOf(refusals, target, options);
    const names = place.file ? numbered(place.file.name, count) : [];
    const taken = await takenNames(refusals, place, names);
    if (taken.length > 0 && !options.overwrite) throw refusals.exists(place.base, taken);
    return place.target;
  }

  /**
   * Saves to a file, whose extension decides the format, or into a folder: one that exists, or with
   * a slash at the end. Several pictures to one file name are numbered. A file that has the very
   * bytes already counts as saved. Answers with the real paths.
   */
  async save(
    parameter: string,
    target: string,
    pictures: readonly PictureToSave[],
    options: SaveOptions,
  ): Promise<string[]> {
    const refusals = new SaveRefusals(parameter, options.roots);
    const place = await placeOf(refusals, target, options);
    const files = await this.#files(place, pictures);
    const others = await takenByOthers(refusals, place, files);
    if (others.length > 0 && !options.overwrite) throw refusals.exists(place.base, others);

    const folder = await madeFolder(refusals, place, options.roots);
    const saved: string[] = [];
    for (const { name, bytes } of files) {
      const path = join(folder, name);
      await write(path, bytes, options.overwrite ?? false).catch((error: unknown) => {
        throw refusals.failed(path, error, saved);
      });
      saved.push(path);
    }
    return saved;
  }

  async #files(
    { file }: Place,
    pictures: readonly PictureToSave[],
  ): Promise<{ name: string; bytes: Buffer }[]> {
    if (!file) {
      return pictures.map(({ name, extension, bytes }) => ({
        name: `${plain(name)}.${extension}`,
        bytes,
      }));
    }
    const files = [];
    for (const [index, name] of numbered(file.name, pictures.length).entries()) {
      const { bytes } = pictures[index] ?? {};
      if (bytes) files.push({ name, bytes: await this.#convert(bytes, file.format) });
    }
    return files;
  }
}

async function placeOf(
  refusals: SaveRefusals,
  target: string,
  options: SaveOptions,
): Promise<Place> {
  if (options.roots.length === 0) throw refusals.off();
  const roots = await realRoots(options.roots);
  if (roots.length === 0) throw refusals.noRoot();
  if (isNoPath(target)) throw refusals.noPath(target);

  const absolute = absolutePath(target.trim(), startOf(options, roots));
  if (absolute === undefined) throw refusals.noStart(target.trim());
  const path = resolve(absolute);
  const isFolder = /[/\\]\.{0,2}$/.test(target.trim()) || (await isDirectory(path));
  const way = await deepestExisting(isFolder ? path : dirname(path));
  if (!isInside(way.base, roots)) throw refusals.outside(path, roots);
  const whole = join(way.base, ...way.missing, isFolder ? "" : basename(path));
  if (!options.allowHidden && isHidden(whole, roots)) throw refusals.hidden(path);
  await refuseWay(refusals, way);
  if (isFolder) return { ...way, target: path.endsWith(sep) ? path : path + sep };
  return { ...way, target: path, file: fileOf(refusals, path) };
}

async function madeFolder(
  refusals: SaveRefusals,
  { base, missing }: Place,
  given: readonly string[],
): Promise<string> {
  let folder = base;
  for (const name of missing) {
    folder = join(folder, name);
    await mkdir(folder).catch((error: unknown) => {
      if (errnoOf(error) !== "EEXIST") throw refusals.failed(folder, error);
    });
  }
  // It may have been swapped for a link since it was looked at.
  const real = await realPath(folder);
  const roots = await realRoots(given);
  if (real === undefined || !isInside(real, roots)) throw refusals.outside(folder, roots);
  return real;
}

/** A crash may come between the file and its record; done again, the file is there already. */
async function write(path: string, bytes: Buffer, overwrite: boolean): Promise<void> {
  if (await holds(path, bytes)) return;
  const temp = join(dirname(path), `.easel-${randomUUID()}.tmp`);
  if (overwrite) return await replaceFile(path, temp, bytes);
  await createFile(path, temp, bytes);
}

async function holds(path: string, bytes: Buffer): Promise<boolean> {
  const stats = await entry(path);
  if (!stats?.isFile() || stats.size !== bytes.length) return false;
  const there = await readFile(path).catch(() => undefined);
  return there?.equals(bytes) ?? false;
}

function isNoPath(target: string): boolean {
  const text = target.trim();
  // biome-ignore lint/suspicious/noControlCharactersInRegex: no file name needs control characters
  if (text === "" || text.length > 4096 || /[\0-\x1f]/.test(text)) return true;
  return /^[a-z][a-z0-9+.-]+:\/\//i.test(text) || /^data:/i.test(text);
}

function isInside(path: string, roots: readonly Root[]): boolean {
  return roots.some(({ real }) => contains(real, path));
}

async function isDirectory(path: string): Promise<boolean> {
  const stats = await stat(path).catch(() => undefined);
  return stats?.isDirectory() ?? false;
}

async function deepestExisting(folder: string): Promise<Way> {
  const missing: string[] = [];
  let path = folder;
  let real = await realPath(path);
  while (real === undefined && dirname(path) !== path) {
    missing.unshift(basename(path));
    path = dirname(path);
    real = await realPath(path);
  }
  return { base: real ?? path, missing };
}

async function refuseWay(refusals: SaveRefusals, { base, missing }: Way): Promise<void> {
  if (!(await isDirectory(base))) throw refusals.noFolder(base);
  const [next] = missing;
  // What is there and yet has no real path is a link to nowhere.
  if (next !== undefined && (await entry(join(base, next)))) {
    throw refusals.noFolder(join(base, next));
  }
  if (missing.length > mostNewFolders) throw refusals.tooDeep(base, missing);
  await access(base, constants.W_OK | constants.X_OK).catch((error: unknown) => {
    throw refusals.failed(base, error);
  });
}

async function entry(path: string): Promise<Stats | undefined> {
  return await lstat(path).catch(() => undefined);
}

function fileOf(refusals: SaveRefusals, path: string): { name: string; format: SaveFormat } {
  const name = basename(path);
  const extension = extname(name).toLowerCase();
  const format = Object.hasOwn(formats, extension) ? formats[extension] : undefined;
  if (format === undefined) throw refusals.noFormat(name);
  return { name, format };
}

function numbered(name: string, count: number): string[] {
  if (count <= 1) return [name];
  const extension = extname(name);
  const stem = name.slice(0, name.length - extension.length);
  return Array.from({ length: count }, (_, index) => `${stem}-${index + 1}${extension}`);
}

/** Names of pictures are ours; one that could lead elsewhere is a defect. */
function plain(name: string): string {
  if (/^[\p{L}\p{N}_][\p{L}\p{N}_ .()-]{0,199}$/u.test(name)) return name;
  throw new Error(`not a plain file name: ${JSON.stringify(name.slice(0, 60))}`);
}

/** Those of the names that are there already. */
async function takenNames(
  refusals: SaveRefusals,
  { base, missing }: Place,
  names: readonly string[],
): Promise<string[]> {
  if (missing.length > 0) return [];
  const taken: string[] = [];
  for (const name of names) {
    const stats = await entry(join(base, name));
    if (stats === undefined) continue;
    if (!stats.isFile() && !stats.isSymbolicLink()) throw refusals.noFile(join(base, name));
    taken.push(name);
  }
  return taken;
}

async function takenByOthers(
  refusals: SaveRefusals,
  place: Place,
  files: readonly { name: string; bytes: Buffer }[],
): Promise<string[]> {
  const taken = new Set(
    await takenNames(
      refusals,
      place,
      files.map(({ name }) => name),
    ),
  );
  for (const { name, bytes } of files) {
    if (taken.has(name) && (await holds(join(place.base, name), bytes))) taken.delete(name);
  }
  return [...taken];
}
