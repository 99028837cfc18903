/** What the layout needs to know of a set: how many pictures, and their shape. */
export interface Hanging {
  pictures: number;
  /** Width divided by height. */
  ratio: number;
}

export interface PlacedSet {
  /** Place in the list that was laid out. */
  index: number;
  left: number;
  width: number;
  columns: number;
  rows: number;
}

export interface PlacedRow {
  top: number;
  /** Of the pictures alone. */
  height: number;
  sets: PlacedSet[];
}

export interface WallLayout {
  rows: PlacedRow[];
  /** Of everything, labels included. */
  height: number;
}

/** Below every picture: the label, and the air to the next row. */
export const labelHeight = 52;
const mostInRow = 8;

interface Shape {
  columns: number;
  rows: number;
  ratio: number;
}

/**
 * Hangs sets in rows, in order, so that the heights of the rows differ least from a target: dynamic
 * programming over where rows break. Sizes are on record, so no picture needs to have loaded.
 */
export function layWall(sets: readonly Hanging[], width: number): WallLayout {
  const phone = width < 600;
  const gap = phone ? 14 : 28;
  const target = width < 420 ? 190 : width < 900 ? 212 : width < 1500 ? 244 : 280;
  const shapes = sets.map((set) => shapeOf(set, width, target));
  const breaks = bestBreaks(shapes, width, gap, target);
  const rows: PlacedRow[] = [];
  let top = 0;
  for (const [from, to] of breaks) {
    const last = to === sets.length;
    let height = heightOf(shapes, from, to, width, gap);
    if (last && !phone) height = Math.min(height, target * 1.15);
    if (phone) height = Math.min(height, target * 1.95);
    rows.push({ top, height: Math.round(height), sets: place(shapes, from, to, height, gap) });
    top += Math.round(height) + labelHeight + (phone ? 22 : 26);
  }
  return { rows, height: top };
}

/** Columns divide the count, so that a set never has a hole. */
function shapeOf({ pictures, ratio }: Hanging, width: number, target: number): Shape {
  const phone = width < 600;
  const most = width * (phone ? 1.6 : 0.62);
  const divisors = Array.from({ length: pictures }, (_, i) => pictures - i).filter(
    (columns) => pictures % columns === 0,
  );
  const fits = (columns: number) => (ratio * columns * target) / (pictures / columns) <= most;
  let columns = divisors.find((count) => count === 1 || fits(count)) ?? 1;
  if (pictures === 4 && (phone || ratio * 4 * target > most)) columns = 2;
  if (pictures === 3) columns = 3;
  if (pictures > 4 && columns === 1) columns = Math.ceil(Math.sqrt(pictures));
  const rows = Math.ceil(pictures / columns);
  return { columns, rows, ratio: (ratio * columns) / rows };
}

function heightOf(shapes: readonly Shape[], from: number, to: number, width: number, gap: number) {
  let sum = 0;
  for (let i = from; i < to; i += 1) sum += shapes[i]?.ratio ?? 1;
  return (width - gap * (to - from - 1)) / sum;
}

function bestBreaks(shapes: readonly Shape[], width: number, gap: number, target: number) {
  const least = width < 600 ? 0.82 : 0.68;
  const costs = [0];
  const from = [0];
  for (let to = 1; to <= shapes.length; to += 1) {
    costs[to] = Number.POSITIVE_INFINITY;
    for (let start = Math.max(0, to - mostInRow); start < to; start += 1) {
      const height = heightOf(shapes, start, to, width, gap);
      const cost = (costs[start] ?? 0) + rowCost(height, target, least, to === shapes.length);
      if (cost >= (costs[to] ?? 0)) continue;
      costs[to] = cost;
      from[to] = start;
    }
  }
  const breaks: [number, number][] = [];
  for (let to = shapes.length; to > 0; to = from[to] ?? 0) breaks.unshift([from[to] ?? 0, to]);
  return breaks;
}

function rowCost(height: number, target: number, least: number, last: boolean): number {
  if (last && height > target) return 0.02;
  const off = Math.log(height / target);
  const outside = height > target * 1.95 || height < target * least;
  return off * off * (outside ? 9 : 1);
}

function place(shapes: readonly Shape[], from: number, to: number, height: number, gap: number) {
  let left = 0;
  return shapes.slice(from, to).map((shape, i): PlacedSet => {
    const width = Math.floor(shape.ratio * height);
    const placed = { index: from + i, left, width, columns: shape.columns, rows: shape.rows };
    left += width + gap;
    return placed;
  });
}

/** The first and one past the last of the rows that touch a band; `tops` ascend. */
export function rowsWithin(
  tops: Float64Array,
  height: number,
  from: number,
  to: number,
): [number, number] {
  const first = Math.max(0, firstAbove(tops, from) - 1);
  const last = firstAbove(tops, Math.min(to, height));
  return [first, Math.max(first, last)];
}

/** Where the first top greater than a value is, by halving. */
function firstAbove(tops: Float64Array, value: number): number {
  let low = 0;
  let high = tops.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((tops[middle] ?? 0) > value) high = middle;
    else low = middle + 1;
  }
  return low;
}
