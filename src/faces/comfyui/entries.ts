import { asciiJson, type Reply } from "../../as-comfyui/reply.ts";
import type { Prompts } from "../../studio/prompts.ts";
import type { Task } from "../../tasks/task.ts";
import { historyEntry } from "./map.ts";

const mostKept = 2_000;
/** Characters; graphs with the editor's workflow beside them take a megabyte. */
const mostText = 64 * 1024 * 1024;

/** History entries as text: some clients ask for all of them ten times a second. */
export class Entries {
  readonly #texts = new Map<string, string>();
  #length = 0;

  async reply(prompts: Prompts, tasks: readonly Task[]): Promise<Reply> {
    const texts = await Promise.all(tasks.map((task) => this.#text(prompts, task)));
    const body = `{${texts.filter((text) => text !== "").join(",")}}`;
    return { status: 200, headers: { "content-type": "application/json; charset=utf-8" }, body };
  }

  /** `"id": entry`; empty where its recipe is not on record any more. */
  async #text(prompts: Prompts, task: Task): Promise<string> {
    const key = `${task.id} ${task.finishedAt}`;
    const known = this.#texts.get(key);
    if (known !== undefined) return known;
    const prompt = await prompts.withRecipe(task);
    if (!prompt) return "";
    const text = `${JSON.stringify(prompt.task.prompt.id)}:${asciiJson(historyEntry(prompt))}`;
    if (this.#texts.size >= mostKept || this.#length + text.length > mostText) {
      this.#texts.clear();
      this.#length = 0;
    }
    this.#texts.set(key, text);
    this.#length += text.length;
    return text;
  }
}
