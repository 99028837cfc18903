import { expect, test } from "vitest";
import { hangs, hangWall, nextSpot, spotsOf } from "../../page/src/model/hanging.ts";
import { task } from "./tasks.ts";

const now = new Date("2026-05-02T15:00:00");

test("tasks hang under their days, the newest first", () => {
  const wall = hangWall(
    [
      task({ id: "a", created_at: "2026-05-02T12:00:00" }),
      task({ id: "b", created_at: "2026-05-01T23:59:00" }),
      task({ id: "c", created_at: "2026-05-01T08:00:00" }),
      task({ id: "d", created_at: "2025-12-24T08:00:00" }),
    ],
    1000,
    now,
  );

  expect(wall.days.map(({ name, tasks }) => [name, tasks.length])).toEqual([
    ["Today", 1],
    ["Yesterday", 2],
    ["24 December 2025", 1],
  ]);
});

test("what failed or still paints has a place, what was cancelled with nothing to show has none", () => {
  const empty = { images: [] };

  expect(hangs(task({ state: "failed", ...empty }))).toBe(true);
  expect(hangs(task({ state: "running", ...empty }))).toBe(true);
  expect(hangs(task({ state: "cancelled", ...empty }))).toBe(false);
});

test("arrows go along the order, and straight up and down inside and between sets", () => {
  const wide = task({
    id: "b",
    images: [{ id: "b-1", width: 2000, height: 500, mime_type: "image/png", bytes: 1 }],
  });
  const wall = hangWall([task({ id: "a", count: 4 }), wide], 358, now);
  const spots = spotsOf(wall);
  const go = (from: string, direction: Parameters<typeof nextSpot>[2]) =>
    nextSpot(spots, from, direction)?.key;

  expect(go("a-1", "right")).toBe("a-2");
  expect(go("a-2", "down")).toBe("a-4");
  expect(go("a-3", "up")).toBe("a-1");
  expect(go("a-4", "down")).toBe("b-1");
  expect(go("b-1", "down")).toBe("b-1");
  expect(go("a-1", "left")).toBe("a-1");
  expect(go("b-1", "home")).toBe("a-1");
  expect(go("a-1", "end")).toBe("b-1");
});
