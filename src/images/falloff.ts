import { eachRow, type Raster } from "./raster.ts";

/** From here on a pixel of a mask counts as white. */
const half = 128;

/**
 * How white a pixel is, by its squared distance in pixels to the nearest source: fully up to
 * `from`, then down to black over `over` pixels the way the edge of a Gaussian blur is.
 */
function falloff(from: number, over: number): Uint8Array {
  const end = from + over + 1;
  return Uint8Array.from({ length: end ** 2 }, (_, squared) => {
    const past = Math.max(0, Math.sqrt(squared) - from) / (over + 1);
    return Math.round(127.5 * (1 + Math.cos(Math.PI * past)));
  });
}

/**
 * The grey mask grown (or, below zero, shrunk) by `grow` pixels with round corners, then with a
 * soft ring of `feather` pixels around it. What is white stays white under the ring, and grey edges
 * are kept. What lies past the border of the picture neither grows nor shrinks it.
 */
export async function shaped(mask: Raster, grow: number, feather: number): Promise<Raster> {
  if (grow >= 0) return await ringed(mask, grow, feather);
  const outside = await near(mask, (value) => value < half, falloff(-grow, 0));
  const data = Buffer.from(mask.data);
  await eachPixel(mask, (at) => {
    data[at] = Math.min(data[at] ?? 0, 255 - (outside[at] ?? 0));
  });
  return await ringed({ ...mask, data }, 0, feather);
}

async function ringed(mask: Raster, grow: number, feather: number): Promise<Raster> {
  if (grow === 0 && feather === 0) return mask;
  const data = await near(mask, (value) => value >= half, falloff(grow, feather));
  await eachPixel(mask, (at) => {
    data[at] = Math.max(data[at] ?? 0, mask.data[at] ?? 0);
  });
  return { ...mask, data };
}

async function eachPixel(mask: Raster, work: (at: number) => void): Promise<void> {
  await eachRow(mask, (row) => {
    for (let at = row * mask.width; at < (row + 1) * mask.width; at++) work(at);
  });
}

/**
 * For every pixel the `values` entry of the squared distance to the nearest source pixel, 0 beyond
 * them. Exact: Felzenszwalb and Huttenlocher, "Distance Transforms of Sampled Functions".
 */
async function near(
  mask: Raster,
  isSource: (value: number) => boolean,
  values: Uint8Array,
): Promise<Buffer> {
  const { width } = mask;
  const far = Math.ceil(Math.sqrt(values.length));
  const vertical = await verticalDistances(mask, isSource, far);
  const result = Buffer.alloc(mask.data.length);
  const envelope = new Envelope(width);
  await eachRow(mask, (row) => {
    const start = row * width;
    envelope.build(vertical.subarray(start, start + width), far);
    envelope.fill(result.subarray(start, start + width), values);
  });
  return result;
}

/** To the nearest source in the same column, at most `far`. */
async function verticalDistances(
  mask: Raster,
  isSource: (value: number) => boolean,
  far: number,
): Promise<Uint16Array> {
  const { data, width, height } = mask;
  const sources = Array.from({ length: 256 }, (_, value) => isSource(value));
  const distances = new Uint16Array(width * height);
  await eachRow(mask, (row) => {
    for (let at = row * width; at < (row + 1) * width; at++) {
      const above = row === 0 ? far : (distances[at - width] ?? far);
      distances[at] = sources[data[at] ?? 0] ? 0 : Math.min(far, above + 1);
    }
  });
  await eachRow(mask, (fromEnd) => {
    const row = height - 1 - fromEnd;
    if (row === height - 1) return;
    for (let at = row * width; at < (row + 1) * width; at++) {
      const below = (distances[at + width] ?? far) + 1;
      if (below < (distances[at] ?? far)) distances[at] = below;
    }
  });
  return distances;
}

/** The lower envelope of the parabolas that the columns of one row are. */
class Envelope {
  readonly #columns: Int32Array;
  readonly #heights: Float64Array;
  /** Where the parabola of that index starts to be the lowest. */
  readonly #starts: Float64Array;
  #last = -1;

  constructor(width: number) {
    this.#columns = new Int32Array(width);
    this.#heights = new Float64Array(width);
    this.#starts = new Float64Array(width);
  }

  build(distances: Uint16Array, far: number): void {
    this.#last = -1;
    for (let column = 0; column < distances.length; column++) {
      const distance = distances[column] ?? far;
      if (distance < far) this.#add(column, distance * distance);
    }
  }

  #add(column: number, height: number): void {
    let start = this.#crossing(column, height);
    while (this.#last >= 0 && start <= (this.#starts[this.#last] ?? 0)) {
      this.#last--;
      start = this.#crossing(column, height);
    }
    this.#last++;
    this.#columns[this.#last] = column;
    this.#heights[this.#last] = height;
    this.#starts[this.#last] = start;
  }

  #crossing(column: number, height: number): number {
    if (this.#last < 0) return Number.NEGATIVE_INFINITY;
    const other = this.#columns[this.#last] ?? 0;
    const rise = height + column * column - (this.#heights[this.#last] ?? 0) - other * other;
    return rise / (2 * (column - other));
  }

  fill(row: Uint8Array, values: Uint8Array): void {
    if (this.#last < 0) return;
    let lowest = 0;
    for (let column = 0; column < row.length; column++) {
      while (lowest < this.#last && (this.#starts[lowest + 1] ?? 0) < column) lowest++;
      const across = column - (this.#columns[lowest] ?? 0);
      row[column] = values[across * across + (this.#heights[lowest] ?? 0)] ?? 0;
    }
  }
}
