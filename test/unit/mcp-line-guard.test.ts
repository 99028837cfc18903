import { once } from "node:events";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { LineGuard } from "../../src/faces/mcp/line-guard.ts";
import { idIn } from "../../src/faces/mcp/request-id.ts";

interface Passed {
  lines: string[];
  dropped: { id: string | number | undefined; bytes: number }[];
}

async function through(chunks: readonly Buffer[], longest: number): Promise<Passed> {
  const passed: Passed = { lines: [], dropped: [] };
  const guard = new LineGuard({
    longest,
    dropped: (id, bytes) => void passed.dropped.push({ id, bytes }),
  });
  guard.on("data", (line: Buffer) => passed.lines.push(line.toString("utf8")));
  for (const chunk of chunks) guard.write(chunk);
  guard.end();
  await once(guard, "end");
  return passed;
}

/** `text` in pieces of these sizes, over and over. */
function cutUp(text: string, sizes: readonly number[]): Buffer[] {
  const bytes = Buffer.from(text);
  const chunks: Buffer[] = [];
  for (let at = 0, i = 0; at < bytes.length; i++) {
    const size = sizes[i % sizes.length] ?? 1;
    chunks.push(bytes.subarray(at, at + size));
    at += size;
  }
  return chunks;
}

const request = (id: number | string, padding: number) =>
  JSON.stringify({ jsonrpc: "2.0", id, method: "x", params: { data: "ä".repeat(padding) } });

test("however the bytes come, lines within the limit pass whole and others are told by their id", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.record({ id: fc.nat(), padding: fc.nat(3_000) }), { maxLength: 8 }),
      fc.array(fc.integer({ min: 1, max: 2_000 }), { minLength: 1, maxLength: 5 }),
      async (requests, sizes) => {
        const longest = 2_500;
        const all = requests.map(({ id, padding }) => ({ id, text: request(id, padding) }));
        const size = (text: string) => Buffer.byteLength(text);
        const stream = all.map(({ text }) => `${text}\n`).join("");

        const { lines, dropped } = await through(cutUp(stream, sizes), longest);

        const fits = all.filter(({ text }) => size(text) <= longest);
        const long = all.filter(({ text }) => size(text) > longest);
        expect(lines).toEqual(fits.map(({ text }) => `${text}\n`));
        expect(dropped).toEqual(long.map(({ id, text }) => ({ id, bytes: size(text) })));
      },
    ),
  );
});

test("a line without an end is not handed on", async () => {
  expect(await through([Buffer.from("{}\n{")], 100)).toEqual({ lines: ["{}\n"], dropped: [] });
});

describe("the id of a request known by its beginning and its end", () => {
  const long = "A".repeat(5_000);

  test.for<[what: string, text: string, id: string | number | undefined]>([
    ["a number", `{"jsonrpc":"2.0","id":5,"params":{"image":"${long}"}}`, 5],
    ["a text", `{"id": "a\\"b", "params":{"image":"${long}"}}`, 'a"b'],
    ["behind the parameters", `{"params":{"image":"${long}"},"jsonrpc":"2.0","id":5}`, 5],
    ["last but one", `{"params":{"image":"${long}"}, "id": "q", "jsonrpc": "2.0"}`, "q"],
    ["behind an id that is an argument", `{"params":{"id":1,"image":"${long}"},"id":5}`, 5],
    [
      "in a text that looks like one",
      `{"params":{"p":"{\\"id\\":1,","image":"${long}"}}`,
      undefined,
    ],
    ["none: a notification", `{"method":"x","params":{"id":7,"image":"${long}"}}`, undefined],
    ["none: not JSON", long, undefined],
  ])("%s", ([, text, id]) => {
    expect(idIn(text.slice(0, 1024), text.slice(-1024))).toBe(id);
  });
});
