import type { PictureFrame } from "./binary-frame.ts";
import type { Following } from "./following.ts";
import type { SocketMessage } from "./protocol.ts";

/** Gives what comes over the socket to the run it belongs to. */
export class Traffic {
  readonly #followings: ReadonlyMap<string, Following>;
  readonly #queueChanged: (remaining: number) => void;
  /** The run of ours whose nodes are executed now, as far as events told. */
  #executing: string | undefined;

  constructor(
    followings: ReadonlyMap<string, Following>,
    queueChanged: (remaining: number) => void,
  ) {
    this.#followings = followings;
    this.#queueChanged = queueChanged;
  }

  message(message: SocketMessage): void {
    if (message.type === "status") {
      return this.#queueChanged(message.data.status.exec_info.queue_remaining);
    }
    const promptId: unknown = Reflect.get(message.data, "prompt_id");
    if (typeof promptId !== "string") return;
    this.#followings.get(promptId)?.apply(message);
    if (message.type === "executing") {
      this.#executing = message.data.node === null ? undefined : promptId;
    } else if (promptId !== this.#executing) this.#executing = undefined;
  }

  /** A frame that does not say whose it is belongs to the run that was said to execute. */
  picture({ of, ...picture }: PictureFrame): void {
    const promptId = of?.promptId ?? this.#executing;
    if (promptId !== undefined) this.#followings.get(promptId)?.receive(of?.nodeId, picture);
  }

  /** It belongs to the run that was said to execute. */
  text(node: string, text: string): void {
    if (this.#executing === undefined) return;
    this.#followings.get(this.#executing)?.show({ kind: "text", node, text });
  }

  disconnected(): void {
    this.#executing = undefined;
    for (const following of this.#followings.values()) following.disconnected();
  }

  connected(): void {
    for (const following of this.#followings.values()) following.connected();
  }
}
