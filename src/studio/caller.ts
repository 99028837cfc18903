/** Who calls: what it may see and which folders it may touch. */
export interface Caller {
  /** Tasks belong to it; only callers with the same name see them. */
  name: string;
  /** Sees and deletes the tasks of all callers. */
  isAdmin: boolean;
  /** The program it calls with, as that names itself. */
  client?: string | undefined;
}

/** Whoever has a shell or a client on this machine. */
export const owner: Caller = { name: "owner", isAdmin: true };
