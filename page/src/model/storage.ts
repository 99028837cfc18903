/** The part of `localStorage` that is used. */
export interface StorageArea {
  getItem(name: string): string | null;
  setItem(name: string, value: string): void;
  removeItem(name: string): void;
}

/** What the browser keeps for this page; a browser that keeps nothing is no fault. */
export class Storage {
  readonly #area: StorageArea | undefined;

  constructor(open: () => StorageArea) {
    try {
      this.#area = open();
    } catch {
      this.#area = undefined;
    }
  }

  read(name: string): string | undefined {
    return this.#area?.getItem(`easel.${name}`) ?? undefined;
  }

  write(name: string, value: string | undefined): void {
    try {
      if (value === undefined) this.#area?.removeItem(`easel.${name}`);
      else this.#area?.setItem(`easel.${name}`, value);
    } catch {
      // Full, or forbidden: the page works without.
    }
  }
}
