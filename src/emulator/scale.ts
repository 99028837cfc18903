import type { Sharp } from "sharp";
import { type MaskRaster, maskOf, type Raster, rasterOf, sharpOf, sharpOfMask } from "./raster.ts";

const kernels: Record<string, "nearest" | "linear" | "cubic" | "lanczos3"> = {
  "nearest-exact": "nearest",
  nearest: "nearest",
  bilinear: "linear",
  area: "linear",
  bicubic: "cubic",
  bislerp: "cubic",
  lanczos: "lanczos3",
};

/** `crop` "center" cuts to the new proportions first, anything else stretches. */
export async function scaled(
  raster: Raster,
  width: number,
  height: number,
  method = "lanczos",
  crop = "disabled",
): Promise<Raster> {
  if (raster.width === width && raster.height === height) return raster;
  return rasterOf(resized(sharpOf(raster), width, height, method, crop));
}

export async function scaledMask(
  mask: MaskRaster,
  width: number,
  height: number,
): Promise<MaskRaster> {
  if (mask.width === width && mask.height === height) return mask;
  return maskOf(resized(sharpOfMask(mask), width, height, "bilinear", "disabled"));
}

function resized(image: Sharp, width: number, height: number, method: string, crop: string): Sharp {
  return image.resize(width, height, {
    kernel: kernels[method] ?? "linear",
    fit: crop === "center" ? "cover" : "fill",
  });
}
