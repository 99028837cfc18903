import { randomUUID } from "node:crypto";
import { pause } from "../../back-off.ts";
import { AppError, messageOf } from "../../errors.ts";
import { isTerminal, type TaskState } from "../../tasks/state.ts";
import type { Task } from "../../tasks/task.ts";
import { exactJson } from "../shared/body.ts";
import type { FaceContext } from "../shared/env.ts";
import { noEffect } from "../shared/warnings.ts";
import { type Parts, placeOfCall } from "./env.ts";
import { graphIn } from "./graph.ts";
import { type Call, type Job, jobOf, type Told } from "./map.ts";
import { invalid, invalidWorkflow, Problem, reasonsOf } from "./problems.ts";
import { readJob } from "./schema.ts";

const mostListed = 100;
/** Whoever cancels is answered, whether or not a node has let go yet. */
const cancelWithinMs = 3_000;

/** `POST /jobs`. The same key with the same call is answered with the job that it made. */
export async function postJob(c: FaceContext, parts: Parts): Promise<Response> {
  const studio = c.get("studio");
  studio.demand("graphs");
  const { call, warnings } = readJob(await bodyOf(c));
  const { graph, notes } = await graphIn(call.workflow, studio);
  const kept: Call = {
    face: "comfyv2",
    warnings: [...warnings, ...notes],
    ...(call.metadata ? { metadata: call.metadata } : {}),
  };
  const { prompts } = studio;
  const count = await prompts.counter();
  const prompt = { id: randomUUID(), number: count() };
  const answer = await prompts.submit(
    { graph, prompt, extraData: {} },
    {
      idempotencyKey: c.req.header("idempotency-key"),
      label: call.label,
      priority: call.priority,
      webhook: call.webhook_url === undefined ? undefined : { url: call.webhook_url },
      // JSON through and through, which its type does not say.
      call: kept as unknown as NonNullable<Task["call"]>,
      previews: true,
    },
  );
  if (answer.kind === "refused") throw invalidWorkflow(answer.refusal);
  const { task, isNew, nodeErrors } = answer;
  if (!isNew) c.header("Idempotency-Replayed", "true");
  const job = await told(c, task, parts);
  const left = reasonsOf(nodeErrors).map((reason) => noEffect("an output", reason));
  const all = [...(job.warnings ?? []), ...left];
  return c.json(all.length > 0 ? { ...job, warnings: all } : job, 201);
}

async function bodyOf(c: FaceContext): Promise<unknown> {
  try {
    return exactJson(await c.req.text());
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    throw invalid("body", `it is no JSON (${messageOf(error)}).`);
  }
}

export async function getJob(c: FaceContext, parts: Parts): Promise<Response> {
  return c.json(await told(c, await taskOf(c), parts));
}

/** What a job was made from: its graph as it was posted, without keys. */
export async function getJobWorkflow(c: FaceContext): Promise<Response> {
  const recipe = await c.get("studio").prompts.recipe(await taskOf(c));
  if (recipe) return c.json({ workflow: recipe.graph, format: "api" });
  throw new Problem(404, "not_found", "What this job was made from is not on record any more.");
}

/** Answers with `canceling` where a node takes its time to let go. */
export async function cancelJob(c: FaceContext, parts: Parts): Promise<Response> {
  const studio = c.get("studio");
  const task = await taskOf(c);
  if (!isTerminal(task.state)) {
    parts.canceling.add(task.id);
    const stopping = studio
      .cancel(task.id)
      .catch((error) => parts.log.warn(messageOf(error)))
      .finally(() => parts.canceling.delete(task.id));
    const over = new AbortController();
    await Promise.race([stopping, pause(cancelWithinMs, over.signal)]);
    over.abort();
  }
  return c.json(await told(c, await studio.get(task.id), parts));
}

const states: Readonly<Record<string, TaskState>> = {
  queued: "queued",
  running: "running",
  succeeded: "completed",
  failed: "failed",
  canceled: "cancelled",
};

/** `GET /jobs?limit&cursor&status&q`: every task of the caller, newest first; the makers' proxy has it, their spec has not. */
export async function listJobs(c: FaceContext, parts: Parts): Promise<Response> {
  const { limit = "20", cursor, status, q } = c.req.query();
  const most = /^\d{1,4}$/.test(limit) ? Number(limit) : 0;
  if (most < 1 || most > mostListed) throw invalid("limit", `expected 1 to ${mostListed}.`);
  const state = status === undefined ? undefined : states[status];
  if (status !== undefined && !state) {
    throw invalid("status", `expected one of ${Object.keys(states).join(", ")}.`);
  }
  const filter = {
    ...(state ? { states: [state] } : {}),
    ...(q ? { text: q } : {}),
  };
  const page = await c.get("studio").list(filter, most, cursor);
  const jobs = await Promise.all(page.tasks.map((task) => told(c, task, parts)));
  return c.json({ jobs, next_cursor: page.cursor ?? null });
}

/** Throws `not_found`, also for a job of somebody else. */
export async function taskOf(c: FaceContext): Promise<Task> {
  const id = c.req.param("id") ?? "";
  try {
    return await c.get("studio").get(id);
  } catch (error) {
    if (!(error instanceof AppError) || error.code !== "not_found") throw error;
    const shown = JSON.stringify(id.slice(0, 60));
    throw new Problem(
      404,
      "not_found",
      `There is no job ${shown} of yours; it may have been deleted.`,
    );
  }
}

async function told(c: FaceContext, task: Task, parts: Parts): Promise<Job> {
  return jobOf(task, await toldWith(c, task, parts));
}

export async function toldWith(c: FaceContext, task: Task, { canceling }: Parts): Promise<Told> {
  const recipe = await c.get("studio").prompts.recipe(task);
  return { ...placeOfCall(c), recipe, isCanceling: canceling.has(task.id) };
}
