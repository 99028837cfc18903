import fc from "fast-check";
import { expect, test } from "vitest";
import { readEventStream, type StreamMessage } from "../../page/src/event-stream.ts";

async function read(...chunks: Uint8Array[]): Promise<StreamMessage[]> {
  const messages: StreamMessage[] = [];
  async function* source() {
    yield* chunks;
  }
  for await (const message of readEventStream(source())) messages.push(message);
  return messages;
}

const bytes = (text: string) => new TextEncoder().encode(text);

test("reads events with names and ids, and passes comments over", async () => {
  const messages = await read(
    bytes(': hello\n\nid: 7\nevent: state\ndata: {"a":1}\n\nevent: progress\ndata: x\ndata: y\n\n'),
  );

  expect(messages).toEqual([
    { event: "state", id: "7", data: '{"a":1}' },
    { event: "progress", data: "x\ny" },
  ]);
});

test("an event that did not end is not an event", async () => {
  expect(await read(bytes("event: state\ndata: half"))).toEqual([]);
});

test("wherever the network cuts the bytes, the events are the same", async () => {
  const text = "id: 1\r\nevent: state\r\ndata: ein Füchslein 🦊\r\n\r\n: still here\n\ndata: z\n\n";
  const whole = bytes(text);
  await fc.assert(
    fc.asyncProperty(fc.array(fc.integer({ min: 0, max: whole.length })), async (cuts) => {
      const at = [0, ...cuts.sort((a, b) => a - b), whole.length];
      const chunks = at.slice(1).map((to, i) => whole.slice(at[i], to));
      expect(await read(...chunks)).toEqual([
        { event: "state", id: "1", data: "ein Füchslein 🦊" },
        { event: "message", data: "z" },
      ]);
    }),
  );
});
