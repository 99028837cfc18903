import type { HistoryEntry, NodeErrors, QueueItem } from "../../comfy/protocol.ts";
import type { Prompt } from "../../studio/prompts.ts";
import { isTerminal } from "../../tasks/state.ts";
import type { Run, Task } from "../../tasks/task.ts";

type Message = [type: string, data: Record<string, unknown>];

const ends = { completed: "execution_success", failed: "execution_error" } as const;

/** As `/queue` and `/history` list a prompt. */
export function queueItem({ task, recipe }: Prompt): QueueItem {
  const { prompt, createdAt } = task;
  const extra = {
    ...recipe.extraData,
    ...(prompt.clientId === undefined ? {} : { client_id: prompt.clientId }),
    create_time: Date.parse(createdAt),
  };
  return [prompt.number, prompt.id, recipe.graph, extra, [...recipe.outputs]];
}

/** A prompt that was taken from the queue before it began is in no history, as in ComfyUI. */
export function isInHistory({ state, startedAt }: Task): boolean {
  return isTerminal(state) && !(state === "cancelled" && startedAt === undefined);
}

export function historyEntry(prompt: Prompt): HistoryEntry {
  const { task } = prompt;
  const { outputs = {} } = runOf(task);
  const isDone = task.state === "completed";
  return {
    prompt: queueItem(prompt),
    outputs,
    status: {
      status_str: isDone ? "success" : "error",
      completed: isDone,
      messages: messagesOf(prompt),
    },
    meta: Object.fromEntries(
      Object.keys(outputs).map((node) => [
        node,
        { node_id: node, display_node: node, parent_node: null, real_node_id: node },
      ]),
    ),
  };
}

/** What ComfyUI told of a run; what was not heard is said as far as the record knows it. */
export function messagesOf({ task, recipe }: Prompt): Message[] {
  const { messages = [] } = runOf(task);
  const { id: prompt_id } = task.prompt;
  const started = Date.parse(task.startedAt ?? task.createdAt);
  const finished = Date.parse(task.finishedAt ?? task.createdAt);
  const found = (type: string) => messages.find(([name]) => name === type);
  const start = found("execution_start") ?? ["execution_start", { prompt_id, timestamp: started }];
  const cached = found("execution_cached") ?? [
    "execution_cached",
    { nodes: [], prompt_id, timestamp: started },
  ];
  const type = task.state in ends ? ends[task.state as keyof typeof ends] : "execution_interrupted";
  const end = found(type) ?? [type, { ...endData(task, recipe, type), timestamp: finished }];
  return [start, cached, end];
}

function endData(
  { prompt, error, runs }: Prompt["task"],
  { graph }: Prompt["recipe"],
  type: string,
): Record<string, unknown> {
  const { id: prompt_id } = prompt;
  if (type === "execution_success") return { prompt_id };
  const nodes = error?.nodeErrors ?? runs[0]?.error?.nodeErrors;
  const where = { prompt_id, ...nodeIn(nodes), executed: [] };
  if (type === "execution_interrupted") return where;
  return {
    ...where,
    exception_message: `${error?.message ?? "It failed."}\n`,
    exception_type: error?.code ?? "execution_failed",
    traceback: [],
    current_inputs: {},
    current_outputs: Object.keys(graph),
  };
}

function nodeIn(errors: NodeErrors | undefined): { node_id: string; node_type: string } {
  const [first] = Object.entries(errors ?? {});
  return { node_id: first?.[0] ?? "", node_type: first?.[1].class_type ?? "" };
}

/** A graph has one run. */
export function runOf({ runs, id }: Task): Run {
  const [run] = runs;
  if (!run) throw new Error(`task ${id} has no run`);
  return run;
}
