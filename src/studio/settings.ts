import type { Tasks } from "../tasks/tasks.ts";
import type { Studio } from "./studio.ts";

/** How a caller wants its calls to be, for clients that set it once; each caller for itself. */
export class Settings {
  readonly #studio: Studio;
  readonly #tasks: Tasks;

  constructor(studio: Studio, tasks: Tasks) {
    this.#studio = studio;
    this.#tasks = tasks;
  }

  /** JSON, as it was last set; undefined before. */
  async get(name: string): Promise<unknown> {
    this.#studio.demand("read");
    const text = await this.#tasks.names.find(this.#studio.caller.name, "setting", name);
    return text === undefined ? undefined : JSON.parse(text);
  }

  async set(name: string, value: unknown): Promise<void> {
    this.#studio.demand("generate");
    const ref = JSON.stringify(value);
    await this.#tasks.names.set({ caller: this.#studio.caller.name, kind: "setting", name, ref });
  }
}
