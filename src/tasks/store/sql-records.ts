import type { Recipe } from "../../workflows/recipe.ts";
import type { Task } from "../task.ts";
import { type Dialect, type Query, rowMarks } from "./dialect.ts";
import { storedTask } from "./rows.ts";
import { Writes } from "./writes.ts";

interface Write {
  key: string;
  /** As it is stored; made at once, for the task may be changed while it waits. */
  value: string;
}

interface NamedRecipe {
  hash: string;
  recipe: Recipe;
}

interface Insert extends Write, NamedRecipe {}

interface Update extends Write {
  server: string;
}

/** Records of tasks and their recipes, as many in one statement as are to be written at a time. */
export class SqlRecords {
  readonly #query: Query;
  readonly #dialect: Dialect;
  readonly #inserts = new Writes<Insert, boolean>((inserts) => this.#insert(inserts));
  readonly #updates = new Writes<Update, boolean>((updates) => this.#update(updates));

  constructor(query: Query, dialect: Dialect) {
    this.#query = query;
    this.#dialect = dialect;
  }

  /** False when there is one with this id, or with the caller's idempotency key. */
  insert(task: Task, recipe: Recipe): Promise<boolean> {
    const write = { key: task.id, value: this.#stored(task), hash: task.recipe, recipe };
    return this.#inserts.put(write);
  }

  /** False when it is another server's, or deleted. */
  update(task: Task): Promise<boolean> {
    const server = task.server ?? "";
    return this.#updates.put({ key: task.id, value: this.#stored(task), server });
  }

  async keepRecipes(recipes: readonly NamedRecipe[]): Promise<void> {
    await this.#keepRecipes(recipes, "NOTHING");
  }

  /** In one order, so that two statements never wait for each other. */
  async #keepRecipes(recipes: readonly NamedRecipe[], known: string): Promise<void> {
    const byHash = new Map(recipes.map(({ hash, recipe }) => [hash, recipe]));
    const rows = [...byHash.keys()]
      .toSorted((a, b) => (a < b ? -1 : 1))
      .map((hash) => [hash, JSON.stringify(byHash.get(hash))]);
    await this.#query(
      `INSERT INTO recipes(hash, recipe) VALUES ${rowMarks(rows)}
       ON CONFLICT (hash) DO ${known}`,
      ...rows.flat(),
    );
  }

  #stored(task: Task): string {
    return this.#dialect.readable(storedTask(task));
  }

  async #insert(inserts: readonly Insert[]): Promise<boolean[]> {
    // The recipe first: a recipe without a task is only room, a task without one is lost.
    await this.keepRecipes(inserts);
    const values = inserts.map(({ key, value }) => [key, value]);
    const rows = await this.#query(
      `INSERT INTO tasks(key, value) VALUES ${rowMarks(values)} ON CONFLICT DO NOTHING RETURNING key`,
      ...values.flat(),
    );
    // And last: the erasing of the only other task of it may have fallen in between. What is there
    // is locked for a moment and stays as it is: who drops it sees the task, or is waited for.
    const locked = "UPDATE SET hash = excluded.hash WHERE recipes.hash IS NULL";
    await this.#keepRecipes(inserts, locked);
    return were(inserts, rows);
  }

  async #update(updates: readonly Update[]): Promise<boolean[]> {
    const values = updates.map(({ key, value, server }) => [key, value, server]);
    // SQLite and Postgres call the columns of VALUES so.
    const rows = await this.#query(
      `UPDATE tasks SET value = new.column2 FROM (VALUES ${rowMarks(values)}) AS new
       WHERE key = new.column1 AND deleted IS NULL AND COALESCE(server, '') = new.column3 RETURNING key`,
      ...values.flat(),
    );
    return were(updates, rows);
  }
}

function were(writes: readonly Write[], rows: readonly Record<string, unknown>[]): boolean[] {
  const keys = new Set(rows.map((row) => String(row["key"])));
  return writes.map(({ key }) => keys.has(key));
}
