import { randomUUID } from "node:crypto";
import { constants, type Stats } from "node:fs";
import { access, lstat, mkdir, stat } from "node:fs/promises";
import { basename, dirname, extname, join, resolve } from "node:path";
import { type DeliveryFormat, deliver } from "../images/convert.ts";
import { fileExtensions, type ImageMimeType } from "../images/sniff.ts";
import { absolutePath, contains, isHidden, type Root, realPath, realRoots } from "./roots.ts";
import { mostNewFolders, SaveRefusals } from "./save-refusals.ts";
import { errnoOf } from "./storage-error.ts";
import { createFile, replaceFile } from "./whole-file.ts";

export interface PictureToSave {
  bytes: Buffer;
  mimeType: ImageMimeType;
  /** The file's name in a folder, without its extension. */
  name: string;
}

export interface SaveOptions {
  /** @default false */
  overwrite?: boolean | undefined;
}

/** Where a target really leads. */
interface Place {
  /** The deepest folder on the way that exists; its real path. */
  base: string;
  /** The names of the folders to make below it. */
  missing: readonly string[];
  /** Unset, every picture goes under its own name. */
  file?: { name: string; format: DeliveryFormat };
}

const formats: Readonly<Record<string, DeliveryFormat>> = {
  ".png": "png",
  ".jpg": "jpeg",
  ".jpeg": "jpeg",
  ".webp": "webp",
};

/** Writes pictures where a caller wants them, inside the allowed folders only. */
export class SaveTo {
  readonly #roots: readonly string[];
  readonly #allowHidden: boolean;

  constructor(
    roots: readonly string[],
    { allowHidden = false }: { allowHidden?: boolean | undefined } = {},
  ) {
    this.#roots = roots;
    this.#allowHidden = allowHidden;
  }

  /** Refuses now what `save` would refuse later, so that nothing is painted in vain. */
  async check(
    parameter: string,
    target: string,
    count: number,
    { overwrite = false }: SaveOptions = {},
  ): Promise<string> {
    const refusals = new SaveRefusals(parameter, this.#roots);
    const place = await this.#place(refusals, target);
    await refuseTaken(
      refusals,
      place,
      place.file ? numbered(place.file.name, count) : [],
      overwrite,
    );
    return target;
  }

  /**
   * Saves to a file, whose extension decides the format, or into a folder: one that exists, or with
   * a slash at the end. Several pictures to one file name are numbered. Answers with the real paths.
   */
  async save(
    parameter: string,
    target: string,
    pictures: readonly PictureToSave[],
    { overwrite = false }: SaveOptions = {},
  ): Promise<string[]> {
    const refusals = new SaveRefusals(parameter, this.#roots);
    const place = await this.#place(refusals, target);
    const names = place.file
      ? numbered(place.file.name, pictures.length)
      : pictures.map(({ name, mimeType }) => `${plain(name)}.${fileExtensions[mimeType]}`);
    await refuseTaken(refusals, place, names, overwrite);

    const format = place.file?.format;
    const files: Buffer[] = [];
    for (const { bytes } of pictures) files.push(format ? await deliver(bytes, { format }) : bytes);
    const folder = await this.#madeFolder(refusals, place);
    const write = overwrite ? replaceFile : createFile;
    const saved: string[] = [];
    for (const [index, bytes] of files.entries()) {
      const path = join(folder, names[index] ?? "");
      const temp = join(folder, `.easel-${randomUUID()}.tmp`);
      await write(path, temp, bytes).catch((error: unknown) => {
        throw refusals.failed(path, error, saved);
      });
      saved.push(path);
    }
    return saved;
  }

  async #place(refusals: SaveRefusals, target: string): Promise<Place> {
    if (this.#roots.length === 0) throw refusals.off();
    const roots = await realRoots(this.#roots);
    if (roots.length === 0) throw refusals.noRoot();
    if (isNoPath(target)) throw refusals.noPath(target);

    const path = resolve(absolutePath(target.trim(), this.#roots));
    const isFolder = /[/\\]\.{0,2}$/.test(target.trim()) || (await isDirectory(path));
    const way = await deepestExisting(isFolder ? path : dirname(path));
    if (!isInside(way.base, roots)) throw refusals.outside(path, roots);
    const whole = join(way.base, ...way.missing, isFolder ? "" : basename(path));
    if (!this.#allowHidden && isHidden(whole, roots)) throw refusals.hidden(path);
    await refuseWay(refusals, way);
    return isFolder ? way : { ...way, file: fileOf(refusals, path) };
  }

  async #madeFolder(refusals: SaveRefusals, { base, missing }: Place): Promise<string> {
    let folder = base;
    for (const name of missing) {
      folder = join(folder, name);
      await mkdir(folder).catch((error: unknown) => {
        if (errnoOf(error) !== "EEXIST") throw refusals.failed(folder, error);
      });
    }
    // It may have been swapped for a link since it was looked at.
    const real = await realPath(folder);
    const roots = await realRoots(this.#roots);
    if (real === undefined || !isInside(real, roots)) throw refusals.outside(folder, roots);
    return real;
  }
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

async function deepestExisting(folder: string): Promise<Place> {
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

async function refuseWay(refusals: SaveRefusals, { base, missing }: Place): Promise<void> {
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

function fileOf(refusals: SaveRefusals, path: string): { name: string; format: DeliveryFormat } {
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

async function refuseTaken(
  refusals: SaveRefusals,
  { base, missing }: Place,
  names: readonly string[],
  overwrite: boolean,
): Promise<void> {
  if (missing.length > 0) return;
  const taken: string[] = [];
  for (const name of names) {
    const stats = await entry(join(base, name));
    if (stats === undefined) continue;
    if (!stats.isFile() && !stats.isSymbolicLink()) throw refusals.noFile(join(base, name));
    taken.push(name);
  }
  if (taken.length > 0 && !overwrite) throw refusals.exists(base, taken);
}
