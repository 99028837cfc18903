import { type DeliveryFormat, deliver } from "../../images/convert.ts";
import type { Studio } from "../../studio/studio.ts";
import type { ImageRecord, Task } from "../../tasks/task.ts";
import { withText } from "../shared/picture-text.ts";
import { callOf } from "./call.ts";
import { metadataOf } from "./metadata.ts";

/**
 * What an Accept header of `image/…` asks for; a format that is not known is PNG. Undefined for
 * anything else, a browser's list too.
 */
export function formatIn(accept: string | undefined): DeliveryFormat | undefined {
  const [kind, format, ...more] = (accept ?? "").toLowerCase().split("/");
  if (kind?.trim() !== "image" || format === undefined || more.length > 0) return undefined;
  return formatNamed(format.replace(/[;,].*$/, "").trim()) ?? "png";
}

/** By the word or the extension. */
export function formatNamed(word: string): DeliveryFormat | undefined {
  if (word === "jpg" || word === "jpeg") return "jpeg";
  return word === "png" || word === "webp" ? word : undefined;
}

/** A result in this format, with what the call wanted written into it. */
export async function pictureBytes(
  studio: Studio,
  task: Task,
  image: ImageRecord,
  format: DeliveryFormat | undefined,
): Promise<Buffer> {
  const { bytes } = await studio.pictures.original(image.id);
  const whole = await deliver(bytes, { format });
  const params = callOf(task)?.params;
  if (!params || params["save_metadata_to_images"] === false) return whole;
  return withText(whole, metadataOf(task, image));
}
