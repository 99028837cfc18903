import type { Dispatcher } from "undici";

export interface WholeAnswer {
  status: number;
  headers: Readonly<Record<string, string | string[] | undefined>>;
  body: Buffer;
}

/**
 * Asks and reads the answer to its end. `request` and `fetch` would make a stream of each answer
 * first, which costs more than everything else about a small one. Rejects with undici's errors, and
 * with the reason of `signal` as soon as that is aborted.
 */
export function wholeAnswer(
  dispatcher: Dispatcher,
  options: Dispatcher.DispatchOptions,
  signal: AbortSignal | undefined,
): Promise<WholeAnswer> {
  return new Promise((resolve, reject) => {
    let answer: Omit<WholeAnswer, "body"> = { status: 0, headers: {} };
    const pieces: Buffer[] = [];
    let controller: Dispatcher.DispatchController | undefined;
    const stop = () => {
      controller?.abort(reasonOf(signal));
      fail(signal?.reason);
    };
    const fail = (error: unknown) => {
      signal?.removeEventListener("abort", stop);
      reject(error);
    };
    if (signal?.aborted) return fail(signal.reason);
    signal?.addEventListener("abort", stop, { once: true });
    dispatcher.dispatch(options, {
      onRequestStart(started) {
        controller = started;
        if (signal?.aborted) stop();
      },
      // An interim answer comes before the one that counts.
      onResponseStart(_, status, headers) {
        answer = { status, headers };
      },
      onResponseData(_, piece) {
        pieces.push(piece);
      },
      onResponseEnd() {
        signal?.removeEventListener("abort", stop);
        const [first] = pieces;
        const body = first && pieces.length === 1 ? first : Buffer.concat(pieces);
        resolve({ ...answer, body });
      },
      onResponseError: (_, error) => fail(error),
    });
  });
}

function reasonOf(signal: AbortSignal | undefined): Error {
  const reason: unknown = signal?.reason;
  return reason instanceof Error ? reason : new Error(String(reason));
}
