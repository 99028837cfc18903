/**
 * A deep copy of plain JSON data. `structuredClone` takes a detour over a message port, which costs
 * ten times as much for records and graphs.
 */
export function copyJson<T>(value: T): T {
  if (typeof value !== "object" || value === null) return value;
  if (Array.isArray(value)) return value.map(copyJson) as T;
  const copy: Record<string, unknown> = {};
  for (const [key, part] of Object.entries(value)) {
    if (part !== undefined) copy[key] = copyJson(part);
  }
  return copy as T;
}
