import { isAbsolute } from "node:path";
import { fileURLToPath } from "node:url";
import { type Ask, Asked } from "./question.ts";

/** Longer texts are data and no paths. */
const longestPath = 256;

/** A path, and one that starts at a folder nobody has named. */
export function isRelativePath(value: unknown): value is string {
  if (typeof value !== "string" || value.length > longestPath) return false;
  const looksLikePath = /[/\\]|\.\w{2,5}$/.test(value);
  return looksLikePath && !isAbsolute(value) && !/^~|^[a-z][a-z\d+.-]+:/i.test(value);
}

/** Where the user of a client works: the first folder of this machine among its roots, if it names one. */
export async function folderOf(ask: Ask): Promise<string | undefined> {
  const question = { method: "roots/list", params: {} } as const;
  const replies = await ask({ roots: question }).catch(
    (error: unknown): Record<string, unknown> => {
      if (error instanceof Asked) throw error;
      // A client that offers roots and does not name them.
      return {};
    },
  );
  const { roots } = Object(replies["roots"]) as { roots?: unknown };
  const uris = Array.isArray(roots) ? roots.map((root) => Object(root).uri) : [];
  return firstFolder(uris.map(String));
}

function firstFolder(uris: readonly string[]): string | undefined {
  for (const uri of uris) {
    try {
      if (/^file:/i.test(uri)) return fileURLToPath(uri);
    } catch {
      // Of another machine, or no path on this platform.
    }
  }
  return undefined;
}
