import { setImmediate as nextTurn } from "node:timers/promises";
import type { Capabilities } from "./capabilities.ts";
import type { ComfyClient } from "./client.ts";
import type { Following } from "./following.ts";
import type { Found } from "./found.ts";

/** What a cancel did. `unknown`: ComfyUI has no such prompt. */
export type Cancelled = "removed_from_queue" | "interrupted" | "already_finished" | "unknown";

interface Parts {
  client: ComfyClient;
  followings: ReadonlyMap<string, Following>;
  capabilities(): Promise<Capabilities>;
  lookup(promptId: string): Promise<Found>;
}

/** Stops prompts at ComfyUI, each and no other; two who want the same share one request. */
export class Cancels {
  readonly #parts: Parts;
  readonly #underWay = new Map<string, { isRunning: boolean; done: Promise<Cancelled> }>();

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  /** For a running one this is the signal; its end comes later. */
  cancel(promptId: string): Promise<Cancelled> {
    const same = this.#underWay.get(promptId);
    if (same) return same.done;
    const isRunning = this.#parts.followings.get(promptId)?.status.phase === "running";
    const done = this.#inOrder(promptId, isRunning).finally(() => this.#underWay.delete(promptId));
    this.#underWay.set(promptId, { isRunning, done });
    return done;
  }

  /** What waits goes before what runs, or ComfyUI would start the next of those that wait. */
  async #inOrder(promptId: string, isRunning: boolean): Promise<Cancelled> {
    if (isRunning) {
      // Cancels of the same moment are all known after this turn.
      await nextTurn();
      const others = [...this.#underWay.values()].filter((each) => !each.isRunning);
      await Promise.allSettled(others.map(({ done }) => done));
    }
    return this.#stop(promptId);
  }

  async #stop(promptId: string): Promise<Cancelled> {
    const { client, followings } = this.#parts;
    const following = followings.get(promptId);
    following?.wantCancel();
    const found = await this.#parts.lookup(promptId);
    if (found.kind === "gone") return "unknown";
    if (found.kind !== "pending" && found.kind !== "running") return "already_finished";
    const { jobCancel } = await this.#parts.capabilities();
    if (jobCancel) await client.cancelJob(promptId);
    else if (found.kind === "pending") await client.deleteFromQueue(promptId);
    else await client.interrupt(promptId);
    following?.cancelSent();
    const after = await this.#parts.lookup(promptId);
    if (after.kind === "running" && found.kind === "pending" && !jobCancel) {
      // It started between the look and the delete.
      await client.interrupt(promptId);
    }
    following?.check();
    if (after.kind === "gone") return "removed_from_queue";
    return after.kind === "completed" || after.kind === "failed"
      ? "already_finished"
      : "interrupted";
  }
}
