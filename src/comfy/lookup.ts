import { AppError } from "../errors.ts";
import type { Capabilities } from "./capabilities.ts";
import type { ComfyClient } from "./client.ts";
import { ComfyUnreachableError } from "./errors.ts";
import { type Found, foundInHistory, foundInJob } from "./found.ts";

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
 * Answers what has become of prompts, by `/api/jobs` where there is one that works, else by
 * `/queue` and `/history`. Thousands may ask at once after a restart: they are then answered from
 * one listing, not one each.
 */
export class Lookup {
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
    const { jobs } = await this.#capabilities();
    for (const { promptId, resolve, reject } of batch) {
      const found = jobs ? this.#byJob(promptId) : this.#byQueueAndHistory(promptId);
      found.then(resolve, reject);
    }
  }

  async #byJob(promptId: string): Promise<Found> {
    try {
      const job = await this.#client.job(promptId);
      return job ? foundInJob(job) : { kind: "gone" };
    } catch (error) {
      if (!isOfTheRoute(error)) throw error;
      return this.#byQueueAndHistory(promptId);
    }
  }

  /**
   * The queue first: a prompt leaves it and enters the history under one lock (`execution.py`,
   * `task_done`), so one that is in neither, asked in this order, is gone.
   */
  async #byQueueAndHistory(promptId: string): Promise<Found> {
    const queued = (await this.#queue()).get(promptId);
    return queued ?? this.#byHistory(promptId);
  }

  async #byHistory(promptId: string): Promise<Found> {
    const entry = await this.#client.history(promptId);
    return entry ? foundInHistory(entry) : { kind: "gone" };
  }

  async #byListing(batch: readonly Question[]): Promise<void> {
    const { jobs } = await this.#capabilities();
    const started = performance.now();
    const listed = jobs ? await this.#jobs() : undefined;
    if (listed) {
      this.#listingMs = performance.now() - started;
      return this.#oneByOne(settled(batch, listed));
    }
    const queued = await this.#queue();
    await this.#inHistory(settled(batch, queued, "ended"));
    this.#listingMs = performance.now() - started;
  }

  /** Undefined when the listing fails: one odd prompt of anybody (`extra_pnginfo: null`) does it. */
  async #jobs(): Promise<Map<string, Found | "ended"> | undefined> {
    const kinds: Record<string, Found | "ended"> = {
      pending: { kind: "pending" },
      in_progress: { kind: "running" },
      cancelled: { kind: "interrupted" },
    };
    try {
      const jobs = await this.#client.jobs();
      return new Map(jobs.map((job) => [job.id, kinds[job.status] ?? "ended"]));
    } catch (error) {
      if (!isOfTheRoute(error)) throw error;
      return undefined;
    }
  }

  /** Whole when many are wanted, else entry by entry. */
  async #inHistory(wanted: readonly Question[]): Promise<void> {
    const whole = wanted.length > fewAtOnce ? await this.#history() : undefined;
    for (const { promptId, resolve, reject } of wanted) {
      if (whole) resolve(whole.get(promptId) ?? { kind: "gone" });
      else this.#byHistory(promptId).then(resolve, reject);
    }
  }

  async #queue(): Promise<Map<string, Found>> {
    const queue = await this.#client.queue();
    return new Map<string, Found>([
      ...queue.queue_pending.map((item) => [item[1], { kind: "pending" }] as const),
      ...queue.queue_running.map((item) => [item[1], { kind: "running" }] as const),
    ]);
  }

  async #history(): Promise<Map<string, Found> | undefined> {
    try {
      const history = await this.#client.wholeHistory();
      return new Map(Object.entries(history).map(([id, entry]) => [id, foundInHistory(entry)]));
    } catch (error) {
      if (!isOfTheRoute(error)) throw error;
      return undefined;
    }
  }
}

/** Answers what a listing says; left are those of which it says too little. */
function settled(
  batch: readonly Question[],
  listed: ReadonlyMap<string, Found | "ended">,
  unlisted: Found | "ended" = { kind: "gone" },
): Question[] {
  return batch.filter(({ promptId, resolve }) => {
    const known = listed.get(promptId) ?? unlisted;
    if (known !== "ended") resolve(known);
    // A listed job does not say which files it made.
    return known === "ended";
  });
}

/** The route answered, and oddly; another one may do better. */
function isOfTheRoute(error: unknown): boolean {
  if (!(error instanceof ComfyUnreachableError)) return error instanceof AppError;
  return error.seen === "failing" || error.seen === "not_comfyui";
}
