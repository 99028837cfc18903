import { messageOf } from "../errors.ts";
import type { ImageStore } from "../images/store.ts";
import type { Log } from "../log.ts";
import { isTerminal } from "./state.ts";
import type { TaskStore } from "./store/store.ts";
import { imagesOf, keptInputs, type Task } from "./task.ts";

const atOnce = 200;

/**
 * Removes the files of a concealed task, then its record. After a crash anywhere in between the
 * sweep does the rest, so neither a record without files nor files without a record stays. Never
 * by looking for files without a record: after the loss of a database those are all there is.
 */
export async function erase(store: TaskStore, images: ImageStore, task: Task): Promise<void> {
  for (const image of imagesOf(task)) await images.deleteResult(image.id, image.mimeType);
  for (const { sha256, mimeType } of keptInputs(task)) {
    if ((await store.otherUsers(sha256, task.id)) > 0) continue;
    await images.deleteInput(sha256, mimeType);
  }
  await store.erase(task.id);
}

/** Ends the deletions that a crash left half done, and clears away unfinished files. */
export async function sweep(store: TaskStore, images: ImageStore, log: Log): Promise<void> {
  try {
    const alive = new Set((await store.servers()).map((server) => server.id));
    const halfDone = await store.concealed(atOnce);
    // A run that is still letting go ends the deletion of its task itself.
    const left = halfDone.filter(
      ({ state, owner }) => isTerminal(state) || !alive.has(owner ?? ""),
    );
    for (const task of left) await erase(store, images, task);
    if (left.length > 0) log.info(`ended ${left.length} deletions that a crash left half done`);
    if (left.length === atOnce) return await sweep(store, images, log);
    await images.sweepTemp();
  } catch (error) {
    log.warn(`the sweep of the data folder stopped: ${messageOf(error)}`);
  }
}
