import { deliver } from "../../images/convert.ts";
import type { Studio } from "../../studio/studio.ts";
import type { TaskProgress } from "../../tasks/progress.ts";
import type { Task } from "../../tasks/task.ts";
import type { FaceContext } from "../shared/env.ts";
import { stampOf } from "./answer.ts";

/** The web UI works on one call at a time; of several the oldest is meant. */
const most = 500;

/** The oldest task of this face that runs, else the oldest that waits. */
async function current(studio: Studio): Promise<Task | undefined> {
  const { tasks } = await studio.list({ states: ["queued", "running"], via: ["a1111"] }, most);
  return tasks.findLast(({ state }) => state === "running") ?? tasks.at(-1);
}

/** `GET /progress` */
export async function progress(c: FaceContext): Promise<Response> {
  const studio = c.get("studio");
  const task = await current(studio);
  if (!task) return c.json({ ...idle, state: stateOf(undefined, undefined), textinfo: null });
  const known = studio.progress(task.id);
  const fraction = known?.fraction ?? 0;
  return c.json({
    // Zero is what clients take for nothing to do.
    progress: Math.max(0.01, fraction),
    eta_relative: remaining(task, fraction),
    state: stateOf(task, known),
    current_image: isSkipped(c) ? null : await previewOf(studio, task),
    textinfo: null,
  });
}

const idle = { progress: 0, eta_relative: 0, current_image: null };

function isSkipped(c: FaceContext): boolean {
  return /^(true|1)$/i.test(c.req.query("skip_current_image") ?? "");
}

/** Seconds, if the rest goes as what was done. */
function remaining({ startedAt }: Task, fraction: number): number {
  if (startedAt === undefined || fraction === 0) return 0;
  const seconds = (Date.now() - Date.parse(startedAt)) / 1_000;
  return Math.round((seconds / fraction - seconds) * 10) / 10;
}

function stateOf(task: Task | undefined, progress: TaskProgress | undefined) {
  const at = progress?.status.phase === "running" ? progress.status.progress : undefined;
  return {
    skipped: false,
    interrupted: false,
    stopping_generation: false,
    job: task?.id ?? "",
    job_count: task?.runs.length ?? 0,
    job_timestamp: task ? stampOf(task.createdAt) : "0",
    job_no: progress?.done ?? 0,
    sampling_step: at?.step ?? 0,
    // Told while a picture is decoded too, as the web UI does.
    sampling_steps: at?.steps ?? Number(task?.params["steps"] ?? 0),
  };
}

async function previewOf(studio: Studio, { id }: Task): Promise<string | null> {
  const preview = await studio.pictures.livePreview(id);
  if (!preview) return null;
  return (await deliver(preview.bytes, { format: "png" })).toString("base64");
}

/** `POST /interrupt`: the call that is worked on ends with what it has. */
export async function interrupt(c: FaceContext): Promise<Response> {
  const studio = c.get("studio");
  const task = await current(studio);
  if (task) await studio.cancel(task.id);
  return c.json({});
}

/** `POST /skip`: the picture that is worked on, and on with the next. */
export async function skip(c: FaceContext): Promise<Response> {
  const studio = c.get("studio");
  const task = await current(studio);
  if (task) await studio.skip(task.id);
  return c.json(null);
}
