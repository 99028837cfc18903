import { type BackOff, backOff, pause } from "../back-off.ts";
import { ComfyUnreachableError, type Unreachable } from "./errors.ts";
import { refuseAborted, unlessAborted } from "./signals.ts";

/** One question to a ComfyUI that is being started; its proxy may hold it all the while. */
const longProbeMs = 30_000;

/** Seen of a ComfyUI that may be starting. */
const starting: ReadonlySet<Unreachable> = new Set([
  "asleep",
  "bad_gateway",
  "busy",
  "failing",
  "no_answer",
]);

export interface WakingPorts<T> {
  ready(): Promise<T>;
  probe(withinMs: number): Promise<unknown>;
  retryMs: BackOff;
  startPatienceMs: number;
}

/** As `ready`, with patience for a ComfyUI that is being started; see `Backend.wake`. */
export async function wake<T>(ports: WakingPorts<T>, signal?: AbortSignal): Promise<T> {
  const until = Date.now() + ports.startPatienceMs;
  for (const waits = backOff(ports.retryMs); ; ) {
    refuseAborted(signal);
    try {
      return await ports.ready();
    } catch (error) {
      const mayCome = error instanceof ComfyUnreachableError && starting.has(error.seen);
      if (!mayCome || Date.now() >= until) throw error;
    }
    await pause(waits.next().value, signal);
    const left = Math.max(1, until - Date.now());
    const probe = ports.probe(Math.min(longProbeMs, left));
    await (signal ? unlessAborted(probe, signal) : probe).catch(() => {
      // Not yet; `ready` says why when the time is over.
    });
  }
}
