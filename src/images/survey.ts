import { eachRow, type Raster } from "./raster.ts";

/** Why a picture that ComfyUI calls a success most likely is none. */
export type Verdict = "black" | "one_colour" | "nan" | "noise";

export interface Survey {
  /** Of the visible pixels, as `#rrggbb`; white when none is visible. */
  meanColor: string;
  verdict?: Verdict;
}

/** What a model cannot have meant to paint; JPEG moves a plain colour by less. */
const sameColor = 2;
const blackest = 3;

/** Looks at a sample of the pixels, and at all of them only if the sample is of one colour. */
export async function survey(raster: Raster): Promise<Survey> {
  const windows = windowsOf(raster);
  const sums = [0, 0, 0];
  const [low, high] = [
    [255, 255, 255],
    [0, 0, 0],
  ];
  let [seen, looked] = [0, 0];
  for (const { count, visible, sum, lowest, highest } of windows) {
    looked += count;
    seen += visible;
    for (let channel = 0; channel < 3; channel++) {
      sums[channel] = (sums[channel] ?? 0) + (sum[channel] ?? 0);
      low[channel] = Math.min(low[channel] ?? 0, lowest[channel] ?? 0);
      high[channel] = Math.max(high[channel] ?? 0, highest[channel] ?? 0);
    }
  }
  if (seen === 0) return { meanColor: "#ffffff" };
  const mean = sums.map((sum) => Math.round(sum / seen));
  const meanColor = `#${mean.map((value) => value.toString(16).padStart(2, "0")).join("")}`;
  // A silhouette on transparency is one colour and fine.
  if (seen < looked) return { meanColor };
  const verdict = isPlain(low, high)
    ? await plainVerdict(raster, mean)
    : noiseVerdict(windows, mean);
  return verdict === undefined ? { meanColor } : { meanColor, verdict };
}

function isPlain(low: readonly number[], high: readonly number[]): boolean {
  if (Math.max(...high) <= blackest) return true;
  return high.every((value, channel) => value - (low[channel] ?? 0) <= sameColor);
}

async function plainVerdict(raster: Raster, mean: readonly number[]): Promise<Verdict | undefined> {
  const { data, width, channels } = raster;
  const darkest = mean.every((value) => value <= blackest);
  const low = mean.map((value) => (darkest ? 0 : value - sameColor));
  const high = mean.map((value) => (darkest ? blackest : value + sameColor));
  let plain = true;
  await eachRow(raster, (row) => {
    const end = (row + 1) * width * channels;
    for (let at = row * width * channels; plain && at < end; at += channels) {
      plain = inside(data, at, low, high) && (channels === 3 || data[at + 3] === 255);
    }
  });
  if (!plain) return undefined;
  if (darkest) return "black";
  // Zeros that stand for numbers lost on the way are mid grey after the decoder's (x + 1) / 2.
  return mean.every((value) => Math.abs(value - 127.5) <= sameColor) ? "nan" : "one_colour";
}

function inside(
  data: Buffer,
  at: number,
  low: readonly number[],
  high: readonly number[],
): boolean {
  for (let channel = 0; channel < 3; channel++) {
    const value = data[at + channel] ?? 0;
    if (value < (low[channel] ?? 0) || value > (high[channel] ?? 0)) return false;
  }
  return true;
}

/** A part of the picture, looked at in about 10 x 10 places. */
interface Window {
  count: number;
  visible: number;
  sum: number[];
  squares: number[];
  lowest: number[];
  highest: number[];
  /** Sums of (r - g) and (b - g), and of their squares. */
  tint: number[];
  tintSquares: number[];
  /** Places whose right neighbour has nearly the same colour. */
  flat: number;
}

const windowsAcross = 8;
const widestWindow = 64;
const placesAcross = 10;

function windowsOf(raster: Raster): Window[] {
  const { width, height } = raster;
  const [wide, high] = [width, height].map((side) =>
    Math.max(1, Math.min(widestWindow, Math.floor(side / windowsAcross))),
  );
  const windows: Window[] = [];
  for (let index = 0; index < windowsAcross ** 2; index++) {
    const left = Math.floor(
      ((index % windowsAcross) * (width - (wide ?? 1))) / (windowsAcross - 1),
    );
    const top = Math.floor(
      (Math.floor(index / windowsAcross) * (height - (high ?? 1))) / (windowsAcross - 1),
    );
    windows.push(windowAt(raster, left, top, wide ?? 1, high ?? 1));
  }
  return windows;
}

function windowAt(raster: Raster, left: number, top: number, wide: number, high: number): Window {
  const { data, width, channels } = raster;
  const stepX = Math.max(1, Math.floor(wide / placesAcross));
  const stepY = Math.max(1, Math.floor(high / placesAcross));
  const window: Window = {
    count: 0,
    visible: 0,
    sum: [0, 0, 0],
    squares: [0, 0, 0],
    lowest: [255, 255, 255],
    highest: [0, 0, 0],
    tint: [0, 0],
    tintSquares: [0, 0],
    flat: 0,
  };
  for (let y = top; y < top + high; y += stepY) {
    for (let x = left; x < left + wide; x += stepX) {
      const at = (y * width + x) * channels;
      window.count++;
      if (channels === 4 && data[at + 3] === 0) continue;
      window.visible++;
      take(window, data, at, x + 1 < width ? at + channels : at);
    }
  }
  return window;
}

function take(window: Window, data: Buffer, at: number, next: number): void {
  let apart = 0;
  for (let channel = 0; channel < 3; channel++) {
    const value = data[at + channel] ?? 0;
    takeChannel(window, channel, value);
    apart = Math.max(apart, Math.abs(value - (data[next + channel] ?? 0)));
  }
  if (apart <= sameColor) window.flat++;
  const green = data[at + 1] ?? 0;
  takeTint(window, 0, (data[at] ?? 0) - green);
  takeTint(window, 1, (data[at + 2] ?? 0) - green);
}

function takeTint({ tint, tintSquares }: Window, index: number, value: number): void {
  tint[index] = (tint[index] ?? 0) + value;
  tintSquares[index] = (tintSquares[index] ?? 0) + value * value;
}

function takeChannel({ sum, squares, lowest, highest }: Window, at: number, value: number): void {
  sum[at] = (sum[at] ?? 0) + value;
  squares[at] = (squares[at] ?? 0) + value * value;
  if (value < (lowest[at] ?? 0)) lowest[at] = value;
  if (value > (highest[at] ?? 0)) highest[at] = value;
}

/** Of decoded latent noise, each as measured on pictures made of it; the margins are wide. */
const noise = {
  /** How far the mean colour is from grey: a meadow is as busy, and green. */
  mean: 40,
  /** Share of places like their neighbour. */
  flat: 0.1,
  /** Spread of the tint within a window, in steps of 255: noise is of all colours everywhere. */
  tint: 14,
  /** How far the windows' spreads differ from each other, as a share of their mean. */
  unevenness: 0.2,
  /** How far the windows' means differ, as a share of the spread in a window. */
  structure: 0.3,
};

/** Undenoised latents decode to blotches of every colour, the same in every part of the picture. */
function noiseVerdict(windows: readonly Window[], mean: readonly number[]): Verdict | undefined {
  if (Math.max(...mean) - Math.min(...mean) > noise.mean) return undefined;
  const places = windows.reduce((sum, { visible }) => sum + visible, 0);
  // Of fewer places nothing can be said.
  if (places < windowsAcross ** 2 * placesAcross ** 2) return undefined;
  if (windows.reduce((sum, { flat }) => sum + flat, 0) > noise.flat * places) return undefined;
  for (const index of [0, 1]) {
    const spreads = windows.map((window) =>
      spread(window.tint[index], window.tintSquares[index], window.visible),
    );
    if (Math.min(...spreads) < noise.tint / 2 || meanOf(spreads) < noise.tint) return undefined;
  }
  for (const channel of [0, 1, 2]) {
    const spreads = windows.map((window) =>
      spread(window.sum[channel], window.squares[channel], window.visible),
    );
    const means = windows.map((window) => (window.sum[channel] ?? 0) / window.visible);
    if (deviation(spreads) > noise.unevenness * meanOf(spreads)) return undefined;
    if (deviation(means) > noise.structure * meanOf(spreads)) return undefined;
  }
  return "noise";
}

function spread(sum = 0, squares = 0, count: number): number {
  return Math.sqrt(Math.max(0, squares / count - (sum / count) ** 2));
}

function meanOf(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

function deviation(values: readonly number[]): number {
  const mean = meanOf(values);
  return Math.sqrt(meanOf(values.map((value) => (value - mean) ** 2)));
}

/** What the picture shows, what mostly causes it, and what to change; a note, not an error. */
export function verdictAdvice(verdict: Verdict): string {
  switch (verdict) {
    case "black":
      return "The picture is all black. Mostly the VAE overflowed in half precision: start ComfyUI with --fp32-vae, or use a VAE made for it (for SDXL: sdxl-vae-fp16-fix). A safety filter node can blacken pictures too.";
    case "nan":
      return "The picture is plain mid grey, as it is when the numbers were lost on the way. If that was not asked for: start ComfyUI with --fp32-vae (or --force-fp32), and check that checkpoint, VAE and LoRAs belong to one model family.";
    case "one_colour":
      return "The picture is of one single colour. If that was not asked for: start ComfyUI with --fp32-vae, check that the VAE belongs to the model, and use guidance 1 with turbo, lightning and distilled models.";
    case "noise":
      return "The picture looks like noise that was never denoised. Use guidance 1 and few steps with turbo, lightning and distilled models, a sampler and scheduler that the model takes, more steps otherwise, and the VAE of the model's own family.";
  }
}
