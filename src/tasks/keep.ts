import type { ImageStore } from "../images/store.ts";
import { verdictAdvice } from "../images/survey.ts";
import { finishFor, sizeNote } from "./finish.ts";
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
  const { bytes, info, preview, meanColor, verdict, notes } = await finishFor(images, task, made);
  const { mimeType, width, height, hasAlpha } = info;
  const size = sizeNote(task, info);
  const { sha256 } = await images.putResult(id, bytes, mimeType, preview);
  return {
    record: { id, mimeType, width, height, bytes: bytes.length, hasAlpha, sha256, meanColor },
    notes: [...notes, ...(verdict ? [verdictAdvice(verdict)] : []), ...(size ? [size] : [])],
  };
}
