import { pause } from "../back-off.ts";
import type { NodeErrors } from "../comfy/protocol.ts";
import type { Recipe } from "../workflows/recipe.ts";
import { type GraphAnswer, type GraphCall, GraphIntake, type GraphsParts } from "./graphs.ts";
import type { LiveTask } from "./live-task.ts";
import type { Asker, SubmitOptions } from "./submission.ts";
import type { Task } from "./task.ts";

/** Nodes may check their inputs by themselves, which only their ComfyUI can do: it is waited for. */
const refusedWithinMs = 400;

export interface HandInParts extends GraphsParts {
  hold(): Promise<string>;
  begin(task: Task, recipe: Recipe): void;
  live(id: string): LiveTask | undefined;
  remove(task: Task): Promise<unknown>;
}

/** Takes graphs that callers hand in, and counts them. */
export class HandIn {
  readonly #parts: HandInParts;
  readonly #intake: GraphIntake;
  /** By caller, what the next one gets. */
  readonly #numbers = new Map<string, Promise<{ next: number }>>();

  constructor(parts: HandInParts) {
    this.#parts = parts;
    this.#intake = new GraphIntake(parts);
  }

  /** Counts on with every call, as each ComfyUI does for all of its clients. */
  async counter(caller: string): Promise<() => number> {
    const known = this.#numbers.get(caller) ?? this.#firstNumber(caller);
    this.#numbers.set(caller, known);
    const count = await known;
    return () => count.next++;
  }

  async #firstNumber(caller: string): Promise<{ next: number }> {
    const [last] = await this.#parts.store.names.list(caller, "prompt", 1);
    const task = last && (await this.#parts.store.get(last.ref));
    const number = task?.prompt?.number;
    return { next: number === undefined ? 0 : Math.floor(Math.abs(number)) + 1 };
  }

  /** What ComfyUI refuses at once leaves nothing behind; later refusals are told by the record. */
  async submit(call: GraphCall, asker: Asker, options: SubmitOptions): Promise<GraphAnswer> {
    const taken = await this.#intake.take(call, asker, options, () => this.#parts.hold());
    if ("error" in taken) return { kind: "refused", refusal: taken };
    const { task, recipe, nodeErrors, isNew } = taken;
    if (!isNew) return { kind: "taken", task, nodeErrors, isNew };
    this.#parts.begin(task, recipe);
    const refused = await this.#refusedAtOnce(task.id);
    if (!refused) return { kind: "taken", task, nodeErrors, isNew };
    await this.#parts.remove(task);
    const details = Object.values(refused).flatMap(({ errors }) =>
      errors.map((error) => `${error.message}: ${error.details}`),
    );
    const error = {
      type: "prompt_outputs_failed_validation",
      message: "Prompt outputs failed validation",
      details: details.join("\n"),
      extra_info: {},
    };
    return { kind: "refused", refusal: { error, node_errors: refused } };
  }

  async #refusedAtOnce(id: string): Promise<NodeErrors | undefined> {
    const live = this.#parts.live(id);
    if (!live) return undefined;
    await pause(refusedWithinMs, live.posted);
    if (!live.posted.aborted || live.isLost) return undefined;
    const [run] = live.draft.runs;
    return run?.error?.nodeErrors;
  }
}
