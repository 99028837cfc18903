import { Transform, type TransformCallback } from "node:stream";
import { idIn } from "./request-id.ts";

const newline = 0x0a;
/** Of a line that is too long, so much of its beginning and of its end is kept for its id. */
const keptBytes = 1024;

export interface LineGuardOptions {
  /** Bytes of one line without its end. */
  longest: number;
  /** A longer line has ended; `id` is that of its request, where one was found. */
  dropped(id: string | number | undefined, bytes: number): void;
}

/**
 * Hands on whole lines, each as one chunk. A line that is too long is not kept: it goes by, and the
 * next one is read. The pieces of a line are joined once, so its time grows with its length alone.
 */
export class LineGuard extends Transform {
  readonly #options: LineGuardOptions;
  #pieces: Buffer[] = [];
  /** Bytes of the line so far. */
  #length = 0;
  /** Set while the line is too long. */
  #head: Buffer | undefined;
  #tail: Buffer = Buffer.alloc(0);

  constructor(options: LineGuardOptions) {
    super();
    this.#options = options;
  }

  override _transform(chunk: Buffer, _encoding: BufferEncoding, done: TransformCallback): void {
    let from = 0;
    for (let at = chunk.indexOf(newline); at !== -1; at = chunk.indexOf(newline, from)) {
      this.#take(chunk.subarray(from, at));
      this.#end();
      from = at + 1;
    }
    this.#take(chunk.subarray(from));
    done();
  }

  #take(piece: Buffer): void {
    if (piece.length === 0) return;
    this.#length += piece.length;
    this.#pieces.push(piece);
    if (this.#length <= this.#options.longest) return;
    this.#head ??= beginning(this.#pieces);
    this.#tail = end([this.#tail, ...this.#pieces]);
    this.#pieces = [];
  }

  #end(): void {
    if (this.#head === undefined) {
      this.push(Buffer.concat([...this.#pieces, Buffer.from("\n")]));
    } else {
      const id = idIn(this.#head.toString("utf8"), this.#tail.toString("utf8"));
      this.#options.dropped(id, this.#length);
    }
    this.#pieces = [];
    this.#length = 0;
    this.#head = undefined;
    this.#tail = Buffer.alloc(0);
  }
}

function beginning(pieces: readonly Buffer[]): Buffer {
  const kept: Buffer[] = [];
  for (let i = 0, length = 0; i < pieces.length && length < keptBytes; i++) {
    const piece = pieces[i]?.subarray(0, keptBytes - length) ?? Buffer.alloc(0);
    kept.push(piece);
    length += piece.length;
  }
  return Buffer.concat(kept);
}

function end(pieces: readonly Buffer[]): Buffer {
  let kept = Buffer.alloc(0);
  for (const piece of pieces.toReversed()) {
    if (kept.length >= keptBytes) break;
    kept = Buffer.concat([piece.subarray(kept.length - keptBytes), kept]);
  }
  return kept;
}
