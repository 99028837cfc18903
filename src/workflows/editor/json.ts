export type Json = Record<string, unknown>;

export function isRecord(value: unknown): value is Json {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

export function recordOf(value: unknown): Json {
  return isRecord(value) ? value : {};
}

export function listOf(value: unknown): unknown[] {
  return Array.isArray(value) ? value : [];
}

export function textOf(value: unknown): string | undefined {
  return typeof value === "string" && value !== "" ? value : undefined;
}

/** A node's or link's id. Files hold numbers and texts for the same thing. */
export function idOf(value: unknown): string | undefined {
  if (typeof value === "number" && Number.isFinite(value)) return String(value);
  return textOf(value);
}

/** A slot's index, which may be written as text. */
export function indexOf(value: unknown): number {
  const index = Number(value);
  return Number.isInteger(index) && index >= 0 ? index : 0;
}

/** A type may be a name, a list of names, or a number in old files; `*` when there is none. */
export function typeOf(value: unknown): string {
  if (Array.isArray(value)) return value.filter((each) => typeof each === "string").join(",");
  return textOf(value) ?? "*";
}

export function own<T>(record: Readonly<Record<string, T>>, key: string): T | undefined {
  return Object.hasOwn(record, key) ? record[key] : undefined;
}
