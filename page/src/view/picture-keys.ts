import type { Found } from "../model/gallery.ts";
import { kindOf } from "../model/media.ts";
import type { Page } from "../model/page.ts";
import { titleOf } from "../model/words.ts";
import { deleteAndStay } from "./delete-and-stay.ts";
import { download } from "./download.ts";

/** What can be done with one picture, by key; the panel's buttons do the same. */
export function pictureKeys(page: Page, { task, picture }: Found): Record<string, () => void> {
  const run = (work: Promise<void>) => void work.catch((error) => page.fail(error));
  const ofAny = {
    a: () => run(page.again(task)),
    d: () => run(download(page.client, picture)),
    delete: () => {
      if (page.catalogue.mayDelete.value) deleteAndStay(page, task);
    },
  };
  if (kindOf(picture) !== "picture") return ofAny;
  return {
    ...ofAny,
    v: () => run(page.vary(task, picture)),
    i: () => page.use(task, picture),
    m: () => page.go({ at: "mask", id: picture.id }),
    x: () => page.paintBeyond(task, picture),
    u: () => run(page.run("upscale", picture, titleOf(task))),
    b: () => run(page.run("remove_background", picture, titleOf(task))),
  };
}
