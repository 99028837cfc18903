import { setTimeout as delay } from "node:timers/promises";
import { messageOf } from "../../errors.ts";
import { deliver } from "../../images/convert.ts";
import type { Log } from "../../log.ts";
import type { Studio } from "../../studio/studio.ts";
import type { LivePreview } from "../../tasks/events.ts";
import { isTerminal } from "../../tasks/state.ts";
import type { Task } from "../../tasks/task.ts";
import { percentOf, wordsOf } from "./progress.ts";
import { dumps } from "./python-json.ts";
import { urlsOf, warningsOf } from "./record.ts";

/** A page of Fooocus's reads what has come as one event, so two never come together. */
const everyMs = 200;
const beatMs = 4_000;

export const streamHeaders = {
  "content-type": "text/event-stream; charset=utf-8",
  "cache-control": "no-store",
  "x-accel-buffering": "no",
} as const;

interface Update {
  progress: number;
  preview: string | null;
  message: string;
  images: string[];
}

export interface StreamParts {
  studio: Studio;
  log: Log;
  base: string;
  /** Live previews are wanted. */
  previews: boolean;
}

/** The stream of one call, from before there is a task to its end. A client that goes stops nothing. */
export function streamOf(parts: StreamParts, begun: Promise<Task>): ReadableStream<Uint8Array> {
  const encoder = new TextEncoder();
  const gone = new AbortController();
  return new ReadableStream({
    async start(controller) {
      let writtenAt = 0;
      const write = (text: string) => {
        writtenAt = Date.now();
        if (!gone.signal.aborted) controller.enqueue(encoder.encode(text));
      };
      const beat = setInterval(() => write(comment()), beatMs);
      try {
        write(comment());
        for await (const update of updates(parts, begun, gone.signal)) {
          await delay(Math.max(0, writtenAt + everyMs - Date.now()));
          write(eventOf(update));
        }
      } catch (error) {
        parts.log.warn(`fooocus stream: ${messageOf(error)}`);
        write(eventOf({ ...finished([]), ...{ error: messageOf(error) } }));
      } finally {
        clearInterval(beat);
        if (!gone.signal.aborted) controller.close();
      }
    },
    cancel() {
      gone.abort();
    },
  });
}

/** sse-starlette's comment: no line of it is JSON behind its first six characters. */
function comment(): string {
  return `: ping - ${new Date().toISOString().replace("T", " ").replace("Z", "000+00:00")}\r\n\r\n`;
}

/** The text ends in a line's end there, hence the second, empty line of data. */
function eventOf(update: Update): string {
  return `data: ${dumps(update)}\r\ndata: \r\n\r\n`;
}

function finished(images: string[]): Update {
  return { progress: 100, preview: null, message: "Finished", images };
}

async function* updates(
  { studio, base, previews }: StreamParts,
  begun: Promise<Task>,
  signal: AbortSignal,
): AsyncGenerator<Update> {
  const { id } = await begun;
  let last: Update = { progress: 1, preview: null, message: "Initializing ...", images: [] };
  yield last;
  for await (const event of studio.events(id, { signal, everyMs, previews })) {
    let next = last;
    if (event.kind === "progress") {
      next = { ...last, progress: percentOf(event.progress), message: wordsOf(event.progress) };
    } else if (event.kind === "preview") {
      next = { ...last, preview: await pngOf(event.preview) };
    } else if (event.kind === "deleted") {
      yield { ...finished([]), ...{ error: `Task ${id} was deleted.` } };
    } else if (event.kind === "state" && isTerminal(event.task.state)) {
      yield* endOf(event.task, base);
    }
    if (isNews(last, next)) yield next;
    // A preview belongs to the step it came with.
    last = { ...next, preview: null };
  }
}

function isNews(last: Update, next: Update): boolean {
  return next.preview !== null || next.progress !== last.progress || next.message !== last.message;
}

function* endOf(task: Task, base: string): Generator<Update> {
  const images = urlsOf(task, base);
  const error = task.state === "failed" ? { error: task.error?.message ?? "It failed." } : {};
  yield { ...finished(images), ...error, ...warningsOf(task) };
}

async function pngOf(preview: LivePreview): Promise<string> {
  const png = await deliver(preview.bytes, { format: "png" });
  return `data:image/png;base64,${png.toString("base64")}`;
}
