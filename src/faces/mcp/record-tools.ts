import { z } from "zod";
import { AppError } from "../../errors.ts";
import { taskStates } from "../../tasks/state.ts";
import type { TaskFilter } from "../../tasks/store/store.ts";
import { imagesOf, type Task } from "../../tasks/task.ts";
import { nearest } from "../../words.ts";
import type { Deps } from "./deps.ts";
import { reading, removing } from "./task-tools.ts";
import type { Tool } from "./tool.ts";
import { size } from "./words.ts";

const state = z.enum(taskStates).optional().describe("Only tasks in this state");
const since = z
  .string()
  .optional()
  .describe("Created at or after; ISO 8601, e.g. 2026-05-01T12:00Z");
const before = z.string().optional().describe("Created before; ISO 8601");
const excerpt = 80;

export function listTasks(deps: Deps): Tool {
  return {
    name: "list_tasks",
    title: "List tasks",
    description: "Tasks on record, newest first, with their image ids. They survive restarts.",
    input: z.strictObject({
      state,
      tool: z.string().optional().describe("Only tasks of this tool"),
      since,
      before,
      limit: z.int().min(1).max(100).default(20).describe("Tasks per page"),
      cursor: z.string().optional().describe("next_cursor of the page before"),
    }),
    output: z.looseObject({ tasks: z.array(z.looseObject({ task_id: z.string() })) }),
    annotations: reading,
    async run(args) {
      const { limit, cursor, ...rest } = args;
      const page = await deps.studio.list(
        filterOf(deps, rest),
        Number(limit),
        typeof cursor === "string" ? cursor : undefined,
      );
      const structured = {
        tasks: page.tasks.map(summary),
        ...(page.cursor ? { next_cursor: page.cursor } : {}),
      };
      return {
        content: [{ type: "text", text: JSON.stringify(structured) }],
        structuredContent: structured,
      };
    },
  };
}

export function deleteTasks(deps: Deps): Tool {
  return {
    name: "delete_tasks",
    title: "Delete tasks",
    description:
      "Delete tasks and the pictures they made, for good; running ones are cancelled first. Input pictures stay while another task uses them. Try dry_run first.",
    input: z.strictObject({
      task_ids: z.array(z.string()).min(1).max(500).optional().describe("These tasks"),
      state,
      tool: z.string().optional().describe("Only tasks of this tool"),
      since,
      before,
      dry_run: z.boolean().default(false).describe("Only count what would be deleted"),
    }),
    output: z.looseObject({ tasks: z.number(), images: z.number(), bytes: z.number() }),
    annotations: removing,
    async run(args) {
      const { dry_run, task_ids, ...rest } = args;
      const filter = filterOf(deps, rest);
      if (Array.isArray(task_ids)) filter.ids = task_ids.map(String);
      if (Object.keys(filter).length === 0) {
        throw new AppError(
          "invalid_input",
          "Say what to delete: task_ids, state, tool, since or before. To delete everything, give before with a time to come.",
        );
      }
      const unknown = await unknownIds(deps, filter.ids ?? []);
      const report = await deps.studio.delete(filter, dry_run === true);
      const verb = report.dryRun ? "Would delete" : "Deleted";
      const cancelled = report.cancelled > 0 ? ` ${report.cancelled} of them unfinished.` : "";
      const missing = unknown.length > 0 ? ` Not on record: ${unknown.join(", ")}.` : "";
      const text = `${verb} ${report.tasks} tasks and ${report.images} images (${size(report.bytes)}).${cancelled}${missing}`;
      const structured = {
        tasks: report.tasks,
        images: report.images,
        bytes: report.bytes,
        cancelled: report.cancelled,
        dry_run: report.dryRun,
        unknown_ids: unknown,
      };
      return { content: [{ type: "text", text }], structuredContent: structured };
    },
  };
}

async function unknownIds(deps: Deps, ids: readonly string[]): Promise<string[]> {
  if (ids.length === 0) return [];
  const { tasks } = await deps.studio.list({ ids }, ids.length);
  const known = new Set(tasks.map((task) => task.id));
  return ids.filter((id) => !known.has(id));
}

/** Parameters in MCP's spelling to a filter; times are normalised to UTC. */
function filterOf(deps: Deps, args: Record<string, unknown>): TaskFilter {
  const filter: TaskFilter = {};
  const found = taskStates.find((word) => word === args["state"]);
  if (found) filter.states = [found];
  if (typeof args["tool"] === "string") filter.tool = knownTool(deps, args["tool"]);
  for (const name of ["since", "before"] as const) {
    const value = args[name];
    if (typeof value === "string") filter[name] = isoTime(name, value);
  }
  return filter;
}

/** A tool that left with its workflow may still have tasks, so only a near miss is refused. */
function knownTool(deps: Deps, name: string): string {
  const close = nearest(name, deps.catalog.tools());
  if (close.length === 0 || close.includes(name)) return name;
  throw new AppError(
    "invalid_input",
    `tool: there is no ${JSON.stringify(name.slice(0, 60))}. Did you mean ${close.join(" or ")}?`,
  );
}

function isoTime(name: string, value: string): string {
  const looksIso = /^\d{4}-\d{2}-\d{2}([T ]\d{2}:\d{2}(:\d{2}(\.\d+)?)?(Z|[+-]\d{2}:?\d{2})?)?$/;
  const time = looksIso.test(value) ? Date.parse(value) : Number.NaN;
  // Date.parse takes 30 February for 2 March.
  const day = new Date(`${value.slice(0, 10)}T00:00Z`);
  const isDay = !Number.isNaN(day.getTime()) && day.toISOString().startsWith(value.slice(0, 10));
  if (Number.isFinite(time) && isDay) return new Date(time).toISOString();
  throw new AppError(
    "invalid_input",
    `${name}: expected an ISO 8601 time such as 2026-05-01 or 2026-05-01T12:00:00Z, got ${JSON.stringify(value.slice(0, 40))}.`,
  );
}

function summary(task: Task): Record<string, unknown> & { task_id: string } {
  const prompt = task.params["prompt"];
  return {
    task_id: task.id,
    state: task.state,
    tool: task.tool,
    workflow: task.workflow,
    created_at: task.createdAt,
    ...(task.finishedAt ? { finished_at: task.finishedAt } : {}),
    ...(typeof prompt === "string" ? { prompt: prompt.slice(0, excerpt) } : {}),
    images: imagesOf(task).map((image) => image.id),
    ...(task.error ? { error: task.error.message.slice(0, 200) } : {}),
  };
}
