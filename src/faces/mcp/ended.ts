import { setImmediate } from "node:timers/promises";
import type { Ended } from "./tool.ts";

/**
 * On connections that stay open (stdio, and HTTP before 2026-07-28): a client's time-out reaches us
 * as a cancellation too, with its reason in words; it and a lost connection detach. Only what is
 * left is a wish to cancel.
 */
export async function endedOn(signal: AbortSignal, isConnected: () => boolean): Promise<Ended> {
  if (/timed? ?out/i.test(String(signal.reason))) return "detached";
  // A closing transport aborts its calls first and is seen as closed only afterwards.
  await setImmediate();
  return isConnected() ? "cancelled" : "detached";
}
