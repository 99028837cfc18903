export interface Reached {
  promptId: string;
  nodeId: string;
}

/** Stops runs at a class of node until released; stands in for "wait until it is running". */
export class Hold {
  readonly classType: string;
  /** Resolves when the first run has come to such a node, after its `executing` was sent. */
  readonly reached: Promise<Reached>;
  readonly #released: Promise<void>;
  #arrive: (where: Reached) => void = () => {};
  #release: () => void = () => {};
  readonly #forget: () => void;

  /** `forget` is called on release, when no further run is to stop here. */
  constructor(classType: string, forget: () => void) {
    this.#forget = forget;
    this.classType = classType;
    this.reached = new Promise((resolve) => {
      this.#arrive = resolve;
    });
    this.#released = new Promise((resolve) => {
      this.#release = resolve;
    });
  }

  release(): void {
    this.#forget();
    this.#release();
  }

  stop(where: Reached): Promise<void> {
    this.#arrive(where);
    return this.#released;
  }
}
