import type { Raster } from "./raster.ts";

/** The luminance and chrominance tables of ITU-T T.81, Annex K, which libjpeg scales by quality. */
const luma = [
  16, 11, 10, 16, 24, 40, 51, 61, 12, 12, 14, 19, 26, 58, 60, 55, 14, 13, 16, 24, 40, 57, 69, 56,
  14, 17, 22, 29, 51, 87, 80, 62, 18, 22, 37, 56, 68, 109, 103, 77, 24, 35, 55, 64, 81, 104, 113,
  92, 49, 64, 78, 87, 103, 121, 120, 101, 72, 92, 95, 98, 112, 100, 103, 99,
];
const chroma = [
  17, 18, 24, 47, 99, 99, 99, 99, 18, 21, 26, 66, 99, 99, 99, 99, 24, 26, 56, 99, 99, 99, 99, 99,
  47, 66, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99,
  99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99,
];

/** Sixteen pixels a side: four blocks of brightness and one of each colour difference. */
const unit = 16;
const unitsLookedAt = 24;

/** What a non-zero coefficient costs beside its own bits, and a block beside its coefficients. */
const bitsPerCoefficient = 3.6;
const bitsPerBlock = 3;
const headerBytes = 620;

/** How large the JPEG of a picture will be, from the coefficients of a sample of its blocks. */
export class JpegSize {
  readonly #pixels: number;
  readonly #units: number;
  /** Block after block. */
  readonly #luma: Float32Array;
  readonly #chroma: Float32Array;

  constructor(raster: Raster) {
    const { width, height } = raster;
    this.#pixels = width * height;
    const [across, down] = [Math.floor(width / unit), Math.floor(height / unit)];
    const count = Math.min(unitsLookedAt, across * down);
    this.#units = count;
    this.#luma = new Float32Array(count * 4 * blockSize);
    this.#chroma = new Float32Array(count * 2 * blockSize);
    const sample = new Sample();
    for (let index = 0; index < count; index++) {
      // Spread evenly, but not in columns, which a repeating pattern could match.
      const at = Math.floor(((index + 0.5) * across * down) / count);
      sample.read(raster, (at % across) * unit, Math.floor(at / across) * unit);
      sample.transform(this.#luma, this.#chroma, index);
    }
  }

  /** In bytes; more than the real size for pictures of a few pixels. */
  at(quality: number): number {
    if (this.#units === 0) return headerBytes + this.#pixels;
    const scale = quality < 50 ? 50 / quality : 2 - quality / 50;
    const bits = cost(this.#luma, luma, scale) + cost(this.#chroma, chroma, scale);
    return headerBytes + ((bits / this.#units) * (this.#pixels / unit ** 2)) / 8;
  }
}

const blockSize = 64;

/** One unit of the picture in the colours of JPEG, the colour differences at half the size. */
class Sample {
  readonly #bright = new Float32Array(unit ** 2);
  readonly #blue = new Float32Array(blockSize);
  readonly #red = new Float32Array(blockSize);
  readonly #half = new Float32Array(blockSize);

  read({ data, width, channels }: Raster, left: number, top: number): void {
    const [bright, blue, red] = [this.#bright, this.#blue, this.#red];
    blue.fill(0);
    red.fill(0);
    for (let y = 0; y < unit; y++) {
      let at = ((top + y) * width + left) * channels;
      for (let x = 0; x < unit; x++, at += channels) {
        const r = data[at] ?? 0;
        const g = data[at + 1] ?? 0;
        const b = data[at + 2] ?? 0;
        const value = 0.299 * r + 0.587 * g + 0.114 * b;
        bright[y * unit + x] = value;
        const half = (y >> 1) * 8 + (x >> 1);
        blue[half] = (blue[half] ?? 0) + (b - value) * 0.141;
        red[half] = (red[half] ?? 0) + (r - value) * 0.178;
      }
    }
  }

  /** Writes the coefficients of its blocks behind those of the units before. */
  transform(toLuma: Float32Array, toChroma: Float32Array, index: number): void {
    for (let corner = 0; corner < 4; corner++) {
      const start = (corner >> 1) * 8 * unit + (corner & 1) * 8;
      this.#transformed(this.#bright, start, unit, toLuma, (index * 4 + corner) * blockSize);
    }
    this.#transformed(this.#blue, 0, 8, toChroma, index * 2 * blockSize);
    this.#transformed(this.#red, 0, 8, toChroma, (index * 2 + 1) * blockSize);
  }

  /** The discrete cosine transform of one 8 x 8 block: its columns, then its rows. */
  #transformed(
    from: Float32Array,
    start: number,
    stride: number,
    to: Float32Array,
    at: number,
  ): void {
    const half = this.#half;
    for (let x = 0; x < 8; x++) transformLine(from, start + x, stride, half, x, 8);
    for (let y = 0; y < 8; y++) transformLine(half, 8 * y, 1, to, at + 8 * y, 1);
  }
}

const cosines = Float32Array.from({ length: 64 }, (_, at) => {
  const [frequency, x] = [at >> 3, at & 7];
  return (
    (frequency === 0 ? Math.SQRT1_2 : 1) * 0.5 * Math.cos(((2 * x + 1) * frequency * Math.PI) / 16)
  );
});

/** Of one line at a time. */
const sums = new Float64Array(8);

/** The cosines of even frequencies are the same from both ends, those of odd ones their negatives. */
function transformLine(
  from: Float32Array,
  start: number,
  step: number,
  to: Float32Array,
  at: number,
  stepTo: number,
): void {
  for (let x = 0; x < 4; x++) {
    const [near, far] = [from[start + x * step] ?? 0, from[start + (7 - x) * step] ?? 0];
    sums[x] = near + far;
    sums[4 + x] = near - far;
  }
  for (let u = 0; u < 8; u++) {
    const first = (u & 1) * 4;
    let sum = 0;
    for (let x = 0; x < 4; x++) sum += (sums[first + x] ?? 0) * (cosines[u * 8 + x] ?? 0);
    to[at + u * stepTo] = sum;
  }
}

function cost(blocks: Float32Array, table: readonly number[], scale: number): number {
  const steps = Float32Array.from(table, (step) => Math.max(1, Math.round(step * scale)));
  let bits = (blocks.length / blockSize) * bitsPerBlock;
  for (let at = 0; at < blocks.length; at++) {
    const place = at % blockSize;
    // The mean of a block is told by its difference to the one before, and costs next to nothing.
    if (place === 0) continue;
    const level = Math.round(Math.abs(blocks[at] ?? 0) / (steps[place] ?? 1));
    if (level > 0) bits += bitsPerCoefficient + 32 - Math.clz32(level);
  }
  return bits;
}
