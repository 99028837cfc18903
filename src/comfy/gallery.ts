import type { Pool } from "./pool.ts";

/** The gallery changes with an update of ComfyUI alone. */
const maxAgeMs = 10 * 60_000;

/**
 * The template gallery ComfyUI serves (`/templates/`, of the package comfyui-workflow-templates),
 * read when somebody asks for it.
 */
export class Gallery {
  readonly #pool: Pick<Pool, "first">;
  #index: { text: string | undefined; readAt: number } | undefined;

  constructor(pool: Pick<Pool, "first">) {
    this.#pool = pool;
  }

  /** Its index as JSON, the same string while it is not read anew; undefined where there is none. */
  async index(): Promise<string | undefined> {
    if (this.#index && Date.now() - this.#index.readAt < maxAgeMs) return this.#index.text;
    const text = await this.#file("index.json");
    this.#index = { text, readAt: Date.now() };
    return text;
  }

  /** An editor workflow as JSON; undefined where there is none of that name. */
  template(name: string): Promise<string | undefined> {
    return this.#file(`${name}.json`);
  }

  #file(name: string): Promise<string | undefined> {
    return this.#pool.first((client) => client.galleryFile(name));
  }
}
