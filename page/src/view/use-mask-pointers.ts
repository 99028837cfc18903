import { useLayoutEffect, useRef } from "preact/hooks";
import type { Point } from "../model/mask-strokes.ts";
import { pictureAt, pinch } from "../model/mask-view.ts";
import type { Camera } from "./use-mask-view.ts";

export interface Painting {
  begin(point: Point): void;
  go(point: Point): void;
  end(): void;
  /** Takes back the line that was begun. */
  abandon(): void;
  isOpen(): boolean;
}

/** One pointer paints; two fingers, the middle button, or a drag with the hand move the picture. */
export function useMaskPointers(camera: Camera, hand: boolean, painting: Painting) {
  const down = useRef(new Map<number, Point>());
  const paints = useRef(false);
  const moved = useRef(false);
  const inRoom = ({ clientX, clientY }: MouseEvent): Point => {
    const box = camera.room.current?.getBoundingClientRect();
    return { x: clientX - (box?.left ?? 0), y: clientY - (box?.top ?? 0) };
  };
  const wheel = useRef((_event: WheelEvent) => {});
  wheel.current = (event) => {
    event.preventDefault();
    const lines = event.deltaMode === WheelEvent.DOM_DELTA_LINE ? 16 : 1;
    // A pinch on a touchpad comes as a wheel with Ctrl, in small steps.
    const speed = event.ctrlKey ? 0.01 : 0.002;
    const factor = Math.exp(-event.deltaY * lines * speed);
    camera.zoomBy(Math.min(2, Math.max(0.5, factor)), inRoom(event));
  };
  useLayoutEffect(() => {
    const element = camera.room.current;
    const turn = (event: WheelEvent) => wheel.current(event);
    element?.addEventListener("wheel", turn, { passive: false });
    return () => element?.removeEventListener("wheel", turn);
  }, []);
  const shift = (id: number, before: Point, to: Point) => {
    const other = [...down.current].find(([one]) => one !== id)?.[1];
    down.current.set(id, to);
    if (other) {
      const { factor, pivot, by } = pinch([before, other], [to, other]);
      camera.zoomBy(factor, pivot);
      camera.panBy(by);
    } else camera.panBy({ x: to.x - before.x, y: to.y - before.y });
  };
  return {
    moved,
    down(event: PointerEvent & { currentTarget: HTMLElement }) {
      event.currentTarget.setPointerCapture(event.pointerId);
      const isFirst = down.current.size === 0;
      down.current.set(event.pointerId, inRoom(event));
      if (!isFirst) painting.abandon();
      paints.current = isFirst && !hand && event.button === 0;
      if (!paints.current) moved.current = true;
      else painting.begin(pictureAt(camera.place, inRoom(event)));
    },
    move(event: PointerEvent) {
      const before = down.current.get(event.pointerId);
      if (before && !paints.current) return shift(event.pointerId, before, inRoom(event));
      const all = event.getCoalescedEvents?.() ?? [];
      for (const one of all.length > 0 ? all : [event]) {
        painting.go(pictureAt(camera.place, inRoom(one)));
      }
    },
    up(event: PointerEvent) {
      if (!down.current.delete(event.pointerId) || !paints.current) return;
      paints.current = false;
      painting.end();
    },
  };
}
