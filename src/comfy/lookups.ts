import type { Capabilities } from "./capabilities.ts";
import type { ComfyClient } from "./client.ts";
import { byHistory, type Found, lookup } from "./lookup.ts";

/** Up to this many are asked for one by one; more are read off one listing. */
const fewAtOnce = 4;
/** Questions that come within this time are one batch; a slow listing makes it longer. */
const windowMs = { least: 5, most: 5_000, perListing: 10 };

interface Question {
  promptId: string;
  resolve(found: Found): void;
  reject(error: unknown): void;
}

/**
 * Answers what has become of prompts. Thousands may ask at once after a restart: they are then
 * answered from one listing of ComfyUI's jobs (older servers: queue and history), not one each.
 */
export class Lookups {
  readonly #client: ComfyClient;
  readonly #capabilities: () => Promise<Capabilities>;
  #batch: Question[] = [];
  #listingMs = 0;

  constructor(client: ComfyClient, capabilities: () => Promise<Capabilities>) {
    this.#client = client;
    this.#capabilities = capabilities;
  }

  find(promptId: string): Promise<Found> {
    return new Promise((resolve, reject) => {
      this.#batch.push({ promptId, resolve, reject });
      if (this.#batch.length > 1) return;
      setTimeout(() => {
        // A few are answered at once; a crowd waits so that a slow listing is not asked for again
        // and again.
        if (this.#batch.length <= fewAtOnce) return this.#answer();
        setTimeout(() => this.#answer(), this.#window());
      }, windowMs.least);
    });
  }

  #window(): number {
    return Math.min(windowMs.most, this.#listingMs * windowMs.perListing);
  }

  #answer(): void {
    const batch = this.#batch;
    this.#batch = [];
    const answers = batch.length > fewAtOnce ? this.#byListing(batch) : this.#oneByOne(batch);
    answers.catch((error) => {
      for (const question of batch) question.reject(error);
    });
  }

  async #oneByOne(batch: readonly Question[]): Promise<void> {
    const capabilities = await this.#capabilities();
    for (const { promptId, resolve, reject } of batch) {
      lookup(this.#client, capabilities, promptId).then(resolve, reject);
    }
  }

  async #byListing(batch: readonly Question[]): Promise<void> {
    const capabilities = await this.#capabilities();
    const started = performance.now();
    const found = capabilities.jobs ? await this.#jobs() : await this.#queueAndHistory();
    this.#listingMs = performance.now() - started;
    const finished: Question[] = [];
    for (const question of batch) {
      const known = found.get(question.promptId);
      if (known === "finished") finished.push(question);
      else question.resolve(known ?? { kind: "gone" });
    }
    // A listed job does not say which files it made.
    await this.#oneByOne(finished);
  }

  async #jobs(): Promise<Map<string, Found | "finished">> {
    const kinds: Record<string, Found | "finished"> = {
      pending: { kind: "pending" },
      in_progress: { kind: "running" },
      cancelled: { kind: "interrupted" },
    };
    const jobs = await this.#client.jobs();
    return new Map(jobs.map((job) => [job.id, kinds[job.status] ?? "finished"]));
  }

  /** The queue first; see `lookup`. */
  async #queueAndHistory(): Promise<Map<string, Found>> {
    const queue = await this.#client.queue();
    const history = await this.#client.wholeHistory();
    return new Map<string, Found>([
      ...Object.entries(history).map(([id, entry]) => [id, byHistory(entry)] as const),
      ...queue.queue_pending.map((item) => [item[1], { kind: "pending" }] as const),
      ...queue.queue_running.map((item) => [item[1], { kind: "running" }] as const),
    ]);
  }
}
