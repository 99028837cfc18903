import type { SSEStreamingApi } from "hono/streaming";
import { messageOf } from "../../errors.ts";
import { deliver } from "../../images/convert.ts";
import type { Log } from "../../log.ts";
import type { LivePreview } from "../../tasks/events.ts";
import { isTerminal } from "../../tasks/state.ts";
import { type ImageRecord, imagesOf, type Task } from "../../tasks/task.ts";
import type { FaceContext } from "../shared/env.ts";
import { failureOf } from "../shared/failure.ts";
import { eventStream } from "../shared/sse.ts";
import { base64Of, saidOf, secondsOf } from "./answer.ts";
import { type Begun, finished } from "./make.ts";
import { errorBody, problemOf } from "./problems.ts";

const everyMs = 100;

/** Partial pictures from live previews, then each picture as it is done. A client that goes stops nothing. */
export function stream(c: FaceContext, begun: Begun, log: Log): Response {
  return eventStream(
    c,
    (out, signal) => new Teller(out, begun).tell(signal),
    async (error, out) => {
      const known = problemOf(error)?.body;
      if (!known) log.error(`openai stream of ${begun.task.id}: ${messageOf(error)}`);
      const body = known ?? errorBody(500, "Internal error; the server's log has the details.");
      await out.writeSSE({ event: "error", data: JSON.stringify(body) });
    },
  );
}

/** Nothing is counted in tokens here. */
const usage = {
  input_tokens: 0,
  input_tokens_details: { image_tokens: 0, text_tokens: 0 },
  output_tokens: 0,
  total_tokens: 0,
};

class Teller {
  readonly #out: SSEStreamingApi;
  readonly #begun: Begun;
  readonly #told = new Set<string>();
  /** Partial pictures so far. */
  #partials = 0;

  constructor(out: SSEStreamingApi, begun: Begun) {
    this.#out = out;
    this.#begun = begun;
  }

  async tell(signal: AbortSignal): Promise<void> {
    const { studio, task, fields } = this.#begun;
    const wanted = fields.partial_images ?? 0;
    let fraction = 0;
    for await (const event of studio.events(task.id, { signal, everyMs, previews: wanted > 0 })) {
      if (event.kind === "progress") fraction = event.progress.fraction;
      else if (event.kind === "deleted") throw failureOf({ ...task, state: "cancelled" });
      else if (event.kind === "state") await this.#state(event.task);
      else if (event.kind === "preview" && this.#partials < wanted) {
        // Spread over the whole: the first one at once.
        if (fraction >= this.#partials / wanted) await this.#partial(event.preview);
      }
    }
  }

  async #state(task: Task): Promise<void> {
    for (const image of imagesOf(task)) {
      if (this.#told.has(image.id)) continue;
      this.#told.add(image.id);
      await this.#completed(task, image);
    }
    if (isTerminal(task.state) && task.state !== "completed") throw failureOf(task);
  }

  async #partial(preview: LivePreview): Promise<void> {
    const { fields } = this.#begun;
    const bytes = await deliver(preview.bytes, { format: fields.output_format ?? "png" });
    await this.#send("partial_image", {
      b64_json: bytes.toString("base64"),
      partial_image_index: this.#partials,
      created_at: secondsOf(this.#begun.task),
      ...saidOf(this.#begun, undefined),
    });
    this.#partials += 1;
  }

  async #completed(task: Task, image: ImageRecord): Promise<void> {
    const { warnings } = this.#begun;
    const made = await finished(this.#begun, { task, image });
    await this.#send("completed", {
      b64_json: await base64Of(this.#begun, made),
      created_at: secondsOf(task),
      ...saidOf(this.#begun, made),
      usage,
      task_id: task.id,
      model: task.workflow,
      ...(image.seed === undefined ? {} : { seed: image.seed }),
      ...(warnings.length > 0 ? { warnings } : {}),
    });
  }

  async #send(what: "partial_image" | "completed", data: Record<string, unknown>): Promise<void> {
    const type = `${this.#begun.kind === "generation" ? "image_generation" : "image_edit"}.${what}`;
    await this.#out.writeSSE({ event: type, data: JSON.stringify({ type, ...data }) });
  }
}
