import type { Reach } from "../files/roots.ts";

/**
 * What a caller may do: see tasks and pictures, make them, delete them, hand in a graph of its own,
 * and do all that with everybody's tasks.
 */
export const scopes = ["read", "generate", "delete", "graphs", "admin"] as const;

export type Scope = (typeof scopes)[number];

/** What is not set is not limited. */
export interface Limits {
  /** Tasks that are queued or running at once. */
  tasksAtOnce?: number | undefined;
  /** Gigabytes that its pictures may take before it must delete some. */
  keptGb?: number | undefined;
}

/** Who calls: what it may see and which folders it may touch. */
export interface Caller {
  /** Tasks belong to it; only callers with the same name and those with `admin` see them. */
  name: string;
  scopes: ReadonlySet<Scope>;
  limits?: Limits;
  /** The program it calls with, as that names itself. */
  client?: string | undefined;
  /** The face it comes through, such as `mcp` or `shell`. */
  via?: string | undefined;
  /** What it may read and write; without roots there are no folders at all. */
  folders: Reach;
  /** Where it can fetch a picture or an input, if not from a folder. */
  imageUrl?: (id: string) => string;
}

/** Whoever has a shell or a client on this machine. */
export function ownerOf(folders: Reach, via?: string): Caller {
  return { name: "owner", scopes: new Set(scopes), via, folders };
}

/** With what each scope is of no use without. */
export function scopesWithImplied(given: Iterable<Scope>): Set<Scope> {
  const all = new Set(given);
  if (all.has("admin")) for (const scope of ["read", "generate", "delete"] as const) all.add(scope);
  if (all.has("graphs")) all.add("generate");
  if (all.size > 0) all.add("read");
  return all;
}
