import { type Task, taskIdOf } from "../task.ts";
import type { Dialect } from "./dialect.ts";
import type { TaskFilter } from "./store.ts";

/** The task in a row of Keyv's table. */
export function taskIn(row: Record<string, unknown>): Task {
  return JSON.parse(String(row["value"])).value;
}

/** A record as Keyv keeps it; what is beside `value` is ours. */
export function storedTask(task: Task): string {
  return JSON.stringify({ value: task, updated: Date.now() });
}

/** Conditions of a WHERE clause with their values, marked in order. */
export class Where {
  readonly values: unknown[] = [];
  readonly #conditions: string[] = ["deleted IS NULL"];

  static of(filter: TaskFilter, dialect: Dialect): Where {
    const where = new Where();
    const { caller, ids, states, tool, via, text, since, before } = filter;
    if (caller !== undefined) where.and((mark) => `caller = ${mark()}`, caller);
    if (ids) where.among("key", ids);
    if (states) where.among("state", states);
    if (tool !== undefined) where.and((mark) => `tool = ${mark()}`, tool);
    if (via) where.among(dialect.text("via"), via);
    if (text !== undefined) where.mentions(dialect, text);
    if (since !== undefined) where.and((mark) => `created >= ${mark()}`, since);
    if (before !== undefined) where.and((mark) => `created < ${mark()}`, before);
    return where;
  }

  and(condition: (mark: () => string) => string, ...values: unknown[]): void {
    let next = this.values.length;
    this.values.push(...values);
    this.#conditions.push(
      condition(() => {
        next += 1;
        return `$${next}`;
      }),
    );
  }

  among(column: string, values: readonly unknown[]): void {
    if (values.length === 0) this.#conditions.push("1 = 0");
    else this.and((mark) => `${column} IN (${values.map(() => mark()).join(", ")})`, ...values);
  }

  /** LIKE folds ASCII only, so other letters are looked for in the ways they are mostly written. */
  mentions(dialect: Dialect, text: string): void {
    const [first = ""] = text;
    const lower = text.toLowerCase();
    const ways = [text, lower, text.toUpperCase(), first.toUpperCase() + lower.slice(first.length)];
    const patterns = [...new Set(ways)].map((way) => `%${way.replace(/[\\%_]/g, "\\$&")}%`);
    const seeds = /^\d{1,16}$/.test(text) ? [`%"seed":${text},%`, `%"seed":${text}}%`] : [];
    this.and(
      (mark) =>
        `(${[
          ...patterns.map(
            () => `${dialect.text("params.prompt")} ${dialect.like} ${mark()} ESCAPE '\\'`,
          ),
          ...seeds.map(() => `value LIKE ${mark()}`),
          `key = ${mark()}`,
        ].join(" OR ")})`,
      ...patterns,
      ...seeds,
      taskIdOf(text) ?? text,
    );
  }

  get sql(): string {
    return `WHERE ${this.#conditions.join(" AND ")}`;
  }
}
