import type { Found } from "../model/gallery.ts";
import type { Page } from "../model/page.ts";

/** The picture that a key is for: the open one, the one in focus, or the finished one. */
export function pictureInFront(page: Page): Found | undefined {
  const route = page.route.value;
  if (route.at === "picture") return page.gallery.lookup(route.id);
  const key = (document.activeElement as HTMLElement | null)?.dataset?.["key"];
  if (key !== undefined) return page.gallery.lookup(key);
  const state = page.easel.state.value;
  const task = state.at === "task" ? page.gallery.task(state.id) : undefined;
  const picture = task?.images[0];
  return task && picture ? { task, picture } : undefined;
}
