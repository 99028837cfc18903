import { fileURLToPath } from "node:url";
import { messageOf } from "../../errors.ts";
import type { Log } from "../../log.ts";

/** A client that offers roots and does not name them holds up its calls no longer than this, in ms. */
export const rootsAnswerMs = 3_000;

/** Where the user of a client works, as far as the client has said. */
export class ClientRoots {
  readonly #log: Log;
  #known: Promise<void> = Promise.resolve();
  /** The first of the client's folders. */
  folder: string | undefined;

  constructor(log: Log) {
    this.#log = log;
  }

  /** At the start and whenever they change. */
  ask(list: () => Promise<string[]>): void {
    this.#known = list()
      .then((uris) => {
        this.folder = firstFolder(uris);
      })
      .catch((error) => this.#log.debug(`roots/list: ${messageOf(error)}`));
  }

  /** What a call waits for, so that none starts in a wrong folder. */
  known(): Promise<void> {
    return this.#known;
  }
}

function firstFolder(uris: readonly string[]): string | undefined {
  for (const uri of uris) {
    try {
      if (/^file:/i.test(uri)) return fileURLToPath(uri);
    } catch {
      // Of another machine, or no path on this platform.
    }
  }
  return undefined;
}
