import type { Dialect, Query } from "./dialect.ts";

/**
 * What a caller has a name of its own for: a prompt, a file in one of ComfyUI's folders, a task by
 * its number, a task that was made from another one, how it wants things to be, an asset, or bytes by
 * their BLAKE3.
 */
export type NameKind =
  | ("prompt" | "input" | "output" | "temp" | "number" | "child")
  | ("setting" | "asset" | "blob");

/** How far a caller's numbers have come; kept beside the names, and never for a task. */
const counter = "counter";
/** Stays whether it is used or not. */
const setting = "setting";

export interface Name {
  caller: string;
  kind: NameKind;
  /** `sub/folder/name.png`, the id of a prompt, or what is set. */
  name: string;
  /** What it stands for: a task, a picture of one, an input (then its SHA-256 comes first), or a setting as JSON. */
  ref: string;
  /** With which it goes; unset: it stays until nobody has used it for long. */
  task?: string | undefined;
}

export type Named = Pick<Name, "name" | "ref">;

/** The names of callers, each for itself. */
export interface NameStore {
  /** Gives a name, unless it is taken: then what it stands for. */
  take(name: Name): Promise<string | undefined>;
  /** Gives a name anew, whatever it stood for. */
  set(name: Name): Promise<void>;
  find(caller: string, kind: NameKind, name: string): Promise<string | undefined>;
  /** Those that begin so, the last given first. */
  list(caller: string, kind: NameKind, limit: number, start?: string): Promise<Named[]>;
  /** The last given of those that end so. */
  ending(caller: string, kind: NameKind, end: string): Promise<Named | undefined>;
  /** Some of a kind, or all of them. */
  drop(caller: string, kind: NameKind, names?: readonly string[]): Promise<void>;
  /** Drops the names of uploads that nobody has given or used for `ageMs`. */
  expire(ageMs: number): Promise<void>;
  /** The names that go with a task. */
  dropOf(task: string): Promise<void>;
  /** 1, 2, … for each caller: none is given twice, whatever becomes of what it named. */
  next(caller: string): Promise<number>;
}

/** In the task database; its table is made with the others. */
export class SqlNames implements NameStore {
  readonly #query: Query;
  readonly #now: string;

  constructor(query: Query, dialect: Dialect) {
    this.#query = query;
    this.#now = dialect.now;
  }

  async take({ caller, kind, name, ref, task }: Name): Promise<string | undefined> {
    const rows = await this.#query(
      `INSERT INTO names(caller, kind, name, ref, task, at) VALUES ($1, $2, $3, $4, $5, ${this.#now})
       ON CONFLICT DO NOTHING RETURNING ref`,
      ...[caller, kind, name, ref, task ?? null],
    );
    return rows.length > 0 ? undefined : this.find(caller, kind, name);
  }

  async set({ caller, kind, name, ref, task }: Name): Promise<void> {
    await this.#query(
      `INSERT INTO names(caller, kind, name, ref, task, at) VALUES ($1, $2, $3, $4, $5, ${this.#now})
       ON CONFLICT (caller, kind, name)
         DO UPDATE SET ref = excluded.ref, task = excluded.task, at = excluded.at`,
      ...[caller, kind, name, ref, task ?? null],
    );
  }

  async find(caller: string, kind: NameKind, name: string): Promise<string | undefined> {
    const [row] = await this.#query(
      "SELECT ref FROM names WHERE caller = $1 AND kind = $2 AND name = $3",
      ...[caller, kind, name],
    );
    return row && String(row["ref"]);
  }

  async list(caller: string, kind: NameKind, limit: number, start = ""): Promise<Named[]> {
    const rows = await this.#query(
      `SELECT name, ref FROM names WHERE caller = $1 AND kind = $2 AND substr(name, 1, $3) = $4
       ORDER BY at DESC, name DESC LIMIT ${limit}`,
      ...[caller, kind, start.length, start],
    );
    return rows.map(({ name, ref }) => ({ name: String(name), ref: String(ref) }));
  }

  async ending(caller: string, kind: NameKind, end: string): Promise<Named | undefined> {
    const [row] = await this.#query(
      `SELECT name, ref FROM names WHERE caller = $1 AND kind = $2 AND substr(name, length(name) - $3) = $4
       ORDER BY at DESC, name DESC LIMIT 1`,
      ...[caller, kind, end.length - 1, end],
    );
    return row && { name: String(row["name"]), ref: String(row["ref"]) };
  }

  async drop(caller: string, kind: NameKind, names?: readonly string[]): Promise<void> {
    if (names?.length === 0) return;
    const some = names ? `AND name IN (${names.map((_, i) => `$${i + 3}`).join(", ")})` : "";
    await this.#query(
      `DELETE FROM names WHERE caller = $1 AND kind = $2 ${some}`,
      ...[caller, kind, ...(names ?? [])],
    );
  }

  async expire(ageMs: number): Promise<void> {
    await this.#query(
      `DELETE FROM names WHERE task IS NULL AND kind NOT IN ($1, $2) AND at < ${this.#now} - $3`,
      ...[counter, setting, ageMs],
    );
  }

  async dropOf(task: string): Promise<void> {
    await this.#query("DELETE FROM names WHERE task = $1", task);
  }

  async next(caller: string): Promise<number> {
    const [row] = await this.#query(
      `INSERT INTO names(caller, kind, name, ref, task, at) VALUES ($1, $2, $3, $4, NULL, ${this.#now})
       ON CONFLICT (caller, kind, name)
         DO UPDATE SET ref = CAST(CAST(names.ref AS INTEGER) + 1 AS TEXT), at = excluded.at
       RETURNING ref`,
      ...[caller, counter, "", "1"],
    );
    return Number(row?.["ref"]);
  }
}

/** In this process alone, as the records then are. */
export class MemoryNames implements NameStore {
  readonly #names: (Name & { at: number })[] = [];
  readonly #counters = new Map<string, number>();

  async take(name: Name): Promise<string | undefined> {
    const known = await this.find(name.caller, name.kind, name.name);
    if (known === undefined) this.#names.push({ ...name, at: Date.now() });
    return known;
  }

  async set(name: Name): Promise<void> {
    await this.drop(name.caller, name.kind, [name.name]);
    this.#names.push({ ...name, at: Date.now() });
  }

  async find(caller: string, kind: NameKind, name: string): Promise<string | undefined> {
    return this.#of(caller, kind).find((each) => each.name === name)?.ref;
  }

  async list(caller: string, kind: NameKind, limit: number, start = ""): Promise<Named[]> {
    const found = this.#of(caller, kind).filter(({ name }) => name.startsWith(start));
    return found.toReversed().slice(0, limit);
  }

  async ending(caller: string, kind: NameKind, end: string): Promise<Named | undefined> {
    return this.#of(caller, kind).findLast(({ name }) => name.endsWith(end));
  }

  async drop(caller: string, kind: NameKind, names?: readonly string[]): Promise<void> {
    const going = this.#of(caller, kind).filter(({ name }) => names?.includes(name) ?? true);
    this.#remove((each) => going.includes(each));
  }

  async expire(ageMs: number): Promise<void> {
    const before = Date.now() - ageMs;
    this.#remove(({ task, kind, at }) => task === undefined && kind !== setting && at < before);
  }

  async dropOf(task: string): Promise<void> {
    this.#remove((each) => each.task === task);
  }

  async next(caller: string): Promise<number> {
    const number = (this.#counters.get(caller) ?? 0) + 1;
    this.#counters.set(caller, number);
    return number;
  }

  #of(caller: string, kind: NameKind) {
    return this.#names.filter((each) => each.caller === caller && each.kind === kind);
  }

  #remove(isGone: (name: Name & { at: number }) => boolean): void {
    for (const name of this.#names.filter(isGone)) {
      this.#names.splice(this.#names.indexOf(name), 1);
    }
  }
}
