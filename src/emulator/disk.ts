import { createHash } from "node:crypto";
import { posix } from "node:path";
import { annotation, type FolderName } from "../as-comfyui/annotation.ts";

export interface StoredFile {
  bytes: Buffer;
  modified: Date;
}

/** The folders ComfyUI reads and writes, held in memory. Names are `sub/folder/name.png`. */
export class Disk {
  readonly #files: Record<FolderName, Map<string, StoredFile>> = {
    input: new Map(),
    output: new Map(),
    temp: new Map(),
  };
  readonly #folders: Record<FolderName, Set<string>> = {
    input: new Set([""]),
    output: new Set([""]),
    temp: new Set([""]),
  };

  read(folder: FolderName, name: string): StoredFile | undefined {
    return this.#files[folder].get(name);
  }

  write(folder: FolderName, name: string, bytes: Buffer): void {
    this.makeFolder(folder, posix.dirname(name));
    this.#files[folder].set(name, { bytes, modified: new Date() });
  }

  remove(folder: FolderName, name: string): void {
    this.#files[folder].delete(name);
  }

  names(folder: FolderName): string[] {
    return [...this.#files[folder].keys()].sort(byCodeUnits);
  }

  hasFolder(folder: FolderName, path: string): boolean {
    return this.#folders[folder].has(path === "." ? "" : path);
  }

  makeFolder(folder: FolderName, path: string): void {
    this.#folders[folder].add(path === "." ? "" : path);
  }

  emptyTemp(): void {
    this.#files.temp.clear();
  }

  /** A file named as LoadImage names it: `sub/name.png` or `name.png [output]`. */
  find(annotated: string): StoredFile | undefined {
    const { name, folder } = annotation(annotated);
    return this.read(folder ?? "input", posix.normalize(name));
  }
}

/** Python's order of strings, whatever the locale. */
export function byCodeUnits(a: string, b: string): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}

export function sha256(bytes: Buffer): string {
  return createHash("sha256").update(bytes).digest("hex");
}
