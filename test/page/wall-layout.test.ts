import fc from "fast-check";
import { expect, test } from "vitest";
import { layWall, rowsWithin } from "../../page/src/model/wall-layout.ts";

const sets = fc.array(
  fc.record({
    pictures: fc.integer({ min: 1, max: 32 }),
    ratio: fc.double({ min: 0.25, max: 4, noNaN: true }),
  }),
  { minLength: 1, maxLength: 60 },
);
const widths = fc.integer({ min: 288, max: 2400 });

test("every set hangs once, in order, and no row is wider than the wall", () => {
  fc.assert(
    fc.property(sets, widths, (list, width) => {
      const { rows } = layWall(list, width);
      const order = rows.flatMap((row) => row.sets.map(({ index }) => index));
      expect(order).toEqual(list.map((_, i) => i));
      for (const row of rows) {
        const last = row.sets.at(-1);
        expect((last?.left ?? 0) + (last?.width ?? 0)).toBeLessThanOrEqual(width + 1);
      }
    }),
  );
});

test("no two rows overlap, labels included", () => {
  fc.assert(
    fc.property(sets, widths, (list, width) => {
      const { rows, height } = layWall(list, width);
      for (const [i, row] of rows.entries()) {
        expect(row.top + row.height + 52).toBeLessThanOrEqual(rows[i + 1]?.top ?? height);
      }
    }),
  );
});

test("a set of up to four pictures has no hole, and keeps the shape of its pictures", () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 4 }),
      fc.double({ min: 0.5, max: 2, noNaN: true }),
      widths,
      (pictures, ratio, width) => {
        const { rows } = layWall([{ pictures, ratio }], width);
        const [row] = rows;
        const [set] = row?.sets ?? [];
        expect((set?.columns ?? 0) * (set?.rows ?? 0)).toBe(pictures);
        const shape =
          (set?.width ?? 0) / (set?.columns ?? 1) / ((row?.height ?? 1) / (set?.rows ?? 1));
        expect(Math.abs(shape / ratio - 1)).toBeLessThan(0.03);
      },
    ),
  );
});

test("four pictures hang two by two on a phone", () => {
  const [row] = layWall([{ pictures: 4, ratio: 1 }], 358).rows;

  expect(row?.sets[0]).toMatchObject({ columns: 2, rows: 2, width: 358 });
});

test("rows are found by halving: those that touch a band, and no others that are far", () => {
  const tops = Float64Array.from({ length: 100 }, (_, i) => i * 300);

  expect(rowsWithin(tops, 30_000, 900, 1500)).toEqual([3, 6]);
  expect(rowsWithin(tops, 30_000, -5000, -100)).toEqual([0, 0]);
  expect(rowsWithin(tops, 30_000, 29_950, 40_000)).toEqual([99, 100]);
});

test("ten thousand sets are laid out without touching a picture", () => {
  const list = Array.from({ length: 10_000 }, (_, i) => ({
    pictures: 1 + (i % 4),
    ratio: 0.6 + (i % 7) / 5,
  }));

  const { rows } = layWall(list, 1376);

  expect(rows.flatMap((row) => row.sets)).toHaveLength(10_000);
  expect(Math.max(...rows.map((row) => row.sets.length))).toBeLessThanOrEqual(8);
});
