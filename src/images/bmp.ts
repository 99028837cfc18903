import { refusal } from "../errors.ts";
import { defaultMaxPixels } from "./decoder.ts";
import { eachRow, openRaster, type Raster } from "./raster.ts";

const uncompressed = 0;
/** With masks that say where each channel lies. */
const bitFields = 3;
const fileHeader = 14;

/** An uncompressed BMP of 24 or 32 bits as a PNG; `what` starts the sentence of every refusal. */
export async function bmpToPng(bytes: Buffer, what: string): Promise<Buffer> {
  const { width, height, bottomUp, bits, start } = headerOf(bytes, what);
  const from = bits / 8;
  // Rows are filled up to multiples of four bytes.
  const stride = Math.ceil((width * bits) / 32) * 4;
  if (bytes.length < start + stride * height) throw refusal(`${what} is cut short. Send it again.`);
  const raster: Raster = { data: Buffer.alloc(width * height * 4), width, height, channels: 4 };
  await eachRow(raster, (row) => {
    const line = start + stride * (bottomUp ? height - 1 - row : row);
    for (let x = 0; x < width; x++) {
      const at = line + x * from;
      const [b = 0, g = 0, r = 0, alpha = 0] = bytes.subarray(at, at + from);
      raster.data.set([r, g, b, from === 4 ? alpha : 255], (row * width + x) * 4);
    }
  });
  const picture = await openRaster(raster);
  // Most programs leave the fourth byte 0 and mean nothing by it.
  if (from === 3 || !(await hasVisiblePixel(raster))) picture.removeAlpha();
  return await picture.png().toBuffer();
}

async function hasVisiblePixel(raster: Raster): Promise<boolean> {
  const { data, width } = raster;
  let found = false;
  await eachRow(raster, (row) => {
    const end = (row + 1) * width * 4;
    for (let at = row * width * 4 + 3; !found && at < end; at += 4) found = data[at] !== 0;
  });
  return found;
}

function headerOf(bytes: Buffer, what: string) {
  if (bytes.length < fileHeader + 40) throw refusal(`${what} is cut short. Send it again.`);
  const bits = bytes.readUInt16LE(28);
  const compression = bytes.readUInt32LE(30);
  const isPlain = compression === uncompressed && (bits === 24 || bits === 32);
  if (!isPlain && !(bits === 32 && isBgra(bytes, compression))) {
    throw refusal(
      `${what} is a BMP of a kind that is not read: only uncompressed ones of 24 or 32 bits are. Save it as PNG.`,
    );
  }
  const [width, signed] = [bytes.readInt32LE(18), bytes.readInt32LE(22)];
  const height = Math.abs(signed);
  if (width < 1 || height < 1) throw refusal(`${what} is a damaged BMP. Save it as PNG.`);
  if (width * height > defaultMaxPixels) {
    throw refusal(`${what} is too large: ${width}x${height}. Send a smaller version.`);
  }
  return { width, height, bottomUp: signed > 0, bits, start: bytes.readUInt32LE(10) };
}

function isBgra(bytes: Buffer, compression: number): boolean {
  if (compression !== bitFields || bytes.length < fileHeader + 52) return false;
  const masks = [54, 58, 62].map((at) => bytes.readUInt32LE(at));
  return masks[0] === 0xff0000 && masks[1] === 0xff00 && masks[2] === 0xff;
}
