import type { Client } from "pg";
import { backOff, pause } from "../../back-off.ts";
import { messageOf } from "../../errors.ts";
import type { Log } from "../../log.ts";
import { channel } from "./postgres-schema.ts";
import type { News } from "./store.ts";

const waits = { first: 100, last: 5_000 };
const all: readonly News[] = ["tasks", "glimpses", "watched", "wishes"];

type Listener = (news: News) => void;

/** What other servers have written, by `LISTEN` on a connection that is kept for as long as somebody hears. */
export class PostgresNews {
  readonly #open: () => Client;
  readonly #self: string;
  readonly #log: Log;
  readonly #listeners = new Set<Listener>();
  readonly #closing = new AbortController();
  #listening: Promise<void> | undefined;

  /** @param self what this server's own connections call themselves */
  constructor(open: () => Client, self: string, log: Log) {
    this.#open = open;
    this.#self = self;
    this.#log = log;
  }

  on(listener: Listener): () => void {
    this.#listeners.add(listener);
    this.#listening ??= this.#listen();
    return () => void this.#listeners.delete(listener);
  }

  async close(): Promise<void> {
    this.#closing.abort();
    await this.#listening;
  }

  async #listen(): Promise<void> {
    const { signal } = this.#closing;
    while (!signal.aborted) {
      for (const waitMs of backOff(waits)) {
        if (signal.aborted || (await this.#listenOnce())) break;
        await pause(waitMs, signal);
      }
    }
  }

  /** Until the connection ends; false when there was none. */
  async #listenOnce(): Promise<boolean> {
    const client = this.#open();
    const { signal } = this.#closing;
    let end = () => {};
    const ended = new Promise<void>((resolve) => {
      end = resolve;
    });
    client.on("error", (error) => this.#log.debug(`listening to the database: ${error.message}`));
    client.on("end", end);
    client.on("notification", ({ payload = "" }) => this.#heard(payload));
    signal.addEventListener("abort", end, { once: true });
    try {
      await client.connect();
      await client.query(`LISTEN ${channel}`);
      // What was written before this connection was there.
      for (const news of all) this.#tell(news);
      await ended;
      return true;
    } catch (error) {
      this.#log.debug(`listening to the database: ${messageOf(error)}`);
      return false;
    } finally {
      signal.removeEventListener("abort", end);
      await client.end().catch(() => {});
    }
  }

  #heard(payload: string): void {
    const [table, ...self] = payload.split(" ");
    const news = all.find((each) => each === table);
    if (news && self.join(" ") !== this.#self) this.#tell(news);
  }

  #tell(news: News): void {
    for (const listener of this.#listeners) listener(news);
  }
}
