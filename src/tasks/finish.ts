import { type FinishedPicture, type Finishing, finishPicture } from "../images/finish.ts";
import type { ImageStore } from "../images/store.ts";
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
    case "background":
      return finish.image
        ? { kind: "background", image: await read(finish.image) }
        : { kind: "background", color: finish.color ?? "white" };
  }
}
