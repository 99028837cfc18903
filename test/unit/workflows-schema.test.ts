import { expect, test } from "vitest";
import { Catalog } from "../../src/workflows/catalog.ts";
import { toolOptions, toolParameters } from "../../src/workflows/schema.ts";
import { sampleBinding, sampleWorkflow } from "../fixtures/workflows/sample.ts";

const { prompt, steps, sampler, tiled } = sampleBinding().parameters as Record<
  "prompt" | "steps" | "sampler" | "tiled",
  Record<string, unknown>
>;

function tool(...all: Record<string, unknown>[]) {
  const workflows = all.map((parameters, i) => sampleWorkflow({ parameters }, `w${i}`));
  const list = toolParameters(new Catalog(workflows), "generate_image");
  return Object.fromEntries(list.map((parameter) => [parameter.name, parameter]));
}

test("the parameters of all workflows are joined, the common ones first", () => {
  const joined = tool({ tiled, steps }, { zoom: { slots: ["3.denoise"] }, prompt });

  expect(Object.keys(joined)).toEqual(["prompt", "steps", "tiled", "zoom"]);
});

test("limits are the widest of all, and none if one workflow has none", () => {
  const { steps: wide } = tool(
    { steps: { slots: ["3.steps"], minimum: 4, maximum: 30 } },
    { steps: { slots: ["3.steps"], minimum: 10, maximum: 90 } },
  );
  const { zoom } = tool(
    { zoom: { slots: ["3.denoise"], maximum: 2 } },
    { zoom: { slots: ["3.denoise"] } },
  );

  expect(wide).toMatchObject({ minimum: 4, maximum: 90 });
  expect(zoom).not.toHaveProperty("maximum");
});

test("choices and defaults are shown only where every workflow has the same", () => {
  const { sampler: shared } = tool({ sampler }, { sampler });
  const { sampler: different } = tool({ sampler }, { sampler: { slots: ["3.sampler_name"] } });
  const { sampler: absent } = tool({ sampler }, { prompt });

  expect(shared).toMatchObject({ choices: ["euler", "dpmpp_2m"], default: "euler" });
  expect(different).not.toHaveProperty("choices");
  expect(absent).not.toHaveProperty("default");
});

test("a parameter is required when every workflow needs it", () => {
  const optional = { prompt: { slots: ["57:3.text"] } };

  expect(tool({ prompt }, { prompt })["prompt"]?.required).toBe(true);
  expect(tool({ prompt }, optional)["prompt"]?.required).toBe(false);
  expect(tool({ prompt }, { steps })["prompt"]?.required).toBe(false);
});

test("a seed and a size have no default to send back: they are chosen per call", () => {
  const { seed, width } = tool({ seed: { slots: ["3.seed"] }, width: { slots: ["5.width"] } });

  expect(seed).not.toHaveProperty("default");
  expect(width).not.toHaveProperty("default");
});

test("a binding's own description is used, an unknown name describes itself", () => {
  const { tiled: own } = tool({ tiled: { ...tiled, description: "Decode in tiles." } });
  const { bit_depth: bare } = tool({ bit_depth: { slots: ["8.format.bit_depth"] } });

  expect(own?.description).toBe("Decode in tiles.");
  expect(bare?.description).toBe("bit depth.");
});

function options(...all: Record<string, unknown>[]) {
  const workflows = all.map((changes, i) => sampleWorkflow(changes, `w${i}`));
  return toolOptions(new Catalog(workflows), "generate_image");
}

test("model, loras and quality are there where one workflow can follow them", () => {
  const model = { model: { slot: "4.ckpt_name" } };
  const loras = { loras: { model: ["4", 0], clip: ["4", 1] } };

  expect(options({}, {})).toEqual([]);
  expect(options({}, model).map(({ name }) => name)).toEqual(["model"]);
  expect(options(loras, model)).toMatchObject([
    { name: "model", type: "string", required: false },
    { name: "loras", type: "loras", required: false },
  ]);
});

test("the words of quality are those of all workflows, slowest first", () => {
  const slow = { presets: { speed: { steps: 9 }, quality: { steps: 40 } } };
  const fast = { presets: { lightning: {} } };

  expect(options({}, fast, slow)).toMatchObject([
    { name: "quality", type: "string", choices: ["quality", "speed", "lightning"] },
  ]);
});
