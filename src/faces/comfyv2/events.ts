import type { SSEStreamingApi } from "hono/streaming";
import { messageOf } from "../../errors.ts";
import type { ToldEvent } from "../../tasks/events.ts";
import { isTerminal } from "../../tasks/state.ts";
import type { Task } from "../../tasks/task.ts";
import type { FaceContext } from "../shared/env.ts";
import { eventStream } from "../shared/sse.ts";
import type { Parts } from "./env.ts";
import { taskOf, toldWith } from "./jobs.ts";
import { placeOf, progressOf, statusOf, type Told, warningsOf } from "./map.ts";
import { outputsOf } from "./outputs.ts";

/** The API's "about two a second". */
const everyMs = 400;

/** `GET /jobs/{id}/events`: where the job is, then what happens to it, to its end. A client that goes stops nothing. */
export async function jobEvents(c: FaceContext, parts: Parts): Promise<Response> {
  // An unknown id is refused before a stream begins.
  const task = await taskOf(c);
  const told = await toldWith(c, task, parts);
  return eventStream(
    c,
    async (out, signal) => {
      const teller = new Teller(out, task, told, parts);
      const options = { signal, everyMs, previews: true };
      for await (const event of told.studio.events(task.id, options)) await teller.tell(event);
    },
    // The stream ends without an end of the job: clients ask for it, and come again.
    async (error) => parts.log.error(`events of ${task.id}: ${messageOf(error)}`),
  );
}

class Teller {
  readonly #out: SSEStreamingApi;
  readonly #told: Told;
  readonly #parts: Parts;
  readonly #sent = new Set<string>();
  #task: Task;
  #status = "";

  constructor(out: SSEStreamingApi, task: Task, told: Told, parts: Parts) {
    this.#out = out;
    this.#task = task;
    this.#told = told;
    this.#parts = parts;
  }

  async tell(event: ToldEvent): Promise<void> {
    switch (event.kind) {
      case "state":
        this.#task = event.task;
        return this.#state();
      case "progress":
        return this.#progress();
      case "preview": {
        const { bytes, mimeType } = event.preview;
        return this.#send("preview", {
          node_id: this.#progressNow()?.current_node ?? "",
          content_type: mimeType,
          data_base64: bytes.toString("base64"),
        });
      }
      case "deleted":
        return this.#send("status", { status: "canceled", queue_position: null });
    }
  }

  /** What is new before the status: its end is the last that clients read. */
  async #state(): Promise<void> {
    for (const message of warningsOf(this.#task)) {
      await this.#once(`warning ${message}`, "log", { level: "warning", message });
    }
    for (const output of outputsOf(this.#task, this.#told.recipe, this.#told)) {
      await this.#once(output.id, "output", output);
    }
    await this.#progress();
    await this.#sayStatus();
  }

  async #progress(): Promise<void> {
    if (!isTerminal(this.#task.state)) await this.#sayStatus();
    const progress = this.#progressNow();
    if (progress) await this.#send("progress", progress);
  }

  async #sayStatus(): Promise<void> {
    const isCanceling = this.#parts.canceling.has(this.#task.id);
    const { studio } = this.#told;
    const status = statusOf(this.#task, { studio, isCanceling });
    const data = { status, queue_position: placeOf(this.#task, studio) };
    const text = JSON.stringify(data);
    if (text === this.#status) return;
    this.#status = text;
    await this.#send("status", data);
  }

  #progressNow() {
    return progressOf(this.#task, this.#told);
  }

  async #once(key: string, name: string, data: unknown): Promise<void> {
    if (this.#sent.has(key)) return;
    this.#sent.add(key);
    await this.#send(name, data);
  }

  async #send(name: string, data: unknown): Promise<void> {
    await this.#out.writeSSE({ event: name, data: JSON.stringify(data) });
  }
}
