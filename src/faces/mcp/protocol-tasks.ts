import { z } from "zod";
import { messageOf } from "../../errors.ts";
import type { Studio } from "../../studio/studio.ts";
import { wordProgress } from "../../tasks/progress-words.ts";
import { isTerminal, type TaskState } from "../../tasks/state.ts";
import type { Task } from "../../tasks/task.ts";
import { resultOf } from "./answer.ts";
import { callParams, incomingOf, type Later, type Method, method } from "./methods.ts";
import type { Peer } from "./peer.ts";
import { RpcError, rpcCodes } from "./rpc.ts";
import type { Surface } from "./surface.ts";

/** How often a client should ask, in ms. */
const pollMs = 2_000;
/** Between two notifications about one task, in ms. */
const tellMs = 1_000;
/** Tasks that a page of `tasks/list` covers. */
const pageSize = 50;
/** The longest that a question for a result is held, in ms: longer than any task. */
const longestWait = 2 ** 31 - 1;

export const tasksExtension = "io.modelcontextprotocol/tasks";
/** What the experimental tasks of 2025-11-25 are declared by. */
export const tasksCapability = { list: {}, cancel: {}, requests: { tools: { call: {} } } };

/** A task of ours in the words that both kinds of MCP's tasks share. */
interface Told {
  taskId: string;
  status: "working" | "completed" | "failed" | "cancelled";
  statusMessage: string;
  createdAt: string;
  lastUpdatedAt: string;
}

/** In the extension a tool that failed has answered all the same (SEP-2663, "Task Status"). */
const ofExtension: Record<TaskState, Told["status"]> = {
  queued: "working",
  running: "working",
  completed: "completed",
  failed: "completed",
  cancelled: "cancelled",
};

const ofExperiment: Record<TaskState, Told["status"]> = { ...ofExtension, failed: "failed" };

function told(task: Task, studio: Studio, words: Record<TaskState, Told["status"]>): Told {
  const progress = studio.progress(task.id);
  return {
    taskId: task.id,
    status: words[task.state],
    statusMessage: task.error?.message ?? (progress ? wordProgress(progress) : task.state),
    createdAt: task.createdAt,
    lastUpdatedAt: task.finishedAt ?? task.startedAt ?? task.createdAt,
  };
}

const named = { taskId: z.string() };

/** The extension of 2026-07-28 (SEP-2663). Records are kept until they are deleted. */
export function extensionMethods(surface: Surface): Record<string, Method> {
  const { studio } = surface;
  const shown = (task: Task) => ({
    ...told(task, studio, ofExtension),
    ttlMs: null,
    pollIntervalMs: pollMs,
  });
  return {
    "tools/call": method(callParams, async (params, wire) => {
      const incoming = incomingOf(params, wire);
      if (!wire.peer.tasks) return resultOf(await surface.call(incoming));
      const started = await surface.start(incoming);
      if ("answer" in started) return resultOf(started.answer);
      return { resultType: "task", content: [], ...shown(started.task) };
    }),
    "tasks/get": method(named, async ({ taskId }, { peer }) => {
      demand(peer);
      const task = shown(await studio.get(taskId));
      if (task.status !== "completed") return task;
      return { ...task, result: resultOf(await surface.answerOf(taskId, peer)) };
    }),
    "tasks/cancel": method(named, async ({ taskId }, { peer }) => {
      demand(peer);
      await studio.cancel(taskId);
      return {};
    }),
    // A task of ours never asks while it is at work, so no answer is outstanding.
    "tasks/update": method(named, async ({ taskId }, { peer }) => {
      demand(peer);
      await studio.get(taskId);
      return {};
    }),
  };
}

function demand({ tasks }: Peer): void {
  if (tasks) return;
  throw new RpcError(
    rpcCodes.missingCapability,
    `This takes the extension ${tasksExtension}, which the request does not declare.`,
    { requiredCapabilities: { extensions: { [tasksExtension]: {} } } },
  );
}

/** The experimental tasks of 2025-11-25: records of ours under that revision's names. */
export function experimentMethods(surface: Surface, later: Later): Record<string, Method> {
  const { studio } = surface;
  const shown = (task: Task) => ({
    ...told(task, studio, ofExperiment),
    ttl: null,
    pollInterval: pollMs,
  });
  const follow = async (id: string) => {
    let last = "";
    for await (const _ of studio.events(id, { signal: later.over, everyMs: tellMs })) {
      const now = shown(await studio.get(id));
      const words = `${now.status} ${now.statusMessage}`;
      if (words !== last) await later.tell("notifications/tasks/status", now);
      last = words;
    }
  };
  return {
    "tools/call": method(callParams, async (params, wire) => {
      const incoming = incomingOf(params, wire);
      if (!params.task) return resultOf(await surface.call(incoming));
      const started = await surface.start(incoming);
      if ("answer" in started) {
        const words = started.answer.content.map((block) => ("text" in block ? block.text : ""));
        throw new RpcError(rpcCodes.invalidParams, words.join("\n"));
      }
      follow(started.task.id).catch((error) => later.log.debug(messageOf(error)));
      return { task: shown(started.task) };
    }),
    "tasks/get": method(named, async ({ taskId }) => shown(await studio.get(taskId))),
    "tasks/list": method({ cursor: z.string().optional() }, async ({ cursor: from }) => {
      const { tasks, cursor } = await studio.list({}, pageSize, from);
      return { tasks: tasks.map(shown), ...(cursor ? { nextCursor: cursor } : {}) };
    }),
    "tasks/result": method(named, async ({ taskId }, { signal, peer }) => {
      await studio.wait(taskId, longestWait, signal);
      const answer = await surface.answerOf(taskId, peer);
      const related = { "io.modelcontextprotocol/related-task": { taskId } };
      return { ...resultOf(answer), _meta: { ...answer.meta, ...related } };
    }),
    "tasks/cancel": method(named, async ({ taskId }) => {
      const { state } = await studio.get(taskId);
      if (isTerminal(state)) {
        throw new RpcError(rpcCodes.invalidParams, `Task ${taskId} is ${state} already.`);
      }
      await studio.cancel(taskId);
      return shown(await studio.get(taskId));
    }),
  };
}
