import { AppError } from "../errors.ts";
import type { ImageStore } from "../images/store.ts";
import type { Recipe } from "../workflows/recipe.ts";
import type { PreparedInputs } from "./inputs.ts";
import { sameCall } from "./same-call.ts";
import type { TaskStore } from "./store/store.ts";
import { keptInputs, type Task } from "./task.ts";

export interface Taken {
  task: Task;
  recipe: Recipe;
  /** False for a call that had been made before. */
  isNew: boolean;
}

/** Puts a task that is known to be good on record, with the pictures it needs. */
export class Recorder {
  readonly #store: TaskStore;
  readonly #images: ImageStore;

  constructor(store: TaskStore, images: ImageStore) {
    this.#store = store;
    this.#images = images;
  }

  /**
   * Inputs, recipe, record; what fails in between takes back what was registered. Throws `not_found`
   * where what it is made from is not there any more.
   */
  async keep(
    task: Task,
    recipe: Recipe,
    pictures: PreparedInputs["pictures"],
    isThere: () => Promise<boolean> = async () => true,
  ): Promise<Taken> {
    try {
      const inputs = keptInputs(task).map(({ sha256 }) => sha256);
      if (inputs.length > 0) await this.#store.useInputs(task.id, inputs);
      if (!(await isThere())) {
        throw new AppError("not_found", "The task to make again has just been deleted.");
      }
      for (const { bytes, mimeType } of pictures.values()) {
        await this.#images.putInput(bytes, mimeType);
      }
      const earlier = await this.#store.insert(task, recipe);
      if (!earlier) return { task, recipe, isNew: true };
      await this.#takeBack(task);
      return { task: sameCall(earlier, task.idempotency), recipe, isNew: false };
    } catch (error) {
      await this.#takeBack(task).catch(() => {
        // The sweep does it.
      });
      throw error;
    }
  }

  async #takeBack(task: Task): Promise<void> {
    await this.#store.dropInputs(task.id);
    for (const { sha256, mimeType } of keptInputs(task)) {
      const isUsed = async () => (await this.#store.otherUsers(sha256, task.id)) > 0;
      if (!(await isUsed())) await this.#images.deleteInput(sha256, mimeType, isUsed);
    }
  }
}
