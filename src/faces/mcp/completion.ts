import { AppError } from "../../errors.ts";
import { imagesOf, type Task } from "../../tasks/task.ts";
import type { Deps } from "./deps.ts";
import { promptCalled } from "./prompts.ts";
import { resourceTemplates } from "./resources.ts";

/** What is being typed, and where. */
export interface Typed {
  /** A prompt's name, or a resource template's URI. */
  of: { prompt: string } | { template: string };
  argument: string;
  value: string;
}

export interface Completions {
  values: string[];
  /** How many there are in all. */
  total: number;
  hasMore: boolean;
}

/** The most that MCP takes at once. */
const most = 100;
/** How far back pictures and tasks are looked for. */
const tasksSeen = 200;

/** What the typed text may become, those that begin with it first. Throws `not_found`. */
export async function completionsOf(deps: Deps, typed: Typed): Promise<Completions> {
  const all = [...new Set(await candidates(deps, typed))];
  return { values: all.slice(0, most), total: all.length, hasMore: all.length > most };
}

function candidates(deps: Deps, { of, argument, value }: Typed): Promise<string[]> | string[] {
  if ("template" in of) return ofTemplate(deps, of.template, value);
  const kind = promptCalled(of.prompt).arguments.find(({ name }) => name === argument)?.of;
  switch (kind) {
    case "image":
      return imageIds(deps, value);
    case "workflow":
      return matching(workflowNames(deps), value);
    case "style":
      return matching(
        deps.studio.styles().map(({ name }) => name),
        value,
      );
    case "model":
    case "lora":
      return installedFiles(deps, kind, value);
    default:
      return [];
  }
}

function ofTemplate(deps: Deps, uri: string, value: string): Promise<string[]> | string[] {
  switch (resourceTemplates.find(({ uriTemplate }) => uriTemplate === uri)?.name) {
    case "image":
      return imageIds(deps, value);
    case "task":
      return taskIds(deps, value);
    case "workflow":
      return matching(workflowNames(deps), value);
    default:
      throw new AppError(
        "not_found",
        `There is no resource template ${JSON.stringify(uri.slice(0, 120))}. Known: ${resourceTemplates.map(({ uriTemplate }) => uriTemplate).join(", ")}.`,
      );
  }
}

function workflowNames({ catalog }: Deps): string[] {
  return catalog.all().map(({ name }) => name);
}

/** Nothing while ComfyUI is away: a menu is no place for that news. */
async function installedFiles({ studio }: Deps, kind: "model" | "lora", value: string) {
  try {
    const { models, loras } = await studio.installed();
    return matching(kind === "lora" ? loras : models.flatMap(({ files }) => files), value);
  } catch (error) {
    if (error instanceof AppError) return [];
    throw error;
  }
}

async function imageIds(deps: Deps, value: string): Promise<string[]> {
  return (await tasksFor(deps, value)).flatMap(imagesOf).map(({ id }) => id);
}

async function taskIds(deps: Deps, value: string): Promise<string[]> {
  return (await tasksFor(deps, value)).map(({ id }) => id);
}

/** By id, or by a word of the prompt: ids say nothing to a person. */
async function tasksFor({ studio }: Deps, value: string): Promise<Task[]> {
  const { tasks } = await studio.list({}, tasksSeen);
  const typed = value.toLowerCase();
  const byId = tasks.filter(
    (task) => task.id.startsWith(typed) || imagesOf(task).some(({ id }) => id.startsWith(typed)),
  );
  if (byId.length > 0) return byId;
  return tasks.filter(({ params }) =>
    String(params["prompt"] ?? "")
      .toLowerCase()
      .includes(typed),
  );
}

function matching(values: readonly string[], typed: string): string[] {
  const wanted = typed.toLowerCase();
  const first = values.filter((value) => value.toLowerCase().startsWith(wanted));
  const others = values.filter((value) => value.toLowerCase().includes(wanted));
  return [...first, ...others];
}
