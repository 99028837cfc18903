import type { Client } from "../client.ts";
import { extensionOf } from "../model/media.ts";
import type { PictureRecord } from "../records.ts";

/** Saves the original as it is on record. */
export async function download(client: Client, picture: PictureRecord): Promise<void> {
  const link = document.createElement("a");
  link.href = await client.picture(picture.id, { download: true });
  link.download = `${picture.id}.${extensionOf(picture)}`;
  document.body.append(link);
  link.click();
  link.remove();
}
