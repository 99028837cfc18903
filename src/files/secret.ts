import { randomBytes, randomUUID } from "node:crypto";
import { readFile } from "node:fs/promises";
import { dirname } from "node:path";
import { makeFolder } from "./make-folder.ts";
import { errnoOf, storageError } from "./storage-error.ts";
import { createFile, replaceFile } from "./whole-file.ts";

const length = 32;
const mode = 0o600;

/**
 * 32 random bytes that stay the same from start to start: those of a file that only its owner can
 * read, made when it is absent. Servers that start at once agree. Throws `storage`.
 */
export async function keptSecret(path: string): Promise<Buffer> {
  const temp = `${path}.${randomUUID()}.tmp`;
  try {
    const known = await unlessMissing(path);
    if (known?.length === length) return known;
    await makeFolder(dirname(path), 0o700);
    const fresh = randomBytes(length);
    // What is too short is no key of anybody's, so it may be replaced.
    if (known) await replaceFile(path, temp, fresh, mode);
    else await createFile(path, temp, fresh, mode);
    return fresh;
  } catch (error) {
    const first = errnoOf(error) === "EEXIST" ? await unlessMissing(path) : undefined;
    if (first?.length === length) return first;
    throw storageError(dirname(path), error);
  }
}

async function unlessMissing(path: string): Promise<Buffer | undefined> {
  try {
    return await readFile(path);
  } catch (error) {
    if (errnoOf(error) === "ENOENT") return undefined;
    throw error;
  }
}
