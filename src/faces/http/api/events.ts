import { createRoute, type OpenAPIHono, z } from "@hono/zod-openapi";
import type { SSEMessage, SSEStreamingApi } from "hono/streaming";
import { messageOf } from "../../../errors.ts";
import type { Studio } from "../../../studio/studio.ts";
import type { ToldEvent } from "../../../tasks/events.ts";
import type { Catalog } from "../../../workflows/catalog.ts";
import { alive, eventStream } from "../../shared/sse.ts";
import { backendView } from "./backend-view.ts";
import type { RestContext, RestEnv, RestParts } from "./parts.ts";
import { errorBody, recorded } from "./refusals.ts";
import { errorSchema } from "./schemas.ts";
import { progressView, taskView } from "./task-view.ts";

/** How often it is looked whether a ComfyUI came or went; one that rests is not asked. */
const standardLookMs = 5_000;

const headers = z.object({ "last-event-id": z.string().optional() });
const responses = {
  200: {
    description: "Events, until the client goes",
    content: { "text/event-stream": { schema: z.string() } },
  },
  default: { description: "Refused", content: { "application/json": { schema: errorSchema } } },
};

/** What happens, as server-sent events. A client that goes stops nothing but its stream. */
export function eventRoutes(app: OpenAPIHono<RestEnv>, parts: RestParts): void {
  app.openapi(
    createRoute({
      method: "get",
      path: "/events",
      summary: "What happens to all tasks",
      request: { headers },
      responses,
    }),
    (c) => {
      const studio = c.get("studio");
      const after = markIn(c.req.valid("header")["last-event-id"]);
      return stream(c, parts, async (out, signal) => {
        const stopLooking = tellBackends(out, studio, parts);
        try {
          await tell(out, studio.allEvents({ signal, after, previews: true }), studio, parts);
        } finally {
          stopLooking();
        }
      });
    },
  );
  app.openapi(
    createRoute({
      method: "get",
      path: "/tasks/{id}/events",
      summary: "What happens to one task, from where it is to its end",
      request: { params: z.object({ id: z.string() }), headers },
      responses,
    }),
    async (c) => {
      const studio = c.get("studio");
      // An unknown id is refused before a stream begins.
      const { id } = await studio.get(c.req.valid("param").id);
      return stream(c, parts, (out, signal) =>
        tell(out, studio.events(id, { signal, previews: true }), studio, parts),
      );
    },
  );
}

/** What cannot be an id of ours is as one that is too old. */
function markIn(lastEventId: string | undefined): number | undefined {
  if (lastEventId === undefined || lastEventId === "") return undefined;
  return /^\d{1,15}$/.test(lastEventId) ? Number(lastEventId) : 0;
}

function stream(
  c: RestContext,
  { log, beatMs }: RestParts,
  work: (out: SSEStreamingApi, signal: AbortSignal) => Promise<void>,
): Response {
  return eventStream(
    c,
    async (out, signal) => {
      await alive(out);
      await work(out, signal);
    },
    async (error, out) => {
      const data = JSON.stringify(errorBody("internal", recorded(log, c, error)));
      await out.writeSSE({ event: "error", data });
    },
    beatMs,
  );
}

async function tell(
  out: SSEStreamingApi,
  events: AsyncIterable<ToldEvent>,
  studio: Studio,
  { catalog }: RestParts,
): Promise<void> {
  for await (const event of events) {
    await out.writeSSE(messageFor(event, studio, catalog));
  }
}

/** Only what is on record can be told again, so only that has an id. */
function messageFor(event: ToldEvent, studio: Studio, catalog: Catalog): SSEMessage {
  const id = String(event.mark);
  const message = (data: unknown) => ({ event: event.kind, data: JSON.stringify(data) });
  switch (event.kind) {
    case "state":
      return { ...message({ task: taskView(event.task, studio, catalog) }), id };
    case "deleted":
      return { ...message({ task_ids: [event.id] }), id };
    case "reset":
      return { ...message({}), id };
    case "progress": {
      const left = studio.pace.secondsLeft(event.id, event.progress);
      return message({ task_id: event.id, progress: progressView(event.progress, left) });
    }
    case "frame":
      throw new Error("no frames were asked for");
    case "preview": {
      const { frame, picture } = event.preview;
      return message({ task_id: event.id, frame, picture });
    }
  }
}

/** Returns the end of it. */
function tellBackends(
  out: SSEStreamingApi,
  studio: Studio,
  { log, backendsMs = standardLookMs }: RestParts,
): () => void {
  let known: string | undefined;
  const look = async () => {
    const backends = await studio.backends("known");
    const now = backends.map(({ name, state }) => `${name} ${state}`).join("\n");
    const isNews = known !== undefined && now !== known;
    known = now;
    if (!isNews) return;
    const data = JSON.stringify({ backends: backends.map(backendView) });
    await out.writeSSE({ event: "backends", data });
  };
  const lookAndGoOn = () => void look().catch((error) => log.debug(messageOf(error)));
  lookAndGoOn();
  const timer = setInterval(lookAndGoOn, backendsMs);
  return () => clearInterval(timer);
}
