import type { Pool } from "./pool.ts";

/** The gallery changes with an update of ComfyUI alone. */
const maxAgeMs = 10 * 60_000;

export type PackTemplates = Readonly<Record<string, readonly string[]>>;

/**
 * The template gallery ComfyUI serves (`/templates/`, of the package comfyui-workflow-templates),
 * read when somebody asks for it.
 */
export class Gallery {
  readonly #pool: Pick<Pool, "first">;
  #packs: { value: PackTemplates; readAt: number } | undefined;
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

  /** Names of the templates that node packs bring along, by pack; the same object until read anew. */
  async packs(): Promise<PackTemplates> {
    if (this.#packs && Date.now() - this.#packs.readAt < maxAgeMs) return this.#packs.value;
    const listed = await this.#pool.first((client) => client.packTemplates());
    const value = Object.fromEntries(
      Object.entries(typeof listed === "object" && listed !== null ? listed : {}).flatMap(
        ([pack, names]) => (Array.isArray(names) ? [[pack, names.filter(isText)]] : []),
      ),
    );
    this.#packs = { value, readAt: Date.now() };
    return value;
  }

  /** A workflow as JSON, of the gallery or `PACK/NAME`; undefined where there is none of that name. */
  template(name: string): Promise<string | undefined> {
    const [, pack, own] = /^([^/]+)\/(.+)$/s.exec(name) ?? [];
    if (pack === undefined || own === undefined) return this.#file(`${name}.json`);
    return this.#pool.first((client) => client.packTemplate(pack, own));
  }

  #file(name: string): Promise<string | undefined> {
    return this.#pool.first((client) => client.galleryFile(name));
  }
}

function isText(value: unknown): value is string {
  return typeof value === "string";
}
