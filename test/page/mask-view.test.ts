import { expect, test } from "vitest";
import {
  fitted,
  largestZoom,
  panned,
  pictureAt,
  pinch,
  placeOf,
  revealing,
  zoomedAt,
} from "../../page/src/model/mask-view.ts";

const picture = { width: 1024, height: 768 };
const room = { width: 390, height: 500 };
const whole = fitted(picture);

test("a fitted picture lies whole in the middle of its room", () => {
  const place = placeOf(picture, room, whole);

  expect(place).toMatchObject({ left: 0, width: 390, height: 292.5, top: 103.75 });
  expect(pictureAt(place, { x: 0, y: 103.75 })).toEqual({ x: 0, y: 0 });
});

test.each([2, 3, 8])("at %f times, what is under the pivot stays under it", (factor) => {
  const pivot = { x: 200, y: 260 };
  const under = pictureAt(placeOf(picture, room, whole), pivot);

  const near = zoomedAt(picture, room, whole, factor, pivot);

  const after = pictureAt(placeOf(picture, room, near), pivot);
  expect(after.x).toBeCloseTo(under.x);
  expect(after.y).toBeCloseTo(under.y);
});

test.each([
  ["fitted", whole],
  ["at 2 times", zoomedAt(picture, room, whole, 2)],
  [
    "at 6 times, moved",
    panned(picture, room, zoomedAt(picture, room, whole, 6), { x: 90, y: -40 }),
  ],
])("a stroke is the same pixels of the picture %s", (_name, view) => {
  const stroke = [
    { x: 500, y: 380 },
    { x: 530, y: 390 },
  ];
  const { left, top, scale } = placeOf(picture, room, view);
  const onScreen = stroke.map(({ x, y }) => ({ x: left + x * scale, y: top + y * scale }));

  const painted = onScreen.map((at) => pictureAt(placeOf(picture, room, view), at));

  for (const [i, { x, y }] of stroke.entries()) {
    expect(painted[i]?.x).toBeCloseTo(x);
    expect(painted[i]?.y).toBeCloseTo(y);
  }
});

test("it is never smaller than fitted, nor larger than its largest", () => {
  const largest = largestZoom(picture, room);

  expect(zoomedAt(picture, room, whole, 0.1).zoom).toBe(1);
  expect(zoomedAt(picture, room, whole, 1_000).zoom).toBe(largest);
  expect(placeOf(picture, room, zoomedAt(picture, room, whole, 1_000)).scale).toBeCloseTo(8);
  expect(largestZoom({ width: 64, height: 64 }, room)).toBe(4);
});

test("it cannot be moved out of sight, and back at fitted it lies in the middle again", () => {
  const near = zoomedAt(picture, room, whole, 4);
  const away = panned(picture, room, near, { x: 9_999, y: 9_999 });

  const place = placeOf(picture, room, away);
  expect([place.left, place.top]).toEqual([expect.closeTo(48), expect.closeTo(48)]);
  expect(zoomedAt(picture, room, away, 0.01)).toEqual(whole);
  expect(panned(picture, room, whole, { x: 50, y: 50 })).toEqual(whole);
});

test("two fingers magnify around where they were and move by where they went", () => {
  const before = [
    { x: 100, y: 100 },
    { x: 200, y: 100 },
  ] as const;
  const after = [
    { x: 100, y: 120 },
    { x: 300, y: 120 },
  ] as const;

  expect(pinch(before, after)).toEqual({
    factor: 2,
    pivot: { x: 150, y: 100 },
    by: { x: 50, y: 20 },
  });
  expect(pinch([before[0], before[0]], after).factor).toBe(200);
});

test("a brush moved by keys stays in sight, and nothing moves while it is", () => {
  const near = zoomedAt(picture, room, whole, 4);
  const corner = { x: 0, y: 0 };

  const { left, top } = placeOf(picture, room, revealing(picture, room, near, corner));
  expect(left).toBeGreaterThanOrEqual(0);
  expect(top).toBeGreaterThanOrEqual(0);
  expect(revealing(picture, room, near, near.centre)).toEqual(near);
});
