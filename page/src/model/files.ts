import type { Page } from "./page.ts";

/** A picture may be dropped or pasted anywhere on the page. */
export function listenForFiles(page: Page, view: Window): void {
  let depth = 0;
  const carries = (event: DragEvent) => event.dataTransfer?.types.includes("Files") ?? false;
  const over = (change: number) => {
    depth = Math.max(0, depth + change);
    page.dragging.value = depth > 0;
  };
  view.addEventListener("dragenter", (event) => {
    if (carries(event)) over(1);
  });
  view.addEventListener("dragleave", (event) => {
    if (carries(event)) over(-1);
  });
  view.addEventListener("dragover", (event) => {
    if (carries(event)) event.preventDefault();
  });
  view.addEventListener("drop", (event) => {
    over(-depth);
    const [file] = event.dataTransfer?.files ?? [];
    if (!file) return;
    event.preventDefault();
    void page.take(file);
  });
  view.addEventListener("paste", (event) => {
    const file = [...(event.clipboardData?.files ?? [])].find(({ type }) =>
      type.startsWith("image/"),
    );
    if (!file) return;
    event.preventDefault();
    void page.take(file);
  });
}
