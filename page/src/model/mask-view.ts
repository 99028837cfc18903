import type { Point } from "./mask-strokes.ts";

export interface Size {
  width: number;
  height: number;
}

/** What is looked at: how much larger than fitted, and the pixel of the picture in the middle. */
export interface MaskView {
  /** 1 is the whole picture in its room. */
  zoom: number;
  centre: Point;
}

/** Where the picture lies in its room, in CSS pixels from the room's upper left corner. */
export interface Place extends Size {
  left: number;
  top: number;
  /** CSS pixels for one pixel of the picture. */
  scale: number;
}

/** CSS pixels of wall beside the edge of a magnified picture: a stroke can begin there. */
const beside = 48;

export function fitted(picture: Size): MaskView {
  return { zoom: 1, centre: middleOf(picture) };
}

/** Up to 8 CSS pixels for one of the picture, and four times the fitted size at the least. */
export function largestZoom(picture: Size, room: Size): number {
  return Math.max(4, 8 / fitScale(picture, room));
}

export function placeOf(picture: Size, room: Size, { zoom, centre }: MaskView): Place {
  const scale = fitScale(picture, room) * zoom;
  return {
    left: room.width / 2 - centre.x * scale,
    top: room.height / 2 - centre.y * scale,
    width: picture.width * scale,
    height: picture.height * scale,
    scale,
  };
}

/** The pixel of the picture under a point of the room; beyond its edges too. */
export function pictureAt(place: Place, at: Point): Point {
  return { x: (at.x - place.left) / place.scale, y: (at.y - place.top) / place.scale };
}

/** Magnified by a factor; what is under the pivot stays there as far as the edges allow. */
export function zoomedAt(
  picture: Size,
  room: Size,
  view: MaskView,
  factor: number,
  pivot: Point = middleOf(room),
): MaskView {
  const zoom = Math.min(largestZoom(picture, room), Math.max(1, view.zoom * factor));
  const kept = pictureAt(placeOf(picture, room, view), pivot);
  const scale = fitScale(picture, room) * zoom;
  const centre = {
    x: kept.x + (room.width / 2 - pivot.x) / scale,
    y: kept.y + (room.height / 2 - pivot.y) / scale,
  };
  return held(picture, room, { zoom, centre });
}

/** Moved with the hand by so many CSS pixels. */
export function panned(picture: Size, room: Size, view: MaskView, by: Point): MaskView {
  const { scale } = placeOf(picture, room, view);
  const centre = { x: view.centre.x - by.x / scale, y: view.centre.y - by.y / scale };
  return held(picture, room, { zoom: view.zoom, centre });
}

/** What two fingers ask for when they move: a factor around a pivot, then a move. */
export function pinch(
  [a, b]: readonly [Point, Point],
  [c, d]: readonly [Point, Point],
): { factor: number; pivot: Point; by: Point } {
  const pivot = between(a, b);
  const after = between(c, d);
  return {
    // Fingers on one spot have no distance to compare with.
    factor: Math.max(1, distance(c, d)) / Math.max(1, distance(a, b)),
    pivot,
    by: { x: after.x - pivot.x, y: after.y - pivot.y },
  };
}

/** Moved just so far that a pixel of the picture is in sight. */
export function revealing(picture: Size, room: Size, view: MaskView, at: Point): MaskView {
  const { left, top, scale } = placeOf(picture, room, view);
  return panned(picture, room, view, {
    x: inward(left + at.x * scale, room.width),
    y: inward(top + at.y * scale, room.height),
  });
}

function inward(at: number, length: number): number {
  const edge = Math.min(beside, length / 4);
  return Math.min(length - edge, Math.max(edge, at)) - at;
}

function held(picture: Size, room: Size, { zoom, centre }: MaskView): MaskView {
  const scale = fitScale(picture, room) * zoom;
  return {
    zoom,
    centre: {
      x: heldAlong(centre.x, picture.width, room.width / scale, beside / scale),
      y: heldAlong(centre.y, picture.height, room.height / scale, beside / scale),
    },
  };
}

/** In pixels of the picture: what has room stays in the middle. */
function heldAlong(centre: number, length: number, seen: number, slack: number): number {
  if (length <= seen) return length / 2;
  const least = Math.min(length / 2, seen / 2 - slack);
  return Math.min(length - least, Math.max(least, centre));
}

function fitScale(picture: Size, room: Size): number {
  return Math.min(room.width / picture.width, room.height / picture.height);
}

function middleOf({ width, height }: Size): Point {
  return { x: width / 2, y: height / 2 };
}

function between(a: Point, b: Point): Point {
  return { x: (a.x + b.x) / 2, y: (a.y + b.y) / 2 };
}

function distance(a: Point, b: Point): number {
  return Math.hypot(a.x - b.x, a.y - b.y);
}
