import { finishPicture } from "../images/finish.ts";
import { type MediaMimeType, mediaName, sniffMedia } from "../images/media.ts";
import type { ImageStore } from "../images/store.ts";
import { verdictAdvice } from "../images/survey.ts";
import { finishFor, sizeNote } from "./finish.ts";
import type { ImageRecord, Task } from "./task.ts";

export interface Kept {
  record: ImageRecord;
  /** What the caller should know about it. */
  notes: string[];
}

/** From the bytes ComfyUI made to a result of the task, on disk; what is no picture stays as it is. */
export function keepResult(
  images: ImageStore,
  task: Readonly<Task>,
  id: string,
  made: Buffer,
  still?: Buffer,
): Promise<Kept> {
  const media = sniffMedia(made);
  if (!media) return keepPicture(images, task, id, made);
  return keepMedia(images, task, id, { bytes: made, mimeType: media, still });
}

async function keepMedia(
  images: ImageStore,
  { outputFormat, finish }: Readonly<Task>,
  id: string,
  {
    bytes,
    mimeType,
    still,
  }: { bytes: Buffer; mimeType: MediaMimeType; still?: Buffer | undefined },
): Promise<Kept> {
  // One that cannot be read hinders nothing: it only shows what the film begins with.
  const shown = still && (await finishPicture(still).catch(() => undefined));
  const { sha256 } = await images.putResult(id, bytes, mimeType, shown?.preview);
  const { width, height } = shown?.info ?? { width: 0, height: 0 };
  const unmet = [
    ...(outputFormat ? [`output_format ${outputFormat}`] : []),
    ...(finish ? ["what was to be done to its pixels"] : []),
  ];
  const note = `The result (${mediaName(mimeType)}) is handed over as it was made, without ${unmet.join(" and ")}.`;
  return {
    record: {
      ...{ id, mimeType, width, height, bytes: bytes.length, hasAlpha: false, sha256 },
      ...(shown && { meanColor: shown.meanColor }),
    },
    notes: unmet.length > 0 ? [note] : [],
  };
}

/** A file that is neither: kept as it was made. */
export async function keepAsMade(images: ImageStore, id: string, bytes: Buffer): Promise<Kept> {
  const mimeType = "application/octet-stream";
  const { sha256 } = await images.putResult(id, bytes, mimeType);
  return {
    record: { id, mimeType, width: 0, height: 0, bytes: bytes.length, hasAlpha: false, sha256 },
    notes: [],
  };
}

/** Finished, checked, on disk. */
async function keepPicture(
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
