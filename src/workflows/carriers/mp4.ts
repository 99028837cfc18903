import { largestText, mostParts, type Source, type Texts } from "./source.ts";

interface Box {
  type: string;
  start: number;
  end: number;
}

/** ISO base media (MP4, MOV): texts are in `moov/meta` and `moov/udta/meta`. */
export async function readMp4(source: Source, texts: Texts): Promise<void> {
  for (const moov of await boxesIn(source, 0, source.size, "moov")) {
    for (const udta of [moov, ...(await boxesIn(source, moov.start, moov.end, "udta"))]) {
      for (const meta of await boxesIn(source, udta.start, udta.end, "meta")) {
        await readMeta(source, meta, texts);
      }
    }
  }
}

async function readMeta(source: Source, meta: Box, texts: Texts): Promise<void> {
  // In ISO files four bytes of version come first; QuickTime has none.
  const isQuickTime = (await source.read(meta.start + 4, 4)).toString("latin1") === "hdlr";
  const start = meta.start + (isQuickTime ? 0 : 4);
  const [keysBox] = await boxesIn(source, start, meta.end, "keys");
  const keys = keysBox ? await readKeys(source, keysBox) : [];
  for (const list of await boxesIn(source, start, meta.end, "ilst")) {
    for (const item of await boxesIn(source, list.start, list.end)) {
      const [data] = await boxesIn(source, item.start, item.end, "data");
      if (!data || data.end - data.start > largestText) continue;
      const text = (await source.read(data.start + 8, data.end - data.start - 8)).toString("utf8");
      const index = Buffer.from(item.type, "latin1").readUInt32BE(0);
      texts.add(keys[index - 1] ?? (item.type === "\xa9cmt" ? "comment" : item.type), text);
    }
  }
}

/** Version, count, then `size, namespace, name` each. */
async function readKeys(source: Source, { start, end }: Box): Promise<string[]> {
  const data = await source.read(start, Math.min(end - start, largestText));
  const keys: string[] = [];
  let at = 8;
  while (at + 8 <= data.length && keys.length < mostParts) {
    const size = data.readUInt32BE(at);
    if (size < 8) break;
    keys.push(data.toString("utf8", at + 8, at + size));
    at += size;
  }
  return keys;
}

async function boxesIn(
  source: Source,
  start: number,
  end: number,
  wanted?: string,
): Promise<Box[]> {
  const found: Box[] = [];
  let at = start;
  for (let part = 0; part < mostParts && at + 8 <= end; part += 1) {
    const box = boxAt(await source.read(at, 16), at, end);
    if (!box) break;
    if (wanted === undefined || box.type === wanted) found.push(box);
    at = box.end;
  }
  return found;
}

/** A size of 1 stands in eight bytes behind the type, 0 goes on to the end. */
function boxAt(header: Buffer, at: number, end: number): Box | undefined {
  if (header.length < 8) return undefined;
  const short = header.readUInt32BE(0);
  const isLong = short === 1 && header.length === 16;
  let size = short === 0 ? end - at : short;
  if (isLong) size = Number(header.readBigUInt64BE(8));
  if (size < 8 || at + size > end) return undefined;
  const start = at + (isLong ? 16 : 8);
  return { type: header.toString("latin1", 4, 8), start, end: at + size };
}
