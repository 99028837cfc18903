import { type ImageRecord, imagesOf, type Task } from "../../tasks/task.ts";
import { wordMoment } from "../../tasks/when.ts";
import { cut } from "../../words.ts";

/** A task in a list, with what it takes to go on from it: parameters, seeds, places. */
export interface Summary extends Record<string, unknown> {
  task_id: string;
}

/** Prompts have this many characters together, and each of them at least 80. */
const promptRoom = 4_000;
const leastPrompt = 80;

/** How many characters of each prompt a list of so many tasks has room for. */
export function promptLength(tasks: number): number {
  return Math.max(leastPrompt, Math.min(1_000, Math.floor(promptRoom / Math.max(1, tasks))));
}

type Locate = (image: ImageRecord) => string;

export function summary(task: Task, locate: Locate, room: number): Summary {
  const { prompt, ...params } = task.params;
  const images = imagesOf(task);
  return {
    task_id: task.id,
    state: task.state,
    tool: task.tool,
    workflow: task.workflow,
    created_at: task.createdAt,
    ...(task.finishedAt ? { finished_at: task.finishedAt } : {}),
    ...(typeof prompt === "string" ? { prompt: cut(prompt, room) } : {}),
    ...(Object.keys(params).length > 0 ? { params: shortened(params, room) } : {}),
    ...(task.loras ? { loras: task.loras.map(({ name, weight }) => `${name}:${weight}`) } : {}),
    seeds: task.runs.flatMap((run) => run.seed ?? []),
    images: images.map((image) => image.id),
    files: images.map(locate),
    ...sizeOf(task),
    ...(task.error ? { error: task.error.message.slice(0, 200) } : {}),
  };
}

function shortened(params: Record<string, unknown>, room: number): Record<string, unknown> {
  const cutText = (value: unknown) => (typeof value === "string" ? cut(value, room) : value);
  return Object.fromEntries(Object.entries(params).map(([name, value]) => [name, cutText(value)]));
}

function sizeOf(task: Task): { width?: number; height?: number } {
  const [first] = imagesOf(task);
  return first ? { width: first.width, height: first.height } : {};
}

/** The same in a line or two for a reader of text, who can go on from it alone. */
export function summaryLines(task: Task, room: number): string {
  const prompt = task.params["prompt"];
  const images = imagesOf(task);
  const [first] = images;
  const parts = [
    `- ${task.id} ${task.state}, ${task.tool}/${task.workflow}, ${wordMoment(new Date(task.createdAt)).slice(0, 16)}`,
    ...(typeof prompt === "string" && prompt !== "" ? [JSON.stringify(cut(prompt, room))] : []),
    ...(first ? [`${first.width}x${first.height}`] : []),
    ...changed(task),
    ...seedWords(task),
    ...(images.length > 0 ? [`images ${images.map((image) => image.id).join(" ")}`] : []),
    ...(task.error ? [cut(task.error.message, 120)] : []),
  ];
  return parts.join(", ");
}

/** What is worth a word beside the prompt. */
const told = ["strength", "quality", "styles", "factor", "guidance", "steps", "negative_prompt"];

function changed({ params }: Task): string[] {
  return told.flatMap((name) => {
    const value = params[name];
    if (value === undefined || value === "") return [];
    return [`${name} ${cut(Array.isArray(value) ? value.join("+") : String(value), 60)}`];
  });
}

function seedWords({ runs }: Task): string[] {
  const seeds = runs.flatMap((run) => run.seed ?? []);
  const [first] = seeds;
  if (first === undefined) return [];
  return [seeds.length > 1 ? `seeds ${first} … ${seeds.at(-1)}` : `seed ${first}`];
}
