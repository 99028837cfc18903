import { messageOf } from "../errors.ts";
import type { UserFile } from "./client.ts";
import { ComfyUnreachableError } from "./errors.ts";
import type { Pool } from "./pool.ts";

/** A workflow that a person saved in ComfyUI, below its `workflows/`. */
interface Saved {
  path: string;
  text: string;
}

/** What differs when a file was saved again, and its text where it is wanted. */
interface Seen {
  stamp: string;
  file: Saved | undefined;
}

/** More would be no person's, and an editor workflow is seldom above 200 kB. */
const mostFiles = 1_000;
const mostBytes = 4_000_000;
const atOnce = 4;

/**
 * The workflows people saved in ComfyUI (`userdata`; the first of several that answers), read when somebody asks, and only those
 * that changed since. That they cannot be read is told and hinders nothing.
 */
export class SavedWorkflows {
  readonly #pool: Pick<Pool, "first">;
  readonly #wants: (file: Saved) => boolean;
  #seen = new Map<string, Seen>();
  #known: readonly Saved[] = [];
  #problem: string | undefined;
  #isNobodyThere = false;
  #readAt = Number.NEGATIVE_INFINITY;
  #reading: Promise<void> | undefined;

  constructor(pool: Pick<Pool, "first">, wants: (file: Saved) => boolean) {
    this.#pool = pool;
    this.#wants = wants;
  }

  /** Those wanted; the same array while nothing changed. */
  get known(): readonly Saved[] {
    return this.#known;
  }

  /** Why the list may be old. */
  get problem(): string | undefined {
    return this.#problem;
  }

  /** Nothing listened when it was read last, so that it can have started nothing. */
  get isNobodyThere(): boolean {
    return this.#isNobodyThere;
  }

  /** Never rejects; see `problem`. */
  refresh(maxAgeMs: number): Promise<void> {
    if (!this.#reading && Date.now() - this.#readAt < maxAgeMs) return Promise.resolve();
    this.#reading ??= this.#read().finally(() => {
      this.#reading = undefined;
    });
    return this.#reading;
  }

  async #read(): Promise<void> {
    this.#isNobodyThere = false;
    try {
      const listed = await this.#pool.first((client) => client.savedWorkflows());
      const files = listed.filter(isWorkflow).slice(0, mostFiles);
      const seen = new Map<string, Seen>();
      for (let at = 0; at < files.length; at += atOnce) {
        const part = files.slice(at, at + atOnce);
        const read = await Promise.all(part.map((file) => this.#look(file)));
        for (const [i, { path }] of part.entries()) {
          const found = read[i];
          if (found) seen.set(path, found);
        }
      }
      this.#take(seen);
      this.#problem = undefined;
    } catch (error) {
      this.#isNobodyThere =
        error instanceof ComfyUnreachableError && error.seen === "nothing_there";
      this.#problem = `Workflows saved in ComfyUI could not be read: ${messageOf(error)}`;
    }
    this.#readAt = Date.now();
  }

  /** Undefined for a file that went meanwhile. */
  async #look({ path, size, modified }: UserFile): Promise<Seen | undefined> {
    const stamp = `${size} ${modified}`;
    const before = this.#seen.get(path);
    if (before?.stamp === stamp) return before;
    const text = await this.#pool.first((client) => client.savedWorkflow(path));
    if (text === undefined) return undefined;
    const file = { path, text };
    return { stamp, file: this.#wants(file) ? file : undefined };
  }

  #take(seen: Map<string, Seen>): void {
    const known = [...seen.values()].flatMap(({ file }) => (file ? [file] : []));
    this.#seen = seen;
    const isSame = known.length === this.#known.length;
    if (isSame && known.every((file, i) => file === this.#known[i])) return;
    this.#known = known;
  }
}

/** Beside workflows there are hidden files of the editor's own. */
function isWorkflow({ path, size }: UserFile): boolean {
  const isHidden = path.split("/").some((part) => part.startsWith("."));
  return path.toLowerCase().endsWith(".json") && !isHidden && size <= mostBytes;
}
