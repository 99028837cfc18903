import { AppError } from "../errors.ts";

/** Larger seeds do not survive JSON in JavaScript; ComfyUI itself would take 64 bits. */
export const maxSeed = Number.MAX_SAFE_INTEGER;
export const maxCount = 32;

export const outputFormats = ["png", "jpeg", "webp"] as const;
export type OutputFormat = (typeof outputFormats)[number];

/** How much a variation changes, by word. */
export const variations = { subtle: 0.5, strong: 0.85 } as const;

/** A call of a tool. What is not named here is a parameter of the workflow. */
export interface TaskRequest {
  workflow?: string;
  model?: string;
  loras?: unknown;
  quality?: string;
  styles?: string[];
  count?: number;
  seed?: number;
  /** Every picture has `seed` itself instead of one more than the picture before. */
  sameSeed?: boolean;
  /** Instead of the prompt: picture i has entry i of them, over and over. */
  prompts?: string[];
  /** Picture i has line i of each wildcard instead of one drawn from its seed. */
  wildcardsInOrder?: boolean;
  outputFormat?: OutputFormat;
  aspectRatio?: string;
  /** A strength by word. */
  vary?: string;
  /** Outpainting: pixels to add on each side. */
  left?: number;
  top?: number;
  right?: number;
  bottom?: number;
  /** Inpainting: pixels by which the mask grows (or shrinks) and over which it fades. */
  grow?: number;
  feather?: number;
  /** Upscaling: how many times the width and the height. */
  factor?: number;
  /** An exact size in another shape: cut what is over, or add bars. */
  fit?: "fill" | "fit";
  /** Cut-outs: a colour, or where a picture is. */
  background?: string;
  saveTo?: string;
  overwrite?: boolean;
  parameters: Record<string, unknown>;
}

/** What a face without a schema of its own, such as a shell, may get wrong. */
export function checkBounds({ count, seed, factor, vary }: TaskRequest): void {
  whole("count", count, 1, maxCount);
  whole("seed", seed, 0, maxSeed);
  if (factor !== undefined && !(factor >= 1.5 && factor <= 4)) {
    throw new AppError("invalid_input", `factor: expected 1.5 to 4, got ${factor}.`);
  }
  if (vary !== undefined && !Object.hasOwn(variations, vary)) {
    throw new AppError(
      "invalid_input",
      `vary: expected ${Object.keys(variations).join(" or ")}, got ${JSON.stringify(vary)}.`,
    );
  }
}

function whole(name: string, value: number | undefined, least: number, most: number): void {
  if (value === undefined || (Number.isInteger(value) && value >= least && value <= most)) return;
  throw new AppError(
    "invalid_input",
    `${name}: expected a whole number from ${least} to ${most}, got ${value}.`,
  );
}

/** The workflow's parameters with what `vary` stands for. */
export function withVariation({ vary, parameters }: TaskRequest): Record<string, unknown> {
  if (vary === undefined) return parameters;
  return { strength: variations[vary as keyof typeof variations], ...parameters };
}
