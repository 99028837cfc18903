import { PythonError, typeName } from "../as-comfyui/python.ts";
import type { MaskRaster, Raster } from "./raster.ts";

/** What travels along links in place of tensors and models. */
export interface Images {
  kind: "image";
  frames: Raster[];
}

export interface Masks {
  kind: "mask";
  frames: MaskRaster[];
}

export interface Conditioning {
  kind: "conditioning";
  text: string;
  /** Pictures an edit or style model looks at. */
  references: Raster[];
  /** Where a fill model may paint, when the latent itself does not say. */
  fillMask?: MaskRaster;
}

export interface Model {
  kind: "model";
  /** File names of the model and of the LoRAs on it. */
  files: string[];
}

export interface Recipe {
  positive: Conditioning;
  negative: Conditioning;
  model: Model;
  seed: number;
  steps: number;
  cfg: number;
  /** 1 paints over everything, less lets the picture below shine through. */
  denoise: number;
}

export interface Latent {
  kind: "latent";
  width: number;
  height: number;
  batch: number;
  /** What the latent was encoded from. */
  pictures?: Raster[];
  /** How it was sampled, over `below`. */
  recipe?: Recipe;
  below?: Latent;
  /** Only here does sampling change anything. */
  noiseMask?: MaskRaster;
}

export interface Guider {
  kind: "guider";
  model: Model;
  positive: Conditioning;
  negative: Conditioning;
  cfg: number;
}

export interface Noise {
  kind: "noise";
  seed: number;
}

export interface Sigmas {
  kind: "sigmas";
  steps: number;
  denoise: number;
}

/** Anything that only has to be there: CLIP, VAE, sampler, upscaler, ... */
export interface Handle {
  kind: "handle";
  type: string;
  file: string;
}

export interface Values {
  image: Images;
  mask: Masks;
  conditioning: Conditioning;
  model: Model;
  latent: Latent;
  guider: Guider;
  noise: Noise;
  sigmas: Sigmas;
  handle: Handle;
}

/** An output that stops what is downstream of it; silently without a message. */
export class ExecutionBlocker {
  readonly message: string | undefined;

  constructor(message?: string) {
    this.message = message;
  }
}

/** A node's inputs with the links resolved. */
export class Inputs {
  readonly values: Record<string, unknown>;

  constructor(values: Record<string, unknown>) {
    this.values = values;
  }

  take<Kind extends keyof Values>(kind: Kind, name: string): Values[Kind] {
    const value = this.maybe(kind, name);
    if (!value) {
      const found = typeName(this.values[name]);
      throw new PythonError("AttributeError", `'${found}' object has no attribute 'shape'`);
    }
    return value;
  }

  maybe<Kind extends keyof Values>(kind: Kind, name: string): Values[Kind] | undefined {
    const value = this.values[name];
    if (value === null || typeof value !== "object") return undefined;
    return (value as { kind?: string }).kind === kind ? (value as Values[Kind]) : undefined;
  }

  number(name: string, fallback = 0): number {
    const value = this.values[name];
    // A whole number beyond what a number holds stays text.
    if (typeof value === "string" && /^-?\d+$/.test(value)) return Number(value);
    return typeof value === "number" ? value : fallback;
  }

  text(name: string, fallback = ""): string {
    const value = this.values[name];
    return typeof value === "string" ? value : fallback;
  }

  flag(name: string): boolean {
    return this.values[name] === true;
  }
}

export function images(frames: Raster[]): Images {
  return { kind: "image", frames };
}

export function masks(frames: MaskRaster[]): Masks {
  return { kind: "mask", frames };
}

export function handle(type: string, file = ""): Handle {
  return { kind: "handle", type, file };
}
