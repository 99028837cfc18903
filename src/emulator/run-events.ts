import type { Preview } from "../as-comfyui/frames.ts";
import { previewFrame, previewWithMetadataFrame } from "../as-comfyui/frames.ts";
import type { NodeProgress } from "../comfy/protocol.ts";
import type { Parts } from "./parts.ts";

/** Sends one run's events to whom ComfyUI would send them, and keeps those that go into history. */
export class RunEvents {
  readonly messages: [string, Record<string, unknown>][] = [];
  readonly #parts: Parts;
  readonly #clientId: string | undefined;
  readonly #promptId: string;

  constructor(parts: Parts, promptId: string, clientId: string | undefined) {
    this.#parts = parts;
    this.#promptId = promptId;
    this.#clientId = clientId;
  }

  /** A milestone: stamped, kept for history; without a client only told when it concerns all. */
  milestone(type: string, data: Record<string, unknown>, broadcast = false): void {
    const stamped = { prompt_id: this.#promptId, ...data, timestamp: Date.now() };
    this.messages.push([type, stamped]);
    if (this.#clientId !== undefined || broadcast) this.#send(type, stamped);
  }

  /** Not sent at all for a prompt without client id. */
  own(type: string, data: Record<string, unknown>): void {
    if (this.#clientId !== undefined) this.#send(type, { ...data, prompt_id: this.#promptId });
  }

  /** To the prompt's client; to everybody when it has none. */
  tell(type: string, data: Record<string, unknown>): void {
    this.#send(type, { ...data, prompt_id: this.#promptId });
  }

  progressState(state: { prompt_id: string; nodes: Record<string, NodeProgress> }): void {
    this.#send("progress_state", { prompt_id: state.prompt_id, nodes: state.nodes });
  }

  tick(nodeId: string, value: number, max: number, preview: Preview | undefined): void {
    const { sockets } = this.#parts;
    const withMetadata = sockets.supportsPreviewMetadata(this.#clientId);
    if (preview && withMetadata) {
      const where = { nodeId, promptId: this.#promptId };
      sockets.sendBytes(previewWithMetadataFrame(preview, where), this.#clientId);
    }
    this.#send("progress", { value, max, prompt_id: this.#promptId, node: nodeId });
    if (preview && !withMetadata) sockets.sendBytes(previewFrame(preview), this.#clientId);
  }

  #send(type: string, data: unknown): void {
    const { faults, sockets } = this.#parts;
    if (this.#clientId !== undefined && faults.takeSocketCut(type, "before")) {
      sockets.cut(this.#clientId);
    }
    sockets.send(type, data, this.#clientId);
    for (const { after, text, binary } of faults.rubbish) {
      if (after !== type) continue;
      if (text !== undefined) sockets.sendText(text, this.#clientId);
      if (binary !== undefined) sockets.sendBytes(Buffer.from(binary, "hex"), this.#clientId);
    }
    if (this.#clientId !== undefined && faults.takeSocketCut(type, "after")) {
      sockets.cut(this.#clientId);
    }
  }
}
