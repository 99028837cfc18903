import type { Asset, AssetInfo, Assets } from "../tasks/assets.ts";
import type { Studio } from "./studio.ts";

/** Uploads of a caller by ids and by BLAKE3; nobody else's, whoever it is. */
export class OwnAssets {
  readonly #studio: Studio;
  readonly #assets: Assets;

  constructor(studio: Studio, assets: Assets) {
    this.#studio = studio;
    this.#assets = assets;
  }

  /** See `Assets.put`. */
  put(sent: { bytes: Buffer; blake3: string }, info: AssetInfo): ReturnType<Assets["put"]> {
    this.#studio.demand("generate");
    return this.#assets.put(this.#caller, sent, info);
  }

  has(blake3: string): Promise<boolean> {
    this.#studio.demand("read");
    return this.#assets.has(this.#caller, blake3);
  }

  /** See `Assets.fromHash`. */
  fromHash(blake3: string, info: AssetInfo): Promise<Asset | undefined> {
    this.#studio.demand("generate");
    return this.#assets.fromHash(this.#caller, blake3, info);
  }

  get(id: string): Promise<Asset | undefined> {
    this.#studio.demand("read");
    return this.#assets.get(this.#caller, id);
  }

  read(asset: Asset): Promise<Buffer> {
    return this.#assets.read(asset);
  }

  delete(id: string): Promise<boolean> {
    this.#studio.demand("delete");
    return this.#assets.delete(this.#caller, id);
  }

  /** See `Assets.place`. */
  place(id: string): Promise<string | undefined> {
    this.#studio.demand("generate");
    return this.#assets.place(this.#caller, id);
  }

  get #caller(): string {
    return this.#studio.caller.name;
  }
}
