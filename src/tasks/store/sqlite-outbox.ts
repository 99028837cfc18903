import type { Outbox } from "../../webhooks/outbox.ts";
import type { Message } from "../../webhooks/webhook.ts";

type Run = (sql: string, ...values: unknown[]) => Promise<Record<string, unknown>[]>;

export const outboxSchema = [
  "CREATE TABLE IF NOT EXISTS outbox(id TEXT PRIMARY KEY, due INTEGER, message TEXT) WITHOUT ROWID",
  "CREATE INDEX IF NOT EXISTS outbox_due ON outbox(due)",
];

/** Webhook messages beside the tasks, so that they outlive the process and find any server. */
export class SqliteOutbox implements Outbox {
  readonly #run: Run;

  constructor(run: Run) {
    this.#run = run;
  }

  async add(message: Message): Promise<void> {
    await this.#run(
      "INSERT OR IGNORE INTO outbox VALUES (?, ?, ?)",
      message.id,
      Date.now(),
      JSON.stringify(message),
    );
  }

  async take(leaseMs: number, limit: number): Promise<Message[]> {
    const rows = await this.#run(
      `UPDATE outbox SET due = ?1 + ?2 WHERE id IN (
        SELECT id FROM outbox WHERE due <= ?1 ORDER BY due LIMIT ?3
      ) RETURNING message`,
      Date.now(),
      leaseMs,
      limit,
    );
    return rows.map((row) => JSON.parse(String(row["message"])));
  }

  async drop(id: string): Promise<void> {
    await this.#run("DELETE FROM outbox WHERE id = ?", id);
  }

  async retry(id: string, attempts: number, delayMs: number): Promise<void> {
    await this.#run(
      "UPDATE outbox SET due = ?, message = json_set(message, '$.attempts', ?) WHERE id = ?",
      Date.now() + delayMs,
      attempts,
      id,
    );
  }
}
