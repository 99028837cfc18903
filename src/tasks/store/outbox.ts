import type { Outbox } from "../../webhooks/outbox.ts";
import type { Message } from "../../webhooks/webhook.ts";
import type { Dialect, Query } from "./dialect.ts";

/** Webhook messages beside the tasks, so that they outlive the process and find any server. */
export class SqlOutbox implements Outbox {
  readonly #query: Query;
  readonly #now: string;

  constructor(query: Query, { now }: Dialect) {
    this.#query = query;
    this.#now = now;
  }

  async add(message: Message): Promise<void> {
    await this.#query(
      `INSERT INTO messages(id, due, private, message) VALUES ($1, ${this.#now}, $2, $3)
       ON CONFLICT DO NOTHING`,
      message.id,
      message.private ? 1 : 0,
      JSON.stringify(message),
    );
  }

  /** Due is asked of each once more as it is taken: another server may have been quicker. */
  async take(leaseMs: number, limit: number, withPrivate: boolean): Promise<Message[]> {
    const rows = await this.#query(
      `UPDATE messages SET due = ${this.#now} + $1 WHERE id IN (
        SELECT id FROM messages WHERE due <= ${this.#now} AND private <= $2 ORDER BY due LIMIT $3
      ) AND due <= ${this.#now} RETURNING message`,
      leaseMs,
      withPrivate ? 1 : 0,
      limit,
    );
    return rows.map((row) => JSON.parse(String(row["message"])));
  }

  async drop(id: string): Promise<void> {
    await this.#query("DELETE FROM messages WHERE id = $1", id);
  }

  async retry(message: Message, delayMs: number): Promise<void> {
    await this.#query(
      `UPDATE messages SET due = ${this.#now} + $1, message = $2 WHERE id = $3`,
      delayMs,
      JSON.stringify(message),
      message.id,
    );
  }
}
