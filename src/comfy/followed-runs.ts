import { messageOf } from "../errors.ts";
import type { Log } from "../log.ts";
import { Following, type FollowingPorts } from "./following.ts";
import type { Outcome } from "./outcome.ts";
import type { Patience } from "./patience.ts";
import type { QueuePlaces } from "./queue-places.ts";
import type { RunRequest } from "./run-request.ts";
import { exceptCancel, letGo, refuseAborted, unlessAborted } from "./signals.ts";
import type { ComfySocket } from "./socket.ts";
import { Submit, type SubmitPorts } from "./submit.ts";

export interface FollowedRunsParts extends SubmitPorts {
  log: Log;
  patience: Patience;
  places(): QueuePlaces;
  socket(): ComfySocket;
  /** HTTP knew something the open socket should have told. */
  suspectDeafSocket(): void;
  began(): void;
  ended(): void;
}

/** The runs that one ComfyUI was given here and that have not ended, by prompt id. */
export class FollowedRuns {
  readonly all = new Map<string, Following>();
  readonly #parts: FollowedRunsParts;

  constructor(parts: FollowedRunsParts) {
    this.#parts = parts;
  }

  /**
   * Posts the graph (unless ComfyUI already has it) and follows it to its outcome. Rejects with
   * `PromptRejectedError` when ComfyUI refuses it, with `cancelled` when it was cancelled before it
   * was posted, and with an `AbortError` at once when its signal says to let go.
   */
  async run(request: RunRequest): Promise<Outcome> {
    const { promptId, signal } = request;
    const leave = exceptCancel(signal, request.leave);
    refuseAborted(leave);
    const following = this.#newFollowing(request);
    this.all.set(promptId, following);
    this.#parts.began();
    const want = () => {
      following.wantCancel();
      following.check();
    };
    signal.addEventListener("abort", want, { once: true });
    if (signal.aborted) following.wantCancel();
    try {
      return await unlessAborted(this.#follow(request, following, leave), leave);
    } finally {
      signal.removeEventListener("abort", want);
      following.stop();
      this.all.delete(promptId);
      this.#parts.ended();
    }
  }

  /** Lets go of all; their prompts go on. */
  close(): void {
    for (const following of this.all.values()) following.abandon(letGo());
  }

  async #follow(request: RunRequest, following: Following, leave: AbortSignal): Promise<Outcome> {
    const posted = await new Submit(request, following, leave, this.#parts).bring();
    refuseAborted(leave);
    following.posted(posted);
    request.onPosted?.();
    this.#parts.places().poke();
    if (following.cancelWanted) following.check();
    return following.outcome;
  }

  #newFollowing(request: RunRequest): Following {
    const { backend, log, patience, places, socket, suspectDeafSocket } = this.#parts;
    const ports: FollowingPorts = {
      lookup: (promptId) => backend.lookup(promptId),
      socketIsOpen: () => socket().isOpen,
      suspectDeafSocket,
      bytesRead: () => socket().bytesRead,
      stillPending: () => places().poke(),
      cancelAgain: () => {
        backend.cancel(request.promptId).catch((error) => log.debug(messageOf(error)));
      },
      onStatus: (status) => request.onStatus(status),
      onPreview: (preview) => request.onPreview?.(preview),
      onFrame: (frame) => request.onFrame?.(frame),
    };
    return new Following(request, ports, patience);
  }
}
