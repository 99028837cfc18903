import { idList, interruptTarget, objectIn } from "../../as-comfyui/bodies.ts";
import { historyPage } from "../../as-comfyui/history-page.ts";
import { execInfo, readPrompt } from "../../as-comfyui/prompt-request.ts";
import { empty, json, type Reply } from "../../as-comfyui/reply.ts";
import { spoken } from "../../as-comfyui/version.ts";
import { pause } from "../../back-off.ts";
import { messageOf } from "../../errors.ts";
import type { Log } from "../../log.ts";
import type { Prompt } from "../../studio/prompts.ts";
import type { Studio } from "../../studio/studio.ts";
import { isTerminal } from "../../tasks/state.ts";
import type { PromptRecord, Task } from "../../tasks/task.ts";
import type { Entries } from "./entries.ts";
import {
  type ComfyContext,
  type ComfyParts,
  jsonOf,
  jsonOrNothing,
  promptsOf,
  type Route,
} from "./env.ts";
import { isInHistory, queueItem } from "./map.ts";

/** Clients that poll the whole history get the newest; more is theirs by `max_items`. */
const shownByDefault = 64;
const mostShown = 1_000;
/** Whoever cancels is answered, whether or not a node has let go yet. */
const cancelWithinMs = 3_000;
const longestLabel = 200;

/** Prompts on their way in, waiting, running and done. */
export function promptRoutes({ log }: ComfyParts, entries: Entries): Route[] {
  return [
    {
      method: "GET",
      path: "/prompt",
      handle: async (c) => json(execInfo(await remaining(c.get("studio")))),
    },
    { method: "POST", path: "/prompt", handle: postPrompt },
    { method: "GET", path: "/queue", handle: async (c) => json(await queueOf(c.get("studio"))) },
    { method: "POST", path: "/queue", handle: postQueue },
    { method: "POST", path: "/interrupt", handle: postInterrupt },
    { method: "GET", path: "/history", handle: getHistory },
    { method: "GET", path: "/history/:id", handle: getEntry },
    { method: "POST", path: "/history", handle: postHistory },
  ];

  async function postQueue(c: ComfyContext): Promise<Reply> {
    const { clear, delete: ids } = objectIn(await jsonOf(c));
    const wanted = idList(ids);
    const waiting = (await promptsOf(c).unfinished(mostShown)).filter(
      (task) =>
        !isRunning(task, c.get("studio")) && (clear || wanted.includes(task.prompt?.id ?? "")),
    );
    await Promise.all(waiting.map((task) => stop(c.get("studio"), task, log)));
    return empty();
  }

  async function postInterrupt(c: ComfyContext): Promise<Reply> {
    const target = interruptTarget(await jsonOrNothing(c));
    const running = (await promptsOf(c).unfinished(mostShown)).filter((task) =>
      isRunning(task, c.get("studio")),
    );
    const meant = running.filter(({ prompt }) => !target || prompt?.id === target);
    for (const task of meant) void stop(c.get("studio"), task, log);
    return empty();
  }

  async function getHistory(c: ComfyContext): Promise<Reply> {
    const query = new URL(c.req.url).searchParams;
    const one = query.get("prompt_id");
    const many = query.has("max_items") || query.has("offset");
    const tasks = await promptsOf(c).newest(many ? mostShown : shownByDefault);
    const ended = tasks
      .filter(isInHistory)
      .toSorted((a, b) => (finished(a) < finished(b) ? -1 : 1));
    const page = historyPage(ended, query).filter(({ prompt }) => !one || prompt?.id === one);
    return entries.reply(promptsOf(c), page);
  }

  async function getEntry(c: ComfyContext): Promise<Reply> {
    const prompt = await promptsOf(c).find(c.req.param("id") ?? "");
    const isThere = prompt !== undefined && isInHistory(prompt.task);
    return entries.reply(promptsOf(c), isThere ? [prompt.task] : []);
  }
}

async function postPrompt(c: ComfyContext): Promise<Reply> {
  const prompts = promptsOf(c);
  const body = await jsonOf(c);
  const read = readPrompt(
    body,
    await prompts.counter(),
    c.req.header("comfy-usage-source"),
    spoken,
  );
  if ("status" in read) return read;
  const { graph, promptId: id, number, targets, extraData } = read;
  const { client_id: clientId, create_time: _, ...shown } = extraData.shown;
  const prompt: PromptRecord = {
    id,
    number,
    ...orderIn(body),
    ...(typeof clientId === "string" && { clientId }),
  };
  const answer = await prompts.submit({ graph, prompt, targets, extraData: shown }, labelIn(body));
  if (answer.kind === "refused") return json(answer.refusal, 400);
  return json({ prompt_id: id, number, node_errors: answer.nodeErrors });
}

/** What is asked of the order: ComfyUI gets it as it was given. */
function orderIn(body: unknown): Pick<PromptRecord, "order"> {
  const { number, front } = body as { number?: unknown; front?: unknown };
  if (number !== undefined) return { order: { number: Number(number) } };
  return front ? { order: { front: true } } : {};
}

/** n8n sends the id of its own execution along. */
function labelIn(body: unknown): { label?: string } {
  const { execution_id: label } = body as { execution_id?: unknown };
  if (typeof label !== "string" || label === "") return {};
  return { label: label.replace(/\p{Cc}/gu, " ").slice(0, longestLabel) };
}

async function postHistory(c: ComfyContext): Promise<Reply> {
  const { clear, delete: ids } = objectIn(await jsonOf(c));
  const named = await Promise.all(idList(ids).map((id) => promptsOf(c).find(id)));
  const tasks = clear
    ? await promptsOf(c).newest(mostShown)
    : named.flatMap((prompt) => (prompt ? [prompt.task] : []));
  const gone = tasks.filter(isInHistory).flatMap(({ prompt }) => (prompt ? [prompt.id] : []));
  await promptsOf(c).forget(gone);
  return empty();
}

function finished({ finishedAt, createdAt }: Task): string {
  return finishedAt ?? createdAt;
}

/** The record may be a moment behind what ComfyUI told. */
export function isRunning({ id, state }: Task, studio: Studio): boolean {
  return state === "running" || studio.progress(id)?.status.phase === "running";
}

/** How many prompts must end until the caller's last one has: its own, and others that go before. */
export async function remaining(studio: Studio): Promise<number> {
  const tasks = await studio.prompts.unfinished(mostShown);
  const places = tasks.map(({ id }) => {
    const status = studio.progress(id)?.status;
    return status?.phase === "queued" ? (status.ahead ?? 0) + 1 : 1;
  });
  return Math.max(tasks.length, ...places, 0);
}

async function queueOf(studio: Studio): Promise<Record<string, unknown>> {
  const tasks = await studio.prompts.unfinished(mostShown);
  const found = await Promise.all(tasks.map((task) => studio.prompts.withRecipe(task)));
  const prompts = found.filter((prompt): prompt is Prompt => prompt !== undefined);
  const running = prompts.filter(({ task }) => isRunning(task, studio));
  const pending = prompts.filter((prompt) => !running.includes(prompt));
  return {
    queue_running: running.map(queueItem),
    queue_pending: pending.map(queueItem).sort((a, b) => a[0] - b[0]),
  };
}

/** True when there was something to stop; a node may take its time to let go. */
export async function stop(studio: Studio, { id, state }: Task, log: Log): Promise<boolean> {
  if (isTerminal(state)) return false;
  const stopping = studio.cancel(id).catch((error) => log.warn(messageOf(error)));
  await Promise.race([stopping, pause(cancelWithinMs)]);
  return true;
}
