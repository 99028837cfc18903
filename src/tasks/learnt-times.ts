import { randomUUID } from "node:crypto";
import { readFile } from "node:fs/promises";
import path from "node:path";
import type { Paces } from "../comfy/paces.ts";
import { messageOf } from "../errors.ts";
import { makeFolder } from "../files/make-folder.ts";
import { replaceFile } from "../files/whole-file.ts";
import type { Log } from "../log.ts";

/** A crash may forget so much; what is forgotten is learnt again. */
const everyMs = 60_000;

/** Keeps what was learnt of a pool's times in the data folder, from one start to the next. */
export class LearntTimes {
  readonly #paces: Paces;
  readonly #file: string;
  readonly #log: Log;
  readonly #timer: NodeJS.Timeout;
  #written: string;

  /** Reads what was learnt before; a file that cannot be read counts as none. */
  static async open(dataDir: string, paces: Paces, log: Log): Promise<LearntTimes> {
    const file = path.join(dataDir, "times.json");
    try {
      paces.recall(JSON.parse(await readFile(file, "utf8")));
    } catch (error) {
      log.debug(`no times are known: ${messageOf(error)}`);
    }
    return new LearntTimes(paces, file, log);
  }

  private constructor(paces: Paces, file: string, log: Log) {
    this.#paces = paces;
    this.#file = file;
    this.#log = log;
    this.#written = JSON.stringify(paces);
    this.#timer = setInterval(() => void this.#write(), everyMs);
    this.#timer.unref();
  }

  async close(): Promise<void> {
    clearInterval(this.#timer);
    await this.#write();
  }

  async #write(): Promise<void> {
    const text = JSON.stringify(this.#paces);
    if (text === this.#written) return;
    try {
      await makeFolder(path.dirname(this.#file), 0o700);
      await replaceFile(this.#file, `${this.#file}.${randomUUID()}.tmp`, Buffer.from(text));
      this.#written = text;
    } catch (error) {
      this.#log.debug(`times are not kept: ${messageOf(error)}`);
    }
  }
}
