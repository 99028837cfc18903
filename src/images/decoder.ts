import type { Color, Sharp, SharpOptions } from "sharp";
import { AppError, messageOf, refusal } from "../errors.ts";
import { cut } from "../words.ts";

/** Larger inputs are refused: 100 megapixels are 400 MB once decoded. */
export const defaultMaxPixels = 100_000_000;

/** The largest picture ComfyUI's own nodes make (`nodes.py`, MAX_RESOLUTION): 16384 a side. */
export const largestResultPixels = 16_384 ** 2;

type Input = { bytes: Buffer } & SharpOptions;

/**
 * The only place that loads sharp: its native binding may be absent on a machine, and the server
 * must still start and answer there.
 */
export async function openImage({ bytes, ...options }: Input): Promise<Sharp> {
  const { default: sharp } = await loadSharp();
  return sharp(bytes, { failOn: "error", limitInputPixels: largestResultPixels, ...options });
}

/** A picture of nothing but one colour. */
export async function openCanvas(
  width: number,
  height: number,
  background: Color | string,
): Promise<Sharp> {
  const { default: sharp } = await loadSharp();
  return sharp({ create: { width, height, channels: 4, background } });
}

/** Kept, because an `import()` of what is loaded still costs a fraction of a decoding. */
let loaded: typeof import("sharp") | undefined;

async function loadSharp(): Promise<typeof import("sharp")> {
  try {
    loaded ??= await import("sharp");
    return loaded;
  } catch (error) {
    throw notLoaded(error);
  }
}

function notLoaded(cause: unknown): AppError {
  return new AppError(
    "storage",
    `Pictures cannot be processed: the native library "sharp" does not load on this machine (${firstLine(cause)}). Reinstall it for this platform with: npm install --include=optional sharp`,
    { cause },
  );
}

/** Waits for sharp and words what it throws about `what`. */
export async function decoded<T>(what: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof AppError) throw error;
    throw refusal(
      `${what} is damaged or cut short: it cannot be decoded (${firstLine(error)}). Save or send it again.`,
      error,
    );
  }
}

function firstLine(error: unknown): string {
  return cut(messageOf(error).trim().split("\n", 1)[0] ?? "");
}
