import type { Query } from "./dialect.ts";

/** The ComfyUIs that are to be given nothing new, for every server of the store. */
export interface Drains {
  all(): Promise<ReadonlySet<string>>;
  set(backend: string, isDrained: boolean): Promise<void>;
}

export class MemoryDrains implements Drains {
  readonly #names = new Set<string>();

  async all(): Promise<ReadonlySet<string>> {
    return this.#names;
  }

  async set(backend: string, isDrained: boolean): Promise<void> {
    if (isDrained) this.#names.add(backend);
    else this.#names.delete(backend);
  }
}

export class SqlDrains implements Drains {
  readonly #query: Query;

  constructor(query: Query) {
    this.#query = query;
  }

  async all(): Promise<ReadonlySet<string>> {
    const rows = await this.#query("SELECT backend FROM drained");
    return new Set(rows.map(({ backend }) => String(backend)));
  }

  async set(backend: string, isDrained: boolean): Promise<void> {
    const statement = isDrained
      ? "INSERT INTO drained(backend) VALUES ($1) ON CONFLICT DO NOTHING"
      : "DELETE FROM drained WHERE backend = $1";
    await this.#query(statement, backend);
  }
}
