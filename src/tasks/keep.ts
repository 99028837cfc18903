import { largestResultPixels } from "../images/decoder.ts";
import { inspectImage } from "../images/inspect.ts";
import type { ImageStore } from "../images/store.ts";
import { finishPicture } from "./finish.ts";
import type { ImageRecord, Task } from "./task.ts";

export interface Kept {
  record: ImageRecord;
  /** What the caller should know about it. */
  notes: string[];
}

/** From the bytes ComfyUI made to a picture of the task: finished, checked, on disk. */
export async function keepPicture(
  images: ImageStore,
  task: Readonly<Task>,
  id: string,
  made: Buffer,
): Promise<Kept> {
  const bytes = await finishPicture(images, task, made);
  const info = await inspectImage(bytes, "the picture from ComfyUI", largestResultPixels);
  const { sha256 } = await images.putResult(id, bytes, info.mimeType);
  const { mimeType, width, height, hasAlpha } = info;
  return {
    record: { id, mimeType, width, height, bytes: bytes.length, hasAlpha, sha256 },
    notes: [],
  };
}
