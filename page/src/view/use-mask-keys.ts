import type { RefObject } from "preact";
import { useLayoutEffect, useRef } from "preact/hooks";
import type { Point } from "../model/mask-strokes.ts";
import type { SurfaceProps } from "./mask-surface.tsx";
import { zoomStep } from "./mask-zoom.tsx";
import type { Painting } from "./use-mask-pointers.ts";

/**
 * The keys of the mask. Space paints when it is let go of, unless the picture was dragged while it
 * was held.
 */
export function useMaskKeys(
  props: SurfaceProps,
  at: RefObject<Point>,
  painting: Painting,
  moved: RefObject<boolean>,
  setHand: (held: boolean) => void,
) {
  const held = useRef(false);
  const hold = (isHeld: boolean) => {
    held.current = isHeld;
    setHand(isHeld);
  };
  useLayoutEffect(() => {
    const letGo = () => hold(false);
    addEventListener("blur", letGo);
    return () => removeEventListener("blur", letGo);
  }, []);
  return {
    onBlur: () => hold(false),
    onKeyDown: (event: KeyboardEvent) => {
      if (event.key === " ") {
        event.preventDefault();
        if (held.current) return;
        moved.current = false;
        hold(true);
      } else if (keyActs(event, props, at.current, painting)) event.preventDefault();
    },
    onKeyUp: (event: KeyboardEvent) => {
      if (event.key !== " " || !held.current) return;
      event.preventDefault();
      hold(false);
      if (!moved.current) press(props, at.current, painting);
    },
  };
}

/** A box takes two presses, one for each corner. */
function press({ tool }: SurfaceProps, at: Point, painting: Painting): void {
  if (tool === "box" && painting.isOpen()) return painting.end();
  painting.begin(at);
  if (tool !== "box") painting.end();
}

function keyActs(
  event: KeyboardEvent,
  props: SurfaceProps,
  at: Point,
  painting: Painting,
): boolean {
  const { size, brush, resize, camera } = props;
  if (event.altKey) return false;
  if (event.ctrlKey || event.metaKey) {
    if (event.key.toLowerCase() !== "z") return false;
    if (event.shiftKey) props.redo();
    else props.undo();
    return true;
  }
  const step = (Math.max(size.width, size.height) / 200 / camera.zoom) * (event.shiftKey ? 10 : 1);
  const moves: Record<string, Point> = {
    ArrowLeft: { x: -step, y: 0 },
    ArrowRight: { x: step, y: 0 },
    ArrowUp: { x: 0, y: -step },
    ArrowDown: { x: 0, y: step },
  };
  const move = moves[event.key];
  if (move) {
    const to = {
      x: Math.min(size.width, Math.max(0, at.x + move.x)),
      y: Math.min(size.height, Math.max(0, at.y + move.y)),
    };
    painting.go(to);
    camera.reveal(to);
    return true;
  }
  const larger = () => camera.zoomBy(zoomStep);
  const acts: Record<string, () => void> = {
    p: () => props.pick("brush"),
    e: () => props.pick("eraser"),
    o: () => props.pick("box"),
    "[": () => resize(Math.max(4, Math.round(brush * 0.8))),
    "]": () => resize(Math.round(brush * 1.25)),
    "+": larger,
    "=": larger,
    "-": () => camera.zoomBy(1 / zoomStep),
    "0": camera.fit,
    "1": camera.full,
  };
  acts[event.key]?.();
  return acts[event.key] !== undefined;
}
