import type { Message } from "./webhook.ts";

/** Messages that are not delivered yet. On disk they outlive the process that wrote them. */
export interface Outbox {
  add(message: Message): Promise<void>;
  /**
   * Messages whose time has come, each handed to one taker only for `leaseMs`. `withPrivate`:
   * those too that only a server may deliver that calls private addresses.
   */
  take(leaseMs: number, limit: number, withPrivate: boolean): Promise<Message[]>;
  /** Delivered, or given up. */
  drop(id: string): Promise<void>;
  /** To be tried again in `delayMs`, as it is now. */
  retry(message: Message, delayMs: number): Promise<void>;
}

interface Entry {
  message: Message;
  due: number;
}

/** An outbox that ends with its process. */
export class MemoryOutbox implements Outbox {
  readonly #entries = new Map<string, Entry>();

  async add(message: Message): Promise<void> {
    this.#entries.set(message.id, { message, due: 0 });
  }

  async take(leaseMs: number, limit: number): Promise<Message[]> {
    const now = Date.now();
    const due = [...this.#entries.values()].filter((entry) => entry.due <= now).slice(0, limit);
    for (const entry of due) entry.due = now + leaseMs;
    return due.map((entry) => entry.message);
  }

  async drop(id: string): Promise<void> {
    this.#entries.delete(id);
  }

  async retry(message: Message, delayMs: number): Promise<void> {
    if (!this.#entries.has(message.id)) return;
    this.#entries.set(message.id, { message, due: Date.now() + delayMs });
  }
}
