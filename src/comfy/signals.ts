import { setMaxListeners } from "node:events";
import { cancelled } from "../errors.ts";

/**
 * The reason of an abort that means: nobody wants the run any more; keep it from ComfyUI, or stop
 * it there. Any other reason means: let go of it, somebody else follows it.
 */
export const cancelledReason = "cancelled";

export function isCancelled(signal: AbortSignal | undefined): boolean {
  return signal?.aborted === true && signal.reason === cancelledReason;
}

/**
 * Follows `signal`, but for a cancel: for steps that a cancel must not break off. Follows `also`
 * whatever its reason is.
 */
export function exceptCancel(signal: AbortSignal, also?: AbortSignal): AbortSignal {
  const leave = new AbortController();
  manyMayListen(leave.signal);
  const follow = (followed: AbortSignal, pass: () => void) => {
    manyMayListen(followed);
    if (followed.aborted) pass();
    else followed.addEventListener("abort", pass, { once: true });
  };
  follow(signal, () => {
    if (!isCancelled(signal)) leave.abort(signal.reason);
  });
  if (also) follow(also, () => leave.abort(also.reason));
  return leave.signal;
}

/** Throws what an aborted signal means; nothing while it is not aborted. */
export function refuseAborted(signal: AbortSignal | undefined): void {
  if (signal?.aborted) throw abortOf(signal);
}

/** As `work`, but rejects at once when `signal` is aborted; what `work` still does is not awaited. */
export async function unlessAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  work.catch(() => {});
  let stop: () => void = () => {};
  const aborted = new Promise<never>((_, reject) => {
    stop = () => reject(abortOf(signal));
  });
  manyMayListen(signal);
  signal.addEventListener("abort", stop, { once: true });
  if (signal.aborted) stop();
  try {
    return await Promise.race([work, aborted]);
  } finally {
    signal.removeEventListener("abort", stop);
  }
}

/** A task's runs all listen to one signal. */
export function manyMayListen(signal: AbortSignal): void {
  setMaxListeners(0, signal);
}

export function letGo(): DOMException {
  return new DOMException("this server does not follow the run any more", "AbortError");
}

function abortOf(signal: AbortSignal): Error {
  return isCancelled(signal) ? cancelled("Cancelled before it started.") : letGo();
}
