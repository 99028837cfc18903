/** What is kept under a key such as `images/1a/t1a….png`; written once, never changed. */
export interface Blobs {
  /** The folder, if it is one of this machine. */
  readonly dir: string | undefined;
  /** Throws `storage` where nothing could be kept below `key`. */
  checkWritable(key: string): Promise<void>;
  /**
   * Readers see all of it or nothing, whatever was there before. `unflushed` is for what can be
   * made again: a power cut may leave it empty.
   */
  put(key: string, bytes: Buffer, type: string, flush?: "unflushed"): Promise<void>;
  /** Undefined for what is not there. */
  get(key: string): Promise<Buffer | undefined>;
  /** Resolves with the bytes freed; 0 when it was gone already. */
  remove(key: string): Promise<number>;
  /**
   * As `remove`, or 0 when `isUsed` says that somebody has come to need it. It is asked when nobody
   * finds the blob any more: who registers after that puts it anew, who did before gets it back.
   */
  removeUnless(key: string, isUsed: () => Promise<boolean>): Promise<number>;
  /** Where a person finds it: a path, or an address of the bucket. */
  place(key: string): string;
  /** Where a client fetches it without a key for a while; missing where none should be told. */
  readonly link?: ((key: string, answer: LinkAnswer) => Promise<string>) | undefined;
  /** Removes what a crash left half written before `now` (milliseconds since 1970); how many that were. */
  sweep(now: number): Promise<number>;
}

/** Headers that the answer to a link has. */
export interface LinkAnswer {
  disposition: string;
  cacheControl: string;
}
