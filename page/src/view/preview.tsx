import { useSignalEffect } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import { usePage } from "./context.ts";

const fade = 180;

/** The picture in the making: each frame fades in over the one before. */
export function Preview({ taskId, label }: { taskId: string; label?: string }) {
  const { previews } = usePage();
  const canvas = useRef<HTMLCanvasElement>(null);
  useEffect(() => previews.watch(taskId), [taskId]);
  useSignalEffect(() => {
    const bitmap = previews.bitmap(taskId).value;
    if (bitmap && canvas.current) crossFade(canvas.current, bitmap);
  });
  return (
    <canvas
      ref={canvas}
      width="8"
      height="8"
      {...(label ? { role: "img", "aria-label": label } : { "aria-hidden": true })}
    />
  );
}

function crossFade(canvas: HTMLCanvasElement, bitmap: ImageBitmap): void {
  const context = canvas.getContext("2d");
  if (!context) return;
  const width = 640;
  const height = Math.round((640 * bitmap.height) / bitmap.width);
  const first = canvas.width !== width || canvas.height !== height;
  if (first) {
    canvas.width = width;
    canvas.height = height;
  }
  context.imageSmoothingQuality = "high";
  const calm = matchMedia("(prefers-reduced-motion: reduce)").matches;
  if (first || calm) {
    context.drawImage(bitmap, 0, 0, width, height);
    return;
  }
  const start = performance.now();
  const draw = (now: number) => {
    // A bitmap that was closed meanwhile has no size.
    if (bitmap.width === 0) return;
    const share = Math.min(1, Math.max(0, (now - start) / fade));
    context.globalAlpha = share < 1 ? 0.35 : 1;
    context.drawImage(bitmap, 0, 0, width, height);
    context.globalAlpha = 1;
    if (share < 1) requestAnimationFrame(draw);
  };
  requestAnimationFrame(draw);
}
