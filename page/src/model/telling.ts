import { hasEnded, type Progress, type Task } from "../records.ts";
import { pictures, titleOf } from "./words.ts";

/**
 * What is worth a sentence to those who cannot see it: only what this page asked for, at its half
 * and at its end. A failure is an alert where it is shown.
 */
export class Telling {
  readonly #say: (sentence: string) => void;
  readonly #half = new Set<string>();

  constructor(say: (sentence: string) => void) {
    this.#say = say;
  }

  state(task: Task, before: Task | undefined): void {
    if (task.via !== "page" || !hasEnded(task) || (before && hasEnded(before))) return;
    this.#half.delete(task.id);
    if (task.state !== "completed") return;
    const count = task.images.length;
    this.#say(`${pictures(count)} ${count === 1 ? "is" : "are"} ready.`);
  }

  progress(task: Task | undefined, { fraction }: Progress): void {
    if (task?.via !== "page" || fraction < 0.5 || this.#half.has(task.id)) return;
    this.#half.add(task.id);
    this.#say("Painting, half done.");
  }
}

/** The tab's title: how far the picture in the making is. */
export function tabTitle(task: Task | undefined, progress: Progress | undefined): string {
  if (!task || hasEnded(task)) return "comfy-easel";
  return `${Math.round((progress?.fraction ?? 0) * 100)} % ${titleOf(task)}`;
}
