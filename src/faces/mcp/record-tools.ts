import { z } from "zod";
import { AppError } from "../../errors.ts";
import type { DeleteReport } from "../../tasks/deletion.ts";
import type { TaskFilter } from "../../tasks/store/store.ts";
import type { Task } from "../../tasks/task.ts";
import { counted } from "../../words.ts";
import type { Answer } from "./answer.ts";
import type { Deps } from "./deps.ts";
import { choose, manyTasks } from "./question.ts";
import { filterSchema, narrowed } from "./record-filter.ts";
import { promptLength, summary, summaryLines } from "./task-summary.ts";
import { reading, removing } from "./task-tools.ts";
import type { Call, Tool } from "./tool.ts";
import { size } from "./words.ts";

/** Of those that a deletion would take. */
const mostNamed = 20;

export function listTasks(deps: Deps): Tool {
  return {
    name: "list_tasks",
    title: "List tasks",
    description:
      "Tasks on record, newest first, with prompts, parameters, seeds and image ids, to go on from. They survive restarts.",
    input: z.strictObject({
      ...filterSchema,
      limit: z.int().min(1).max(100).default(20).describe("Tasks per page"),
      cursor: z.string().optional().describe("next_cursor of the page before"),
    }),
    output: z.looseObject({ tasks: z.array(z.unknown()) }),
    annotations: reading,
    async run({ limit, cursor, ...rest }) {
      const { filter, understood } = await narrowed(deps, rest);
      const from = typeof cursor === "string" ? cursor : undefined;
      const page = await deps.studio.list(filter, Number(limit), from);
      const room = promptLength(page.tasks.length);
      const lines = [
        `${counted(page.tasks.length, "task")}${understood === "" ? "" : ` ${understood}`}${page.tasks.length > 0 ? ", newest first:" : "."}`,
        ...page.tasks.map((task) => summaryLines(task, room)),
        ...(page.cursor ? [`More with cursor ${JSON.stringify(page.cursor)}.`] : []),
      ];
      return {
        content: [{ type: "text", text: lines.join("\n") }],
        structured: {
          tasks: page.tasks.map((task) =>
            summary(task, (image) => deps.studio.pictures.place(image), room),
          ),
          ...(page.cursor ? { next_cursor: page.cursor } : {}),
        },
      };
    },
  };
}

export function deleteTasks(deps: Deps): Tool {
  return {
    name: "delete_tasks",
    title: "Delete tasks",
    description:
      "Delete tasks and their pictures for good; running ones are cancelled first. Try dry_run first.",
    input: z.strictObject({
      task_ids: z.array(z.string()).min(1).max(500).optional().describe("These tasks"),
      ...filterSchema,
      dry_run: z.boolean().default(false).describe("Only say what would be deleted"),
    }),
    output: z.looseObject({ tasks: z.number(), images: z.number(), bytes: z.number() }),
    annotations: removing,
    async run({ dry_run, task_ids, ...rest }, call) {
      const { filter, understood } = await narrowed(deps, rest);
      if (Array.isArray(task_ids)) filter.ids = task_ids.map(String);
      if (Object.keys(filter).length === 0) {
        throw new AppError(
          "invalid_input",
          'Say what to delete: task_ids, state, tool, since or before. To delete everything, give before: "tomorrow".',
        );
      }
      const isDry = dry_run === true;
      const kept = isDry ? undefined : await declined(deps, filter, call);
      if (kept) return kept;
      return deleted(deps, filter, isDry, understood);
    },
  };
}

async function deleted(
  deps: Deps,
  filter: TaskFilter,
  isDry: boolean,
  understood: string,
): Promise<Answer> {
  const unknown = await unknownIds(deps, filter.ids ?? []);
  const named = isDry ? await wouldGo(deps, filter) : [];
  const report = await deps.studio.delete(filter, isDry);
  const missing = unknown.length > 0 ? [`Not on record: ${unknown.join(", ")}.`] : [];
  const more = report.tasks - named.length;
  const lines = [
    [deletionWords(report, understood), ...missing].join(" "),
    ...named.map((task) => summaryLines(task, promptLength(mostNamed))),
    ...(isDry && more > 0 ? [`… and ${more} more.`] : []),
  ];
  return {
    content: [{ type: "text", text: lines.join("\n") }],
    structured: {
      tasks: report.tasks,
      images: report.images,
      bytes: report.bytes,
      cancelled: report.cancelled,
      dry_run: report.dryRun,
      unknown_ids: unknown,
      ...(isDry ? { would_delete: named.map(({ id }) => id) } : {}),
    },
  };
}

/** More than a few are deleted only if the person says so, where there is one to ask. */
async function declined(deps: Deps, filter: TaskFilter, call: Call): Promise<Answer | undefined> {
  if (!call.ask) return undefined;
  const tasks = await deps.studio.count(filter);
  if (tasks <= manyTasks) return undefined;
  const [yes, no] = ["Delete", "Keep"];
  const question = `Delete ${counted(tasks, "task")} and their pictures for good?`;
  if ((await choose(call.ask, "delete", question, [yes, no])) === yes) return undefined;
  const text = "Nothing was deleted: the person at the client did not agree.";
  return {
    content: [{ type: "text", text }],
    structured: { tasks: 0, images: 0, bytes: 0, cancelled: 0, dry_run: false, unknown_ids: [] },
  };
}

function deletionWords(report: DeleteReport, understood: string): string {
  const verb = report.dryRun ? "Would delete" : "Deleted";
  const what = `${counted(report.tasks, "task")} and ${counted(report.images, "image")} (${size(report.bytes)})`;
  const cancelled = report.cancelled > 0 ? ` ${report.cancelled} of them unfinished.` : "";
  return `${verb} ${what}${understood === "" ? "" : ` ${understood}`}.${cancelled}`;
}

/** The first of them, so that a person can say yes or no. */
async function wouldGo(deps: Deps, filter: TaskFilter): Promise<Task[]> {
  return (await deps.studio.list(filter, mostNamed)).tasks;
}

async function unknownIds(deps: Deps, ids: readonly string[]): Promise<string[]> {
  if (ids.length === 0) return [];
  const { tasks } = await deps.studio.list({ ids }, ids.length);
  const known = new Set(tasks.map((task) => task.id));
  return ids.filter((id) => !known.has(id));
}
