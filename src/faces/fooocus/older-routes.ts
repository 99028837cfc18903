import { AppError } from "../../errors.ts";
import type { Studio } from "../../studio/studio.ts";
import { isTerminal } from "../../tasks/state.ts";
import { imagesOf, type Task } from "../../tasks/task.ts";
import { everMs } from "../shared/patient.ts";
import { formBody } from "./body.ts";
import { callOf } from "./call.ts";
import type { FooocusContext, Route } from "./env.ts";
import { inline, pictureAnswer } from "./generate.ts";
import { outputPath } from "./names.ts";
import { fromOlder, type Job, jobs } from "./older.ts";
import { wordsOf } from "./progress.ts";
import { readCall } from "./read.ts";
import { warningsOf } from "./record.ts";
import { submit } from "./submit.ts";
import { previewOf, via } from "./tasks.ts";

const mostListed = 500;

const made: readonly (readonly [string, Job])[] = [
  ["/v1/generation/text-to-image", "text"],
  ["/v1/generation/image-upscale-vary", "uov"],
  ["/v1/generation/image-inpaint-outpaint", "inpaint"],
  ["/v1/generation/image-prompt", "prompt"],
  ["/v1/generation/image-enhance", "enhance"],
  ["/v2/generation/text-to-image-with-ip", "prompt"],
  ["/v2/generation/image-upscale-vary", "uov"],
  ["/v2/generation/image-inpaint-outpaint", "inpaint"],
  ["/v2/generation/image-prompt", "prompt"],
  ["/v2/generation/image-enhance", "enhance"],
];

/** What clients of the older Fooocus-API call. */
export const olderRoutes: readonly Route[] = [
  ...made.map(([path, job]): Route => ({ method: "POST", path, answer: (c) => make(c, job) })),
  { method: "GET", path: "/v1/generation/query-job", answer: queryJob },
  { method: "GET", path: "/v1/generation/job-queue", answer: jobQueue },
  { method: "GET", path: "/v1/generation/job-history", answer: jobHistory },
];

async function make(c: FooocusContext, job: Job): Promise<Response> {
  const { values, warnings } = readCall(fromOlder(await formBody(c), job));
  const studio = c.get("studio").through("fooocus");
  const accept = c.req.query("accept") ?? c.req.header("accept") ?? "";
  const one = accept.trim().toLowerCase() === "image/png";
  const task = await submit(c, { values, warnings, one, job: jobs[job] });
  const isAsync = values.async_process === true;
  if (isAsync && !one) return c.json(await jobOf(studio, task, c.get("base")));
  const ended = await studio.wait(task.id, everMs);
  if (one) return pictureAnswer(c, studio, ended, "png");
  return c.json(await resultsOf(studio, ended, c.get("base")));
}

/** One entry a picture; a failure is one too, with its reason. */
async function resultsOf(studio: Studio, task: Task, base: string): Promise<unknown[]> {
  const wantsBase64 = callOf(task)?.params["require_base64"] === true;
  const base64 = wantsBase64 ? await inline(studio, task) : [];
  const results = imagesOf(task).map((image, i) => ({
    base64: base64[i] ?? null,
    url: `${base}/outputs/${outputPath(task, image)}`,
    seed: String(image.seed ?? ""),
    finish_reason: "SUCCESS",
  }));
  if (results.length > 0 || !isTerminal(task.state)) return results;
  const reason = task.state === "cancelled" ? "USER_CANCEL" : "ERROR";
  return [{ base64: null, url: null, seed: "", finish_reason: reason, error: task.error?.message }];
}

const stages = {
  queued: "WAITING",
  running: "RUNNING",
  completed: "SUCCESS",
  failed: "ERROR",
  cancelled: "ERROR",
} as const;

async function jobOf(studio: Studio, task: Task, base: string, preview?: string) {
  const progress = studio.progress(task.id);
  const hasEnded = isTerminal(task.state);
  const percent = Math.floor((progress?.fraction ?? 0) * 100);
  return {
    job_id: task.id,
    job_type: callOf(task)?.job ?? jobs.text,
    job_stage: stages[task.state],
    job_progress: hasEnded ? 100 : percent,
    job_status: task.error?.message ?? (progress ? wordsOf(progress) : task.state),
    job_step_preview: preview ?? null,
    job_result: hasEnded ? await resultsOf(studio, task, base) : null,
    ...warningsOf(task),
  };
}

async function queryJob(c: FooocusContext): Promise<Response> {
  const studio = c.get("studio");
  const { job_id: id = "", require_step_preview: wanted = "" } = c.req.query();
  const task = await studio.get(id).catch((error) => {
    if (error instanceof AppError && error.code === "not_found") return undefined;
    throw error;
  });
  if (!task) {
    const unknown = { job_id: id, job_type: "Not Found", job_stage: "ERROR", job_progress: 0 };
    const rest = { job_status: "Job not found", job_step_preview: null, job_result: null };
    return c.json({ ...unknown, ...rest }, 404);
  }
  const wantsPreview = /^(true|1|yes|on)$/i.test(wanted) && task.state === "running";
  const preview = wantsPreview ? await previewOf(studio, id) : undefined;
  return c.json(await jobOf(studio, task, c.get("base"), preview));
}

async function jobQueue(c: FooocusContext): Promise<Response> {
  const studio = c.get("studio");
  const [running, finished, { tasks }] = await Promise.all([
    studio.count({ states: ["queued", "running"], via }),
    studio.count({ states: ["completed", "failed", "cancelled"], via }),
    studio.list({ via }, 1),
  ]);
  return c.json({
    running_size: running,
    finished_size: finished,
    last_job_id: tasks[0]?.id ?? null,
  });
}

async function jobHistory(c: FooocusContext): Promise<Response> {
  const studio = c.get("studio");
  const { job_id: id, page = "0", page_size: size = "20", delete: removes = "" } = c.req.query();
  if (/^(true|1|yes|on)$/i.test(removes)) {
    const { tasks } = await studio.delete({ ids: [id ?? ""], via }, false);
    return c.json({ message: tasks > 0 ? "Deleted" : "Not found" });
  }
  const ids = id === undefined ? {} : { ids: [id] };
  const perPage = Math.min(Math.max(1, Number(size) || 20), mostListed);
  const first = Math.min(Math.max(0, Number(page) || 0) * perPage, mostListed);
  const [queue, history] = await Promise.all([
    studio.list({ states: ["queued", "running"], via, ...ids }, mostListed),
    studio.list({ states: ["completed", "failed", "cancelled"], via, ...ids }, first + perPage),
  ]);
  const base = c.get("base");
  const view = (task: Task) => jobOf(studio, task, base);
  return c.json({
    queue: await Promise.all(queue.tasks.map(view)),
    history: await Promise.all(history.tasks.slice(first).map(view)),
  });
}
