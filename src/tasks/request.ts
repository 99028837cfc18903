import { AppError } from "../errors.ts";
import type { Webhook } from "../webhooks/webhook.ts";
import type { OutputFormat } from "./task.ts";

/** Larger seeds do not survive JSON in JavaScript; ComfyUI itself would take 64 bits. */
export const maxSeed = Number.MAX_SAFE_INTEGER;
export const maxCount = 32;

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
  outputFormat?: OutputFormat;
  aspectRatio?: string;
  /** Outpainting: pixels to add on each side. */
  padding?: { left: number; top: number; right: number; bottom: number };
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
  webhook?: Webhook;
  parameters: Record<string, unknown>;
}

type Named = Exclude<keyof TaskRequest, "parameters" | "padding" | "webhook">;

/** The product's spelling of what is not a parameter of the workflow. */
const names: Readonly<Record<string, Named>> = {
  workflow: "workflow",
  model: "model",
  loras: "loras",
  quality: "quality",
  styles: "styles",
  count: "count",
  seed: "seed",
  output_format: "outputFormat",
  aspect_ratio: "aspectRatio",
  grow: "grow",
  feather: "feather",
  factor: "factor",
  fit: "fit",
  background: "background",
  save_to: "saveTo",
  overwrite: "overwrite",
};

const sides = ["left", "top", "right", "bottom"] as const;

/** Flat arguments as faces have them, checked against the tool's parameters, to a request. */
export function requestFrom(args: Readonly<Record<string, unknown>>): TaskRequest {
  const request: Record<string, unknown> = {};
  const parameters: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(args)) {
    if (value === undefined || sides.some((side) => side === name)) continue;
    const key = names[name];
    if (key) request[key] = value;
    else parameters[name] = value;
  }
  if (sides.some((side) => args[side] !== undefined)) {
    request["padding"] = Object.fromEntries(sides.map((side) => [side, args[side] ?? 0]));
  }
  return { ...request, parameters };
}

/** What a face without a schema of its own, such as a shell, may get wrong. */
export function checkBounds({ count, seed, factor }: TaskRequest): void {
  whole("count", count, 1, maxCount);
  whole("seed", seed, 0, maxSeed);
  if (factor !== undefined && !(factor >= 1.5 && factor <= 4)) {
    throw new AppError("invalid_input", `factor: expected 1.5 to 4, got ${factor}.`);
  }
}

function whole(name: string, value: number | undefined, least: number, most: number): void {
  if (value === undefined || (Number.isInteger(value) && value >= least && value <= most)) return;
  throw new AppError(
    "invalid_input",
    `${name}: expected a whole number from ${least} to ${most}, got ${value}.`,
  );
}

/** `vary` is a strength by word. */
export function withVariation(parameters: Record<string, unknown>): Record<string, unknown> {
  const { vary, ...rest } = parameters;
  if (vary === undefined) return rest;
  if (vary !== "subtle" && vary !== "strong") {
    throw new AppError(
      "invalid_input",
      `vary: expected subtle or strong, got ${JSON.stringify(vary)}.`,
    );
  }
  return { strength: variations[vary], ...rest };
}
