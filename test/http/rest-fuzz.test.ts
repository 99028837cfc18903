import fc from "fast-check";
import { expect, test } from "vitest";
import { startEmulator } from "../support/world.ts";
import { startRest } from "./rest-support.ts";

/** Routes that read what is sent, then all others. */
const known = [
  "GET /api/v1/tasks",
  "POST /api/v1/tasks",
  "POST /api/v1/tasks/delete",
  "POST /api/v1/uploads",
  "GET /api/v1/tasks/t0123456789abcdef/events",
  "GET /api/v1/tools",
];
const parameters = ["limit", "cursor", "state", "tool", "via", "q", "since", "before", "frame"];
const text = fc.oneof(fc.string({ unit: "binary", maxLength: 40 }), fc.webPath(), fc.json());
const path = fc.oneof(
  text.map((id) => `/api/v1/tasks/${encodeURIComponent(id)}`),
  text.map((id) => `/files/${encodeURIComponent(id)}`),
  fc.webPath().map((rest) => `/api/v1${rest}`),
  fc.webPath().map((rest) => `/files${rest}`),
);
const route = fc.oneof(
  { weight: 4, arbitrary: fc.constantFrom(...known) },
  fc
    .tuple(fc.constantFrom("GET", "POST", "DELETE", "HEAD", "PUT", "OPTIONS"), path)
    .map((both) => both.join(" ")),
);
const query = fc
  .array(fc.tuple(fc.constantFrom(...parameters), text), { maxLength: 4 })
  .map((pairs) => new URLSearchParams(pairs).toString());
const header = fc.string({ unit: "grapheme-ascii" }).map((value) => value.trim());
const headers = fc.record(
  {
    "content-type": fc.oneof(
      { weight: 4, arbitrary: fc.constant("application/json") },
      fc.constantFrom("image/png", "multipart/form-data; boundary=x", "a/b"),
      header,
    ),
    "idempotency-key": header,
    "x-easel-client": header,
    "if-none-match": header,
    "content-length": header,
  },
  { requiredKeys: ["content-type"] },
);
const body = fc.oneof(text, fc.json(), { weight: 4, arbitrary: calls() });

function calls(): fc.Arbitrary<string> {
  return fc
    .record(
      {
        tool: fc.constantFrom("generate_image", "img2img", "upscale", "nothing"),
        arguments: fc.dictionary(
          fc.constantFrom("prompt", "image", "width", "count", "seed", "loras", "__proto__"),
          fc.jsonValue(),
        ),
        label: fc.jsonValue(),
        filter: fc.dictionary(fc.constantFrom("ids", "state", "since"), fc.jsonValue()),
      },
      { requiredKeys: [] },
    )
    .map((value) => JSON.stringify(value));
}

test("whatever is sent, nothing is a defect, and every refusal has the one shape", async () => {
  const emulator = await startEmulator();
  const rest = await startRest(emulator.url);
  const request = fc.record({ route, query, headers, body });
  await fc.assert(
    fc.asyncProperty(request, async ({ route, query, headers, body }) => {
      const [method = "", path = ""] = route.split(" ");
      const hasBody = method !== "GET" && method !== "HEAD";
      const init = { method, headers, ...(hasBody ? { body: body } : {}) };
      const answer = await rest.request(`${path}?${query}`, init);
      expect(answer.status, rest.world.log.lines.slice(-3).join("\n")).not.toBe(500);
      if (answer.status < 400 || method === "HEAD") return;
      const { error } = (await answer.json()) as { error: { code: string; message: string } };
      expect(error).toMatchObject({ code: expect.any(String), message: expect.any(String) });
      expect(error.message).not.toMatch(/\n\s+at /);
    }),
    { numRuns: 500 },
  );
});
