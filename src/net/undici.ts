import type { undici } from "./undici-parts.ts";

/**
 * The HTTP client, loaded with the first request: it is the largest thing a start would read, and no
 * start asks anybody anything.
 */
export async function loadUndici(): Promise<typeof undici> {
  return (await import("./undici-parts.ts")).undici;
}
