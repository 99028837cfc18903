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
  readonly #luma: Float32Array[] = [];
  readonly #chroma: Float32Array[] = [];

  constructor(raster: Raster) {
    const { width, height } = raster;
    this.#pixels = width * height;
    const [across, down] = [Math.floor(width / unit), Math.floor(height / unit)];
    const count = Math.min(unitsLookedAt, across * down);
    for (let index = 0; index < count; index++) {
      // Spread evenly, but not in columns, which a repeating pattern could match.
      const at = Math.floor(((index + 0.5) * across * down) / count);
      this.#sample(raster, (at % across) * unit, Math.floor(at / across) * unit);
    }
    this.#units = count;
  }

  /** In bytes; more than the real size for pictures of a few pixels. */
  at(quality: number): number {
    if (this.#units === 0) return headerBytes + this.#pixels;
    const scale = quality < 50 ? 50 / quality : 2 - quality / 50;
    const bits = cost(this.#luma, luma, scale) + cost(this.#chroma, chroma, scale);
    return headerBytes + ((bits / this.#units) * (this.#pixels / unit ** 2)) / 8;
  }

  #sample({ data, width, channels }: Raster, left: number, top: number): void {
    const bright = new Float32Array(unit ** 2);
    const blue = new Float32Array(64);
    const red = new Float32Array(64);
    for (let y = 0; y < unit; y++) {
      for (let x = 0; x < unit; x++) {
        const at = ((top + y) * width + left + x) * channels;
        const [r, g, b] = [data[at] ?? 0, data[at + 1] ?? 0, data[at + 2] ?? 0];
        const value = 0.299 * r + 0.587 * g + 0.114 * b;
        bright[y * unit + x] = value;
        const half = (y >> 1) * 8 + (x >> 1);
        blue[half] = (blue[half] ?? 0) + (b - value) * 0.141;
        red[half] = (red[half] ?? 0) + (r - value) * 0.178;
      }
    }
    for (const [x, y] of corners) this.#luma.push(transformed(bright, unit, x, y));
    this.#chroma.push(transformed(blue, 8, 0, 0), transformed(red, 8, 0, 0));
  }
}

const corners = [
  [0, 0],
  [8, 0],
  [0, 8],
  [8, 8],
] as const;

const cosines = Float32Array.from({ length: 64 }, (_, at) => {
  const [frequency, x] = [at >> 3, at & 7];
  return (
    (frequency === 0 ? Math.SQRT1_2 : 1) * 0.5 * Math.cos(((2 * x + 1) * frequency * Math.PI) / 16)
  );
});

/** The discrete cosine transform of one 8 x 8 block: its columns, then its rows. */
function transformed(from: Float32Array, stride: number, left: number, top: number): Float32Array {
  const half = new Float32Array(64);
  const result = new Float32Array(64);
  const start = top * stride + left;
  for (let x = 0; x < 8; x++) transformLine(from, start + x, stride, half, x, 8);
  for (let y = 0; y < 8; y++) transformLine(half, 8 * y, 1, result, 8 * y, 1);
  return result;
}

function transformLine(
  from: Float32Array,
  start: number,
  step: number,
  to: Float32Array,
  at: number,
  stepTo: number,
): void {
  for (let u = 0; u < 8; u++) {
    let sum = 0;
    for (let x = 0; x < 8; x++) sum += (from[start + x * step] ?? 0) * (cosines[u * 8 + x] ?? 0);
    to[at + u * stepTo] = sum;
  }
}

function cost(blocks: readonly Float32Array[], table: readonly number[], scale: number): number {
  const steps = table.map((step) => Math.max(1, Math.round(step * scale)));
  let bits = blocks.length * bitsPerBlock;
  for (const block of blocks) {
    for (let at = 1; at < 64; at++) {
      const level = Math.round(Math.abs(block[at] ?? 0) / (steps[at] ?? 1));
      if (level > 0) bits += bitsPerCoefficient + 32 - Math.clz32(level);
    }
  }
  return bits;
}
