import type { RefObject } from "preact";
import { useLayoutEffect, useRef, useState } from "preact/hooks";
import type { Point } from "../model/mask-strokes.ts";
import {
  fitted,
  type MaskView,
  type Place,
  panned,
  placeOf,
  revealing,
  type Size,
  zoomedAt,
} from "../model/mask-view.ts";

export interface Camera {
  room: RefObject<HTMLDivElement | null>;
  zoom: number;
  place: Place;
  /** Magnifies around a point of the room in CSS pixels, its middle without one. */
  zoomBy(factor: number, pivot?: Point): void;
  panBy(by: Point): void;
  fit(): void;
  /** One pixel of the picture on one CSS pixel. */
  full(): void;
  reveal(at: Point): void;
}

/** How a picture lies in the element that shows it, through zooming, moving and resizing. */
export function useMaskView(picture: Size): Camera {
  const room = useRef<HTMLDivElement>(null);
  const [space, setSpace] = useState<Size>({ width: picture.width, height: picture.height });
  const [view, setView] = useState<MaskView>(() => fitted(picture));
  useLayoutEffect(() => {
    const element = room.current;
    if (!element) return undefined;
    const measure = () => {
      const now = {
        width: Math.max(1, element.clientWidth),
        height: Math.max(1, element.clientHeight),
      };
      setSpace(now);
      setView((before) => zoomedAt(picture, now, before, 1));
    };
    measure();
    const observer = new ResizeObserver(measure);
    observer.observe(element);
    return () => observer.disconnect();
  }, []);
  const place = placeOf(picture, space, view);
  return {
    room,
    zoom: view.zoom,
    place,
    zoomBy: (factor, pivot) => setView((before) => zoomedAt(picture, space, before, factor, pivot)),
    panBy: (by) => setView((before) => panned(picture, space, before, by)),
    fit: () => setView(fitted(picture)),
    full: () => setView((before) => zoomedAt(picture, space, before, 1 / place.scale)),
    reveal: (at) => setView((before) => revealing(picture, space, before, at)),
  };
}
