import { useEffect, useLayoutEffect, useRef } from "preact/hooks";
import type { Point, Stroke } from "../model/mask-strokes.ts";
import type { MaskPainter } from "./mask-painter.ts";
import type { MaskTool } from "./mask-tools.tsx";

interface Props {
  src: string | undefined;
  size: { width: number; height: number };
  tool: MaskTool;
  brush: number;
  painter: MaskPainter;
  /** Grows with every change that was made elsewhere. */
  version: number;
  commit: (stroke: Stroke) => void;
  pick: (tool: MaskTool) => void;
  resize: (size: number) => void;
  undo: () => void;
  redo: () => void;
}

/** The picture under its mask; one finger, pen, mouse, or the arrow keys paint on it. */
export function MaskSurface(props: Props) {
  const { src, size, tool, brush, painter } = props;
  const canvas = useRef<HTMLCanvasElement>(null);
  const ring = useRef<HTMLElement>(null);
  const line = useRef<Point[] | undefined>(undefined);
  const at = useRef<Point>({ x: size.width / 2, y: size.height / 2 });
  const show = () => {
    if (!canvas.current) return;
    painter.show(canvas.current);
    moveRing(ring.current, at.current, size, tool === "box" ? 0 : brush);
    const from = line.current?.[0];
    if (tool === "box" && from) outline(canvas.current, from, at.current, size);
  };
  useLayoutEffect(() => {
    const element = canvas.current;
    if (!element) return undefined;
    const measure = () => {
      const scale = Math.min(2, devicePixelRatio || 1);
      element.width = Math.max(1, Math.round(element.clientWidth * scale));
      element.height = Math.max(1, Math.round(element.clientHeight * scale));
      painter.show(element);
    };
    measure();
    const observer = new ResizeObserver(measure);
    observer.observe(element);
    return () => observer.disconnect();
  }, []);
  useLayoutEffect(show);
  useEffect(() => canvas.current?.focus({ preventScroll: true }), []);
  const pointOf = (event: PointerEvent): Point => {
    const box = canvas.current?.getBoundingClientRect() ?? new DOMRect(0, 0, 1, 1);
    return {
      x: ((event.clientX - box.left) * size.width) / box.width,
      y: ((event.clientY - box.top) * size.height) / box.height,
    };
  };
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
  return (
    <div
      class="mk"
      onPointerDown={(event) => {
        if (event.button !== 0) return;
        event.preventDefault();
        canvas.current?.focus({ preventScroll: true });
        event.currentTarget.setPointerCapture(event.pointerId);
        begin(pointOf(event));
      }}
      onPointerMove={(event) => {
        for (const one of event.getCoalescedEvents?.() ?? [event]) go(pointOf(one));
        if (event.getCoalescedEvents?.().length === 0) go(pointOf(event));
      }}
      onPointerUp={end}
      onPointerCancel={end}
    >
      <img src={src} alt="" draggable={false} />
      {/* biome-ignore lint/a11y/noInteractiveElementToNoninteractiveRole: ARIA counts a surface that takes every key as a structure */}
      <canvas
        ref={canvas}
        tabIndex={0}
        role="application"
        aria-label="Mask. Arrow keys move the brush, Space paints, E takes the eraser, P the brush."
        onKeyDown={(event) => {
          if (keyPaints(event, props, at.current, { begin, go, end, isOpen }))
            event.preventDefault();
        }}
      />
      <i class="brush-ring" ref={ring} aria-hidden="true" />
    </div>
  );
}

interface Painting {
  begin(point: Point): void;
  go(point: Point): void;
  end(): void;
  isOpen(): boolean;
}

function keyPaints(event: KeyboardEvent, props: Props, at: Point, paint: Painting): boolean {
  const { size, brush, resize } = props;
  if (event.ctrlKey || event.metaKey) {
    if (event.key.toLowerCase() !== "z") return false;
    if (event.shiftKey) props.redo();
    else props.undo();
    return true;
  }
  const step = (Math.max(size.width, size.height) / 200) * (event.shiftKey ? 10 : 1);
  const moves: Record<string, Point> = {
    ArrowLeft: { x: -step, y: 0 },
    ArrowRight: { x: step, y: 0 },
    ArrowUp: { x: 0, y: -step },
    ArrowDown: { x: 0, y: step },
  };
  const move = moves[event.key];
  if (move) {
    paint.go({
      x: Math.min(size.width, Math.max(0, at.x + move.x)),
      y: Math.min(size.height, Math.max(0, at.y + move.y)),
    });
    return true;
  }
  const acts: Record<string, () => void> = {
    " ": () => {
      // A box takes two presses, one for each corner.
      if (props.tool === "box" && paint.isOpen()) return paint.end();
      paint.begin(at);
      if (props.tool !== "box") paint.end();
    },
    p: () => props.pick("brush"),
    e: () => props.pick("eraser"),
    o: () => props.pick("box"),
    "[": () => resize(Math.max(4, Math.round(brush * 0.8))),
    "]": () => resize(Math.round(brush * 1.25)),
  };
  acts[event.key]?.();
  return acts[event.key] !== undefined;
}

function moveRing(ring: HTMLElement | null, at: Point, size: Props["size"], brush: number): void {
  if (!ring) return;
  ring.style.left = `${(at.x / size.width) * 100}%`;
  ring.style.top = `${(at.y / size.height) * 100}%`;
  ring.style.width = `${(brush / size.width) * 100}%`;
}

function outline(canvas: HTMLCanvasElement, from: Point, to: Point, size: Props["size"]): void {
  const context = canvas.getContext("2d");
  if (!context) return;
  const scale = canvas.width / size.width;
  context.strokeStyle = "#fff";
  context.lineWidth = 2;
  context.strokeRect(
    from.x * scale,
    from.y * scale,
    (to.x - from.x) * scale,
    (to.y - from.y) * scale,
  );
}
