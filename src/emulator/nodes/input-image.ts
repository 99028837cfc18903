import { PythonError, repr, str } from "../../as-comfyui/python.ts";
import { type Disk, sha256 } from "../disk.ts";
import type { NodeBehaviour, NodeContext, NodeResult } from "../node.ts";
import {
  channel,
  filledMask,
  type MaskRaster,
  mapMask,
  type Raster,
  rasterOf,
  stored,
  withoutAlpha,
} from "../raster.ts";
import { type Inputs, images, masks } from "../values.ts";

async function picture(inputs: Inputs, { disk }: NodeContext): Promise<Raster> {
  const name = inputs.text("image");
  const file = disk.find(name);
  if (!file)
    throw new PythonError(
      "FileNotFoundError",
      `[Errno 2] No such file or directory: ${repr(name)}`,
    );
  // Turned as the EXIF orientation says.
  return rasterOf(stored(file.bytes).rotate()).catch((cause: unknown) => {
    const message = `cannot identify image file ${repr(name)}`;
    throw new PythonError("PIL.UnidentifiedImageError", message, { cause });
  });
}

/** 1 - alpha; without an alpha channel 64x64 zeros, whatever the size of the picture. */
function transparency(raster: Raster): MaskRaster {
  const alpha = channel(raster, 3);
  return alpha ? mapMask(alpha, (value) => 255 - value) : filledMask(64, 64, 0);
}

async function loadImage(inputs: Inputs, context: NodeContext): Promise<NodeResult> {
  const raster = await picture(inputs, context);
  return { outputs: [images([withoutAlpha(raster)]), masks([transparency(raster)])] };
}

async function loadImageMask(inputs: Inputs, context: NodeContext): Promise<NodeResult> {
  const raster = await picture(inputs, context);
  const index = ["red", "green", "blue"].indexOf(inputs.text("channel"));
  const mask = index < 0 ? undefined : channel(raster, index);
  return { outputs: [masks([mask ?? transparency(raster)])] };
}

function marker(inputs: Record<string, unknown>, disk: Disk): string | undefined {
  const file = disk.find(str(inputs["image"]));
  return file && sha256(file.bytes);
}

const readsFile = {
  changed: marker,
  validate: {
    input: "image",
    check: (value: unknown, disk: Disk) =>
      disk.find(str(value)) ? undefined : `Invalid image file: ${str(value)}`,
  },
};

export const inputImageNodes: Record<string, NodeBehaviour> = {
  LoadImage: { ...readsFile, run: loadImage },
  LoadImageOutput: { ...readsFile, run: loadImage },
  LoadImageMask: { ...readsFile, run: loadImageMask },
};
