import type { Server } from "@modelcontextprotocol/sdk/server/index.js";
import {
  CancelTaskRequestSchema,
  ErrorCode,
  GetTaskPayloadRequestSchema,
  GetTaskRequestSchema,
  ListTasksRequestSchema,
  McpError,
  RELATED_TASK_META_KEY,
} from "@modelcontextprotocol/sdk/types.js";
import { AppError } from "../../errors.ts";
import { isTerminal } from "../../tasks/state.ts";
import type { Task } from "../../tasks/task.ts";
import { resultOf } from "./answer.ts";
import type { Peer } from "./peer.ts";
import { experimentalTask } from "./protocol-tasks.ts";
import type { Surface } from "./surface.ts";

export const tasksCapability = { list: {}, cancel: {}, requests: { tools: { call: {} } } };

/** Tasks a page of `tasks/list` covers. */
const pageSize = 50;
/** The longest a client's question for a result is held, in ms: longer than any task. */
const longestWait = 2 ** 31 - 1;

/** The experimental tasks of 2025-11-25: records of ours under that revision's names. */
export function serveTasks(server: Server, surface: Surface, peer: () => Peer): void {
  const { studio } = surface;
  const shown = (task: Task) => experimentalTask(task, studio);
  server.setRequestHandler(GetTaskRequestSchema, async ({ params }) =>
    shown(await known(() => studio.get(params.taskId))),
  );
  server.setRequestHandler(ListTasksRequestSchema, async ({ params }) => {
    const page = await known(() => studio.list({}, pageSize, params?.cursor));
    return {
      tasks: page.tasks.map(shown),
      ...(page.cursor ? { nextCursor: page.cursor } : {}),
    };
  });
  server.setRequestHandler(GetTaskPayloadRequestSchema, async ({ params: { taskId } }, extra) => {
    await known(() => studio.wait(taskId, longestWait, extra.signal));
    const answer = await known(() => surface.answerOf(taskId, peer()));
    return {
      ...resultOf(answer),
      _meta: { ...answer.meta, [RELATED_TASK_META_KEY]: { taskId } },
    };
  });
  server.setRequestHandler(CancelTaskRequestSchema, async ({ params: { taskId } }) => {
    const task = await known(() => studio.get(taskId));
    if (isTerminal(task.state)) {
      throw new McpError(ErrorCode.InvalidParams, `Task ${taskId} is ${task.state} already.`);
    }
    await known(() => studio.cancel(taskId));
    return shown(await studio.get(taskId));
  });
}

async function known<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof AppError) throw new McpError(ErrorCode.InvalidParams, error.message);
    throw error;
  }
}
