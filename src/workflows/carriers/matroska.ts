import { largestText, mostParts, type Source, type Texts } from "./source.ts";

const segment = 0x18538067;
const tags = 0x1254c367;
const tag = 0x7373;
const simpleTag = 0x67c8;
const tagName = 0x45a3;
const tagString = 0x4487;

interface Element {
  id: number;
  start: number;
  end: number;
}

/** WebM and MKV: `Segment/Tags/Tag/SimpleTag` holds names and texts. */
export async function readMatroska(source: Source, texts: Texts): Promise<void> {
  for (const root of await elementsIn(source, 0, source.size, segment)) {
    for (const list of await elementsIn(source, root.start, root.end, tags)) {
      for (const one of await elementsIn(source, list.start, list.end, tag)) {
        for (const simple of await elementsIn(source, one.start, one.end, simpleTag)) {
          await readSimpleTag(source, simple, texts);
        }
      }
    }
  }
}

async function readSimpleTag(source: Source, simple: Element, texts: Texts): Promise<void> {
  const parts = await elementsIn(source, simple.start, simple.end);
  const textOf = async (id: number) => {
    const part = parts.find((each) => each.id === id);
    if (!part || part.end - part.start > largestText) return "";
    return (await source.read(part.start, part.end - part.start)).toString("utf8");
  };
  texts.add(await textOf(tagName), await textOf(tagString));
}

async function elementsIn(
  source: Source,
  start: number,
  end: number,
  wanted?: number,
): Promise<Element[]> {
  const found: Element[] = [];
  let at = start;
  for (let part = 0; part < mostParts && at + 2 <= end; part += 1) {
    const header = await source.read(at, 12);
    const id = variable(header, 0, false);
    const size = id && variable(header, id.length, true);
    if (!id || !size) break;
    const begin = at + id.length + size.length;
    // A stream of unknown size goes on to the end.
    const finish = size.isUnknown ? end : begin + size.value;
    if (finish > end || finish < begin) break;
    if (wanted === undefined || id.value === wanted) {
      found.push({ id: id.value, start: begin, end: finish });
    }
    at = finish;
  }
  return found;
}

/** The zeros before the first bit say how many bytes follow. */
function variable(
  data: Buffer,
  at: number,
  masked: boolean,
): { value: number; length: number; isUnknown: boolean } | undefined {
  const first = data[at];
  if (first === undefined || first === 0) return undefined;
  const length = Math.clz32(first) - 23;
  if (at + length > data.length) return undefined;
  let value = masked ? first & (0xff >> length) : first;
  let isUnknown = value === 0xff >> length;
  for (const byte of data.subarray(at + 1, at + length)) {
    value = value * 256 + byte;
    isUnknown &&= byte === 0xff;
  }
  return { value, length, isUnknown };
}
