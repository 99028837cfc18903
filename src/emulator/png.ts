import { crc32 } from "node:zlib";
import { type Raster, sharpOf } from "./raster.ts";

/** Signature and IHDR, which is always first. */
const headerLength = 33;

/** PNG bytes with tEXt chunks, the way SaveImage keeps the graph in its pictures. */
export async function pngOf(raster: Raster, texts: Record<string, string> = {}): Promise<Buffer> {
  const plain = await sharpOf(raster).png({ compressionLevel: 4 }).toBuffer();
  const chunks = Object.entries(texts).map(([keyword, text]) => textChunk(keyword, text));
  return Buffer.concat([plain.subarray(0, headerLength), ...chunks, plain.subarray(headerLength)]);
}

function textChunk(keyword: string, text: string): Buffer {
  const content = Buffer.from(`tEXt${keyword}\0${text}`, "latin1");
  const chunk = Buffer.alloc(content.length + 8);
  chunk.writeUInt32BE(content.length - 4, 0);
  content.copy(chunk, 4);
  chunk.writeUInt32BE(crc32(content), content.length + 4);
  return chunk;
}
