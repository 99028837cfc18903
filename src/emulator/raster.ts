import sharp, { type Sharp } from "sharp";

/** Decoded pixels, 8 bits a channel, rows from the top. */
export interface Raster {
  width: number;
  height: number;
  channels: 3 | 4;
  data: Buffer;
}

/** One byte a pixel; 255 is ComfyUI's 1.0. */
export interface MaskRaster {
  width: number;
  height: number;
  data: Buffer;
}

/** A file's pixels as they are stored: Pillow, and so ComfyUI, applies no colour profile. */
export function stored(bytes: Buffer): Sharp {
  return sharp(bytes, { ignoreIcc: true });
}

export function filled(width: number, height: number, color: number): Raster {
  const data = Buffer.alloc(width * height * 3);
  data.fill(Buffer.from([(color >> 16) & 255, (color >> 8) & 255, color & 255]));
  return { width, height, channels: 3, data };
}

export function filledMask(width: number, height: number, value: number): MaskRaster {
  return { width, height, data: Buffer.alloc(width * height, value) };
}

export function sharpOf({ data, width, height, channels }: Raster): Sharp {
  return sharp(data, { raw: { width, height, channels } });
}

export function sharpOfMask({ data, width, height }: MaskRaster): Sharp {
  return sharp(data, { raw: { width, height, channels: 1 } });
}

export async function rasterOf(image: Sharp): Promise<Raster> {
  const { data, info } = await image
    .toColourspace("srgb")
    .raw()
    .toBuffer({ resolveWithObject: true });
  const { width, height, channels } = info;
  if (channels === 3 || channels === 4) return { width, height, channels, data };
  return colored(data, width, height, channels);
}

/** Grey, or grey with alpha, as colours. */
function colored(grey: Buffer, width: number, height: number, bands: number): Raster {
  const channels = bands === 2 ? 4 : 3;
  const data = Buffer.alloc(width * height * channels);
  for (let pixel = 0; pixel < width * height; pixel += 1) {
    data.fill(grey[pixel * bands] ?? 0, pixel * channels, pixel * channels + 3);
    if (channels === 4) data[pixel * 4 + 3] = grey[pixel * bands + 1] ?? 255;
  }
  return { width, height, channels, data };
}

export async function maskOf(image: Sharp): Promise<MaskRaster> {
  const { data, info } = await image
    .extractChannel(0)
    .toColourspace("b-w")
    .raw()
    .toBuffer({ resolveWithObject: true });
  return { width: info.width, height: info.height, data };
}

export function withoutAlpha(raster: Raster): Raster {
  if (raster.channels === 3) return raster;
  const { width, height } = raster;
  const data = Buffer.alloc(width * height * 3);
  for (let pixel = 0; pixel < width * height; pixel += 1) {
    raster.data.copy(data, pixel * 3, pixel * 4, pixel * 4 + 3);
  }
  return { width, height, channels: 3, data };
}

/** One colour or alpha channel on its own; undefined where the picture has none. */
export function channel(raster: Raster, index: number): MaskRaster | undefined {
  if (index >= raster.channels) return undefined;
  const { width, height, channels } = raster;
  const data = Buffer.alloc(width * height);
  for (let pixel = 0; pixel < data.length; pixel += 1) {
    data[pixel] = raster.data[pixel * channels + index] ?? 0;
  }
  return { width, height, data };
}

export function joinAlpha(raster: Raster, alpha: MaskRaster): Raster {
  const { width, height } = raster;
  const opaque = withoutAlpha(raster);
  const data = Buffer.alloc(width * height * 4);
  for (let pixel = 0; pixel < width * height; pixel += 1) {
    opaque.data.copy(data, pixel * 4, pixel * 3, pixel * 3 + 3);
    data[pixel * 4 + 3] = alpha.data[pixel] ?? 255;
  }
  return { width, height, channels: 4, data };
}

export function mapMask(mask: MaskRaster, change: (value: number) => number): MaskRaster {
  const data = Buffer.from(mask.data);
  for (let pixel = 0; pixel < data.length; pixel += 1) data[pixel] = change(data[pixel] ?? 0);
  return { ...mask, data };
}

/** `over` in the proportion the mask says, or everywhere in proportion `amount` (0..1). */
export function mixed(under: Raster, over: Raster, amount: number, mask?: MaskRaster): Raster {
  const below = withoutAlpha(under);
  const above = withoutAlpha(over);
  const data = Buffer.alloc(below.data.length);
  for (let at = 0; at < data.length; at += 1) {
    const share = mask ? (amount * (mask.data[Math.trunc(at / 3)] ?? 0)) / 255 : amount;
    const from = below.data[at] ?? 0;
    data[at] = Math.round(from + ((above.data[at] ?? 0) - from) * share);
  }
  return { ...below, data };
}
