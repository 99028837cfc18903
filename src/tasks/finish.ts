import { keepUnmasked, putBackground } from "../images/composite.ts";
import { deliver } from "../images/convert.ts";
import type { ImageStore } from "../images/store.ts";
import type { InputRecord, Task } from "./task.ts";

/** From what ComfyUI made to what is handed over: put into its place, exact size, format. */
export async function finishPicture(images: ImageStore, task: Task, made: Buffer): Promise<Buffer> {
  const placed = await place(images, task, made);
  return deliver(placed, {
    format: task.outputFormat,
    ...task.deliver,
    bars: task.fit === "fit",
  });
}

async function place(images: ImageStore, { finish }: Task, made: Buffer): Promise<Buffer> {
  const read = ({ sha256, mimeType }: InputRecord) => images.readInput(sha256, mimeType);
  switch (finish?.kind) {
    case undefined:
      return made;
    case "keep_unmasked":
      return keepUnmasked(await read(finish.original), made, await read(finish.mask));
    case "background":
      return putBackground(
        made,
        finish.image ? { image: await read(finish.image) } : { color: finish.color ?? "white" },
      );
  }
}
