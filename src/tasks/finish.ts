import { type FinishedPicture, type Finishing, finishPicture } from "../images/finish.ts";
import type { ImageStore } from "../images/store.ts";
import type { Size } from "../workflows/sizes.ts";
import type { InputRecord, Task } from "./task.ts";

/** From what ComfyUI made to what is handed over: put into its place, exact size, format. */
export async function finishFor(
  images: ImageStore,
  task: Task,
  made: Buffer,
): Promise<FinishedPicture> {
  return await finishPicture(made, {
    finishing: await finishingOf(images, task),
    format: task.outputFormat,
    size: task.deliver,
    bars: task.fit === "fit",
  });
}

/** What to tell of a picture whose size is not the one asked for. */
export function sizeNote({ asked, workflow }: Task, made: Size): string | undefined {
  if (!asked || (asked.width === made.width && asked.height === made.height)) return undefined;
  return `The picture is ${made.width}x${made.height}, not ${asked.width}x${asked.height}: workflow ${workflow} changes the size by itself.`;
}

async function finishingOf(images: ImageStore, { finish }: Task): Promise<Finishing | undefined> {
  const read = ({ sha256, mimeType }: InputRecord) => images.readInput(sha256, mimeType);
  switch (finish?.kind) {
    case undefined:
      return undefined;
    case "keep_unmasked":
      return {
        kind: "keep_unmasked",
        original: await read(finish.original),
        mask: await read(finish.mask),
      };
    case "keep_alpha":
      return { kind: "keep_alpha", original: await read(finish.original) };
    case "background":
      return finish.image
        ? { kind: "background", image: await read(finish.image) }
        : { kind: "background", color: finish.color ?? "white" };
  }
}
