import { deliver } from "../../images/convert.ts";
import type { Studio } from "../../studio/studio.ts";
import type { TaskFilter } from "../../tasks/store/store.ts";
import type { Task } from "../../tasks/task.ts";
import type { FooocusContext } from "./env.ts";
import { type FooocusRecord, recordOf } from "./record.ts";

/** Tasks of this face alone: a range that is deleted takes nothing that was made elsewhere. */
export const via = ["fooocus"] as const;

/** Of a time range all are told, but nobody reads more. */
const mostInRange = 10_000;
const pageLimit = 500;
/** Whoever looks at a task again within this is shown its previews, which cost ComfyUI work. */
const lookedAtMs = 15_000;

/** `GET /tasks`: always three lists. */
export async function listTasks(c: FooocusContext): Promise<Response> {
  const { query = "all", action = "" } = c.req.query();
  const studio = c.get("studio");
  const range = rangeOf(c.req.query("start_at"), c.req.query("end_at"));
  if (action.toLowerCase() === "delete") {
    // Without a beginning nothing is meant: else a slip would delete everything.
    if (range.since === undefined) return c.json({ history: [], current: [], pending: [] });
    const report = await studio.delete({ ...range, via }, false);
    return c.json({ history: [], current: [], pending: [], deleted: report.tasks });
  }
  const wants = (list: string) => query === "all" || query === list;
  const base = c.get("base");
  const [history, current, pending] = await Promise.all([
    wants("history") ? some(c, { states: ["completed", "failed", "cancelled"], ...range }) : [],
    wants("current") ? studio.list({ states: ["running"], via }, pageLimit) : { tasks: [] },
    wants("pending") ? some(c, { states: ["queued"], ...range }) : [],
  ]).then(([ended, running, queued]) => [ended, running.tasks.slice(-1), queued] as const);
  return c.json({
    history: history.map((task) => recordOf(task, base)),
    current: await Promise.all(current.map((task) => shown(studio, task, base))),
    pending: pending.map((task) => recordOf(task, base)),
  });
}

/** `GET /tasks/{task_id}`: an empty list for an id that is not known. */
export async function oneTask(c: FooocusContext): Promise<Response> {
  const studio = c.get("studio");
  const task = await studio.get(c.req.param("id") ?? "").catch(() => undefined);
  return c.json(task ? await shown(studio, task, c.get("base")) : []);
}

/** A record, with progress and preview while it runs. */
export async function shown(studio: Studio, task: Task, base: string): Promise<FooocusRecord> {
  if (task.state !== "running") return recordOf(task, base);
  const preview = await previewOf(studio, task.id);
  return recordOf(task, base, { progress: studio.progress(task.id), preview });
}

/** As base64 of a PNG; ComfyUI makes previews only while somebody reads of the task. */
export async function previewOf(studio: Studio, id: string): Promise<string | undefined> {
  watch(studio, id);
  const preview = await studio.pictures.livePreview(id);
  if (!preview) return undefined;
  return (await deliver(preview.bytes, { format: "png" })).toString("base64");
}

function watch(studio: Studio, id: string): void {
  const signal = AbortSignal.timeout(lookedAtMs);
  void (async () => {
    for await (const event of studio.events(id, { previews: true, signal })) {
      if (event.kind === "deleted") return;
    }
  })().catch(() => {
    // It has gone meanwhile; whoever looks again is told.
  });
}

/** A page, newest first; with a range all of it, oldest first. */
async function some(c: FooocusContext, filter: TaskFilter): Promise<Task[]> {
  const isRange = filter.since !== undefined || filter.before !== undefined;
  const page = wholeOr(c.req.query("page"), 0);
  const size = Math.min(wholeOr(c.req.query("page_size"), 10), pageLimit);
  const wanted = isRange ? mostInRange : Math.min((page + 1) * size, mostInRange);
  const tasks = await newest(c.get("studio"), filter, wanted);
  return isRange ? tasks.reverse() : tasks.slice(page * size, (page + 1) * size);
}

async function newest(studio: Studio, filter: TaskFilter, most: number): Promise<Task[]> {
  const tasks: Task[] = [];
  let cursor: string | undefined;
  do {
    const limit = Math.min(pageLimit, most - tasks.length);
    const page = await studio.list({ ...filter, via }, limit, cursor);
    tasks.push(...page.tasks);
    cursor = page.cursor;
  } while (cursor !== undefined && tasks.length < most);
  return tasks;
}

function wholeOr(text: string | undefined, standard: number): number {
  return text !== undefined && /^\d{1,6}$/.test(text) ? Number(text) : standard;
}

/** ISO 8601; where no zone is said, this server's. What cannot be read is as if it were not there. */
function rangeOf(start: string | undefined, end: string | undefined): TaskFilter {
  const since = timeOf(start);
  if (since === undefined) return {};
  const before = timeOf(end === "now" ? undefined : end);
  return { since, ...(before === undefined ? {} : { before }) };
}

function timeOf(text: string | undefined): string | undefined {
  const match =
    /^\d{4}-\d{2}-\d{2}(?:[T ]\d{2}:\d{2}(?::\d{2}(?:\.\d+)?)?(?:Z|[+-]\d{2}:?\d{2})?)?$/i;
  // A plus sign in an address that is not encoded is a blank.
  const given = text
    ?.trim()
    .replace(/ (?=\d{2}:?\d{2}$)/, "+")
    .replace(/^(\S{10}) /, "$1T");
  if (given === undefined || !match.test(given)) return undefined;
  // A date alone is midnight here, not in Greenwich.
  const time = Date.parse(given.length === 10 ? `${given}T00:00:00` : given);
  return Number.isNaN(time) ? undefined : new Date(time).toISOString();
}
