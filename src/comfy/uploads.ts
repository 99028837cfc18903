/** Which pictures ComfyUI has, by content: each is sent once, however many runs want it. */
export class Uploads {
  #known = new Map<string, Promise<string>>();

  /**
   * The name under which ComfyUI has the picture with that hash; `send` brings it there. Callers
   * of the same time share one `send`, and one that fails is forgotten.
   */
  name(sha256: string, send: () => Promise<string>): Promise<string> {
    const known = this.#known.get(sha256);
    if (known !== undefined) return known;
    const sending = send();
    this.#known.set(sha256, sending);
    sending.catch(() => {
      if (this.#known.get(sha256) === sending) this.#known.delete(sha256);
    });
    return sending;
  }

  /** ComfyUI may be another one now, with an empty input folder. */
  forget(): void {
    this.#known = new Map();
  }
}
