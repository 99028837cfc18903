import { expect, test } from "vitest";
import { boxWithin, MaskStrokes } from "../../page/src/model/mask-strokes.ts";
import { addressOf, parseRoute, type Route } from "../../page/src/model/route.ts";

test("undo takes the newest step away, redo puts it back, a new step ends redo", () => {
  const mask = new MaskStrokes();
  mask.add({ kind: "invert" });
  mask.add({ kind: "clear" });
  mask.undo();
  expect(mask.strokes).toEqual([{ kind: "invert" }]);
  mask.redo();
  expect(mask.strokes).toHaveLength(2);
  mask.undo();
  mask.add({ kind: "invert" });
  expect([mask.canUndo, mask.canRedo]).toEqual([true, false]);
});

test("a box by numbers is held to the picture, and none is left when it lies outside", () => {
  const picture = { width: 100, height: 80 };

  expect(boxWithin({ left: -10, top: 60, width: 50, height: 50 }, picture)).toEqual({
    kind: "box",
    from: { x: 0, y: 60 },
    to: { x: 40, y: 80 },
  });
  expect(boxWithin({ left: 100, top: 0, width: 50, height: 50 }, picture)).toBeUndefined();
});

test("every place of the page has an address that leads back to it", () => {
  const routes: Route[] = [
    { at: "wall" },
    { at: "picture", id: "t1-1" },
    { at: "mask", id: "odd / id" },
    { at: "queue" },
    { at: "workflows" },
  ];

  expect(routes.map((route) => parseRoute(addressOf(route)))).toEqual(routes);
  expect(["", "#/p", "#/p/%zz", "#/nowhere"].map((hash) => parseRoute(hash).at)).toEqual(
    Array(4).fill("wall"),
  );
});
