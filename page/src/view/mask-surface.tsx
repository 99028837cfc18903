import { useLayoutEffect, useRef, useState } from "preact/hooks";
import type { Point, Stroke } from "../model/mask-strokes.ts";
import type { Place } from "../model/mask-view.ts";
import type { MaskPainter } from "./mask-painter.ts";
import type { MaskTool } from "./mask-tools.tsx";
import { useMaskKeys } from "./use-mask-keys.ts";
import { useMaskPointers } from "./use-mask-pointers.ts";
import type { Camera } from "./use-mask-view.ts";

export interface SurfaceProps {
  src: string | undefined;
  size: { width: number; height: number };
  tool: MaskTool;
  brush: number;
  painter: MaskPainter;
  camera: Camera;
  /** Grows with every change that was made elsewhere. */
  version: number;
  /** Draws again without the line that was begun. */
  abandon: () => void;
  commit: (stroke: Stroke) => void;
  pick: (tool: MaskTool) => void;
  resize: (size: number) => void;
  undo: () => void;
  redo: () => void;
}

/** The picture under its mask; one finger, pen, mouse, or the arrow keys paint on it, two fingers move it. */
export function MaskSurface(props: SurfaceProps) {
  const { src, size, tool, brush, painter, camera } = props;
  const canvas = useRef<HTMLCanvasElement>(null);
  const ring = useRef<HTMLElement>(null);
  const line = useRef<Point[] | undefined>(undefined);
  const at = useRef<Point>({ x: size.width / 2, y: size.height / 2 });
  const [hand, setHand] = useState(false);
  const show = () => {
    const element = canvas.current;
    if (!element) return;
    const ratio = fitCanvas(element);
    const place = enlarged(camera.place, ratio);
    painter.show(element, place, ratio);
    moveRing(ring.current, at.current, camera.place, tool === "box" ? 0 : brush);
    const from = line.current?.[0];
    if (tool === "box" && from) outline(element, from, at.current, place);
  };
  useLayoutEffect(show);
  useLayoutEffect(() => canvas.current?.focus({ preventScroll: true }), []);
  const begin = (point: Point) => {
    line.current = [point];
    at.current = point;
    if (tool !== "box") painter.extend(tool === "eraser", brush, [point]);
    show();
  };
  const go = (point: Point) => {
    const before = line.current?.at(-1);
    at.current = point;
    if (before && line.current) {
      line.current.push(point);
      if (tool !== "box") painter.extend(tool === "eraser", brush, [before, point]);
    }
    show();
  };
  const isOpen = () => line.current !== undefined;
  const end = () => {
    const points = line.current;
    line.current = undefined;
    const [from] = points ?? [];
    if (!points || !from) return;
    if (tool === "box") {
      const stroke: Stroke = { kind: "box", from, to: at.current };
      painter.draw(stroke);
      props.commit(stroke);
    } else props.commit({ kind: tool, size: brush, points });
  };
  const abandon = () => {
    if (!line.current) return;
    line.current = undefined;
    props.abandon();
  };
  const painting = { begin, go, end, abandon, isOpen };
  const pointers = useMaskPointers(camera, hand, painting);
  const keys = useMaskKeys(props, at, painting, pointers.moved, setHand);
  return (
    <div
      class={hand ? "mk hand" : "mk"}
      ref={camera.room}
      onPointerEnter={({ pointerType }) => {
        // From a tool to the picture: the keys are the picture's again.
        const before = document.activeElement;
        if (pointerType === "mouse" && before?.closest(".tools button, .zoom")) {
          canvas.current?.focus({ preventScroll: true });
        }
      }}
      onPointerDown={(event) => {
        if (event.button > 1) return;
        event.preventDefault();
        canvas.current?.focus({ preventScroll: true });
        pointers.down(event);
      }}
      onPointerMove={pointers.move}
      onPointerUp={pointers.up}
      onPointerCancel={pointers.up}
    >
      <img
        src={src}
        alt=""
        draggable={false}
        style={{
          left: `${camera.place.left}px`,
          top: `${camera.place.top}px`,
          width: `${camera.place.width}px`,
          height: `${camera.place.height}px`,
        }}
      />
      {/* biome-ignore lint/a11y/noInteractiveElementToNoninteractiveRole: ARIA counts a surface that takes every key as a structure */}
      <canvas
        ref={canvas}
        tabIndex={0}
        role="application"
        aria-label="Mask. Arrow keys move the brush, Space paints, E takes the eraser, P the brush, plus and minus zoom, 0 shows the whole picture."
        {...keys}
      />
      <i class="brush-ring" ref={ring} aria-hidden="true" />
    </div>
  );
}

/** As many pixels as the screen has for it; how many that are for one of CSS. */
function fitCanvas(canvas: HTMLCanvasElement): number {
  const ratio = Math.min(2, devicePixelRatio || 1);
  const width = Math.max(1, Math.round(canvas.clientWidth * ratio));
  const height = Math.max(1, Math.round(canvas.clientHeight * ratio));
  if (canvas.width !== width) canvas.width = width;
  if (canvas.height !== height) canvas.height = height;
  return ratio;
}

function enlarged({ left, top, width, height, scale }: Place, by: number): Place {
  return {
    left: left * by,
    top: top * by,
    width: width * by,
    height: height * by,
    scale: scale * by,
  };
}

function moveRing(ring: HTMLElement | null, at: Point, place: Place, brush: number): void {
  if (!ring) return;
  ring.style.left = `${place.left + at.x * place.scale}px`;
  ring.style.top = `${place.top + at.y * place.scale}px`;
  ring.style.width = `${brush * place.scale}px`;
}

function outline(canvas: HTMLCanvasElement, from: Point, to: Point, place: Place): void {
  const context = canvas.getContext("2d");
  if (!context) return;
  const { left, top, scale } = place;
  context.strokeStyle = "#fff";
  context.lineWidth = 2;
  context.strokeRect(
    left + from.x * scale,
    top + from.y * scale,
    (to.x - from.x) * scale,
    (to.y - from.y) * scale,
  );
}
