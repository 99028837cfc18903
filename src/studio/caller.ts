import type { Reach } from "../files/roots.ts";

/** Who calls: what it may see and which folders it may touch. */
export interface Caller {
  /** Tasks belong to it; only callers with the same name see them. */
  name: string;
  /** Sees and deletes the tasks of all callers. */
  isAdmin: boolean;
  /** The program it calls with, as that names itself. */
  client?: string | undefined;
  /** The face it comes through, such as `mcp` or `shell`. */
  via?: string | undefined;
  /** What it may read and write; without roots there are no folders at all. */
  folders: Reach;
}

/** Whoever has a shell or a client on this machine. */
export function ownerOf(folders: Reach, via?: string): Caller {
  return { name: "owner", isAdmin: true, via, folders };
}
