import { int } from "./python.ts";

/**
 * The part of all entries (oldest first) that `GET /history` is asked for: `max_items` alone means
 * the newest, with an offset it counts from the oldest. Throws a `PythonError` for what is no number.
 */
export function historyPage<T>(entries: readonly T[], query: URLSearchParams): T[] {
  const maxItems = query.has("max_items") ? int(query.get("max_items")) : undefined;
  const offset = query.has("offset") ? int(query.get("offset")) : -1;
  let start = Math.max(offset, 0);
  if (offset < 0 && maxItems !== undefined) start = Math.max(entries.length - maxItems, 0);
  // ComfyUI counts after adding: asked for none from a place inside, it gives one.
  const count = maxItems === undefined ? entries.length : Math.max(maxItems, 1);
  return entries.slice(start, start + count);
}
