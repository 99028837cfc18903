import type { Page } from "../model/page.ts";
import type { Task } from "../records.ts";

/** The next one takes its place, at the end the one before; focus goes with it. */
export function deleteAndStay(page: Page, task: Task): void {
  const shown = page.gallery.tasks.value.filter(({ images }) => images.length > 0);
  const at = shown.findIndex(({ id }) => id === task.id);
  const next = shown[at + 1] ?? shown[at - 1];
  const [picture] = next?.images ?? [];
  page.delete([task]);
  if (page.route.value.at === "picture") {
    page.go(picture ? { at: "picture", id: picture.id } : { at: "wall" });
    return;
  }
  const key = picture?.id;
  if (key === undefined) return;
  requestAnimationFrame(() => {
    document.querySelector<HTMLElement>(`[data-key="${CSS.escape(key)}"]`)?.focus();
  });
}
