import { expect, test } from "vitest";
import { AppError } from "../../src/errors.ts";
import { checkChoices, resolveParameters } from "../../src/workflows/resolve.ts";
import {
  compiled,
  recordedObjectInfo,
  sampleBinding,
  sampleGraph,
} from "../fixtures/workflows/sample.ts";

const workflow = compiled(sampleGraph(), {
  ...sampleBinding(),
  parameters: {
    ...sampleBinding().parameters,
    picture: { slots: ["10.image"], required: false },
    denoise: { slots: ["3.denoise"], minimum: 0, maximum: 1, multipleOf: 0.1 },
  },
});

function refusal(args: Record<string, unknown>): string {
  try {
    resolveParameters(workflow, { prompt: "a boat", ...args });
  } catch (error) {
    if (error instanceof AppError && error.code === "invalid_input") return error.message;
    throw error;
  }
  return "accepted";
}

test("defaults are filled in, except the seed that is drawn and the size that is chosen", () => {
  const { values } = resolveParameters(workflow, { prompt: "a cat" });

  expect(values).toEqual({
    prompt: "a cat",
    steps: 20,
    guidance: 6.5,
    sampler: "euler",
    tiled: false,
    bit_depth: "8-bit",
    denoise: 1,
  });
});

test("given values are kept, a size of any pixel count included", () => {
  const args = { prompt: "a cat", seed: 5, width: 513, height: 771, denoise: 0.3, tiled: true };

  expect(resolveParameters(workflow, args).values).toMatchObject(args);
});

test.for<[Record<string, unknown>, string]>([
  [{ prompt: undefined }, 'prompt is missing: the workflow "sample" needs it (string).'],
  [{ prompt: 7 }, "prompt: must be a string, got 7."],
  [{ steps: "20" }, 'steps: must be an integer, got "20"; send it without quotes.'],
  [{ steps: 20.5 }, "steps: must be an integer, got 20.5."],
  [{ steps: null }, "steps: must be an integer, got null."],
  [{ steps: 51 }, "steps: 51 is out of range; allowed 1 to 50."],
  [{ seed: -1 }, "seed: -1 is out of range; allowed 0 to 9007199254740991."],
  [{ seed: 2 ** 60 }, "seed: 1152921504606847000 is out of range; allowed 0 to"],
  [{ guidance: Number.NaN }, "guidance: must be a number, got NaN."],
  [{ guidance: "much" }, 'guidance: must be a number, got "much".'],
  [{ width: 63 }, "width: 63 is out of range; allowed 64 to 4096."],
  [{ tiled: "true" }, 'tiled: must be true or false, got "true".'],
  [{ picture: "" }, 'picture: must be an image, got "".'],
  [{ sampler: "eular" }, 'sampler: "eular" is not a choice; did you mean euler?'],
  [{ sampler: "xyz" }, 'sampler: "xyz" is not a choice; allowed: euler, dpmpp_2m.'],
  [{ denoise: 0.25 }, "denoise: 0.25 is not a multiple of 0.1; near it are 0.2 and 0.3"],
])("%j is refused with %s", ([args, message]) => {
  expect(refusal(args)).toContain(message);
});

test("a parameter this workflow cannot honour is a warning, not an error", () => {
  const { warnings } = resolveParameters(workflow, {
    prompt: "a cat",
    negative_prompt: "dogs",
    strength: 0.5,
    mask: "",
    scheduler: undefined,
    workflow: "sample",
    count: 2,
    aspect_ratio: "16:9",
  });

  expect(warnings).toEqual([
    "negative_prompt is not used by sample: it takes prompt, width, height, seed, steps, guidance, sampler, tiled, bit_depth, picture, denoise.",
    "strength is not used by sample: it takes prompt, width, height, seed, steps, guidance, sampler, tiled, bit_depth, picture, denoise.",
  ]);
});

test("a name only the backend knows is checked against its own list", () => {
  const objectInfo = recordedObjectInfo();
  const check = (sampler: string) => checkChoices(workflow, { sampler, prompt: "x" }, objectInfo);

  expect(() => check("dpmpp_3m_sde")).not.toThrow();
  expect(() => check("dpmpp_2n")).toThrow('sampler: "dpmpp_2n" is not a choice; did you mean');
});
