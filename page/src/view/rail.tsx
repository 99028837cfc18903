import { useSignalEffect } from "@preact/signals";
import { useRef } from "preact/hooks";
import { usePage } from "./context.ts";

const width = 256;

/** The ledge's upper edge: this page's task, in the colours of the picture being painted. */
export function Rail() {
  const page = usePage();
  const canvas = useRef<HTMLCanvasElement>(null);
  const state = page.easel.state.value;
  const task = state.at === "task" ? page.gallery.task(state.id) : undefined;
  const running = task?.state === "running" ? task : undefined;
  const share = running ? (page.gallery.progressOf(running.id).value?.fraction ?? 0) : 0;
  useSignalEffect(() => {
    const now = page.easel.state.value;
    if (now.at !== "task" || !canvas.current) return;
    const fraction = page.gallery.progressOf(now.id).value?.fraction ?? 0;
    draw(canvas.current, page.previews.bitmap(now.id).value, fraction);
  });
  return (
    <div class={`rail-box${running ? "" : " idle"}`} aria-hidden="true">
      <canvas class="rail" width={width} height="1" ref={canvas} />
      <i class="tick" style={{ width: `${share * 100}%` }} />
    </div>
  );
}

function draw(canvas: HTMLCanvasElement, bitmap: ImageBitmap | undefined, share: number): void {
  const context = canvas.getContext("2d");
  if (!context) return;
  context.clearRect(0, 0, width, 1);
  if (!bitmap || bitmap.width === 0) return;
  const middle = Math.floor(bitmap.height / 2);
  context.drawImage(bitmap, 0, middle, bitmap.width, 1, 0, 0, width, 1);
  context.clearRect(width * share, 0, width, 1);
}
