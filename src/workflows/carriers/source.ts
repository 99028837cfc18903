import { open } from "node:fs/promises";

/** Bytes that are read in parts: a film may be larger than what one wants in memory. */
export interface Source {
  size: number;
  /** Shorter at the end of the file. */
  read(offset: number, length: number): Promise<Buffer>;
}

/** Texts by their key in lower case; the first of a key counts. */
export class Texts {
  readonly #texts = new Map<string, string>();

  add(key: string, text: string): void {
    const name = key.toLowerCase();
    if (text !== "" && !this.#texts.has(name)) this.#texts.set(name, text);
  }

  get(key: string): string | undefined {
    return this.#texts.get(key);
  }

  get all(): ReadonlyMap<string, string> {
    return this.#texts;
  }

  /** `prompt:{…}`, as ComfyUI writes into fields that have no names of their own. */
  addPrefixed(text: string, otherwise: string): void {
    const [, key, rest] = /^\s*(prompt|workflow)\s*:\s*(\{[\s\S]*)$/i.exec(text) ?? [];
    if (key !== undefined && rest !== undefined) this.add(key, rest);
    else this.add(otherwise, text);
  }
}

/** The largest text that is read; workflows are a hundred times smaller. */
export const largestText = 16 * 1024 * 1024;
/** A file of nothing but parts is given up after so many. */
export const mostParts = 20_000;

export function sourceOf(bytes: Uint8Array): Source {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return {
    size: buffer.length,
    read: async (offset, length) => buffer.subarray(offset, offset + length),
  };
}

/** Throws what the file system does. */
export async function withFile<T>(file: string, work: (source: Source) => Promise<T>): Promise<T> {
  const handle = await open(file, "r");
  try {
    const { size } = await handle.stat();
    return await work({
      size,
      async read(offset, length) {
        const wanted = Math.max(0, Math.min(length, size - offset));
        const { buffer, bytesRead } = await handle.read(Buffer.alloc(wanted), 0, wanted, offset);
        return buffer.subarray(0, bytesRead);
      },
    });
  } finally {
    await handle.close();
  }
}
