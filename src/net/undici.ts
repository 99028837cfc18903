/**
 * The HTTP client, loaded with the first request: it is the largest thing a start would read, and no
 * start asks anybody anything.
 */
export function loadUndici(): Promise<typeof import("undici")> {
  return import("undici");
}
