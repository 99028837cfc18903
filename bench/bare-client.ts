import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { fetch } from "undici";
import { WebSocket } from "ws";
import type { Graph } from "../src/comfy/protocol.ts";

/** The least a ComfyUI client can do: POST, wait for the end on its socket, fetch the file. */
export class BareClient {
  readonly #url: string;
  readonly #clientId = randomUUID();
  readonly #waiting = new Map<string, (filename: [string, string]) => void>();
  readonly #files = new Map<string, [string, string]>();
  #socket: WebSocket | undefined;

  constructor(url: string) {
    this.#url = url;
  }

  async open(): Promise<void> {
    const socket = new WebSocket(
      `${this.#url.replace("http", "ws")}/ws?clientId=${this.#clientId}`,
    );
    socket.on("message", (data, isBinary) => {
      if (!isBinary) this.#hear(JSON.parse(data.toString()));
    });
    await once(socket, "open");
    this.#socket = socket;
  }

  async run(graph: Graph): Promise<Buffer> {
    const promptId = randomUUID();
    const ended = new Promise<[string, string]>((resolve) => this.#waiting.set(promptId, resolve));
    const body = JSON.stringify({ prompt: graph, prompt_id: promptId, client_id: this.#clientId });
    await (await fetch(`${this.#url}/prompt`, { method: "POST", body })).text();
    const [filename, subfolder] = await ended;
    const query = new URLSearchParams({ filename, subfolder, type: "output" });
    return Buffer.from(await (await fetch(`${this.#url}/view?${query}`)).arrayBuffer());
  }

  close(): void {
    this.#socket?.close();
  }

  #hear({ type, data }: { type: string; data: Record<string, unknown> }): void {
    const promptId = String(data["prompt_id"]);
    if (type === "executed") {
      const { images } = data["output"] as { images: { filename: string; subfolder: string }[] };
      const [image] = images;
      if (image) this.#files.set(promptId, [image.filename, image.subfolder]);
    }
    const file = this.#files.get(promptId);
    if (type === "executing" && data["node"] === null && file) this.#waiting.get(promptId)?.(file);
  }
}
