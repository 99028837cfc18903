import fc from "fast-check";
import { expect, test } from "vitest";
import { discover } from "../../src/workflows/discover/discover.ts";
import { compileOwn } from "../../src/workflows/discover/own.ts";
import { exportGraph, exportText } from "../fixtures/exports/exports.ts";

const how = "in ComfyUI use Workflow > Export (API) and save that file";

function reasonOf(graphText: string, bindingText?: string): string {
  const result = compileOwn({
    name: "mine",
    graphFile: "mine.json",
    graphText,
    bindingFile: "mine.binding.json",
    bindingText,
  });
  if (!("problems" in result)) throw new Error("expected problems");
  return result.problems.map(({ file, reason }) => `${file}: ${reason}`).join("\n");
}

test.for([
  {
    what: "the editor's own format",
    text: JSON.stringify({ last_node_id: 1, nodes: [{ id: 1, type: "KSampler" }], links: [] }),
    reason: `mine.json: is in the format of ComfyUI's editor, which cannot run; ${how}`,
  },
  { what: "an empty file", text: " \n", reason: "mine.json: is empty; it is read again" },
  {
    what: "a half-written file",
    text: exportText("sd15").slice(0, 300),
    reason: "mine.json: is not JSON: ",
  },
  { what: "a list", text: "[1, 2]", reason: `mine.json: is not a graph of nodes; ${how}` },
  { what: "no nodes", text: "{}", reason: `mine.json: has no nodes; ${how}` },
  {
    what: "other JSON",
    text: '{"name": "package"}',
    reason: 'mine.json: node "name" has no class_type and inputs',
  },
  {
    what: "a workflow that saves text",
    text: '{"1": {"class_type": "SaveText", "inputs": {}}}',
    reason: "mine.json: has no node that saves an image, a video, a sound or a 3D model; end it",
  },
])("$what is refused with what to do", ({ text, reason }) => {
  expect(reasonOf(text)).toContain(reason);
});

test("a half-written binding is refused by its own name", () => {
  expect(reasonOf(exportText("sd15"), '{"tool": "a')).toContain("mine.binding.json: is not JSON: ");
});

test.for([
  { file: "抠图", tool: /^workflow_[0-9a-f]{6}$/ },
  { file: "my cut-out (2)", tool: /^my_cut_out_2$/ },
  { file: "2x", tool: /^workflow_2x$/ },
  { file: "list_tasks", tool: /^list_tasks_workflow$/ },
  { file: "Été", tool: /^ete$/ },
])("a file called $file still becomes a tool", ({ file, tool }) => {
  const graphText = exportText("cutout");
  const result = compileOwn({
    name: file,
    graphFile: `${file}.json`,
    graphText,
    bindingFile: `${file}.binding.json`,
  });

  expect(result).toHaveProperty("workflow.tool", expect.stringMatching(tool));
  expect(result).toHaveProperty("workflow.title", expect.stringMatching(/./));
});

const ids = ["1", "2", "3", "57:3", "constructor", "__proto__", "a.b"];
const classes = [
  "KSampler",
  "SamplerCustomAdvanced",
  "SaveImage",
  "LoadImage",
  "CLIPTextEncode",
  "EmptyLatentImage",
  "InpaintModelConditioning",
  "VixUiPrompt",
  "VixUiList",
  "VixUiListLogic",
  "VixUiCheckboxLogic",
  "VixUiAspectRatioSelector",
  "VixUiWorkflowMetadata",
  "VixDynamicLoraDefinition",
  "PrimitiveInt",
];
const inputs = [
  "seed",
  "steps",
  "cfg",
  "positive",
  "negative",
  "latent_image",
  "images",
  "image",
  "mask",
  "pixels",
  "text",
  "value",
  "width",
  "height",
  "state",
  "default_value",
  "possible_values",
  "input_first",
  "input_on_state",
  "aspect_ratio",
  "custom_id",
];
const link = fc.tuple(fc.constantFrom(...ids.slice(0, 4)), fc.nat({ max: 2 }));
const value = fc.oneof(
  link,
  link,
  fc.string(),
  fc.integer(),
  fc.double(),
  fc.boolean(),
  fc.jsonValue(),
);
const title = fc.oneof(fc.constant("input;A;custom_id=prompt;hidden"), fc.string(), fc.jsonValue());
const node = fc.record(
  {
    class_type: fc.constantFrom(...classes),
    inputs: fc.dictionary(fc.constantFrom(...inputs), value),
    _meta: fc.oneof(fc.record({ title }), fc.jsonValue()),
  },
  { requiredKeys: ["class_type", "inputs"] },
);
const graphs = fc
  .dictionary(fc.constantFrom(...ids), node)
  .map((graph) => ({ "1": node1, "2": node1, "3": node1, "57:3": node1, ...graph }));
const node1 = { class_type: "SaveImage", inputs: { images: ["2", 0] } };

test("discovery throws on nothing that JSON can hold", () => {
  fc.assert(
    fc.property(fc.oneof(fc.jsonValue(), graphs), fc.option(fc.jsonValue()), (data, own) => {
      const text = JSON.stringify(data);
      discover({ name: "any", data: JSON.parse(text), own: own ?? undefined });
      compileOwn({
        name: "any",
        graphFile: "any.json",
        graphText: text,
        bindingFile: "any.binding.json",
        bindingText: own === null ? undefined : JSON.stringify(own),
      });
    }),
    { numRuns: 2_000 },
  );
});

test("any cut through a real export is a problem or a workflow", () => {
  const text = exportText("vix_controls");
  fc.assert(
    fc.property(fc.nat({ max: text.length }), (length) => {
      compileOwn({
        name: "cut",
        graphFile: "cut.json",
        graphText: text.slice(0, length),
        bindingFile: "cut.binding.json",
      });
    }),
  );
});

test("any node may be missing from a real export", () => {
  const names = ["vix_controls", "sdxl_refiner", "fill_alpha", "primitives", "titled"];
  for (const name of names) {
    for (const id of Object.keys(exportGraph(name))) {
      const { [id]: _left, ...rest } = exportGraph(name);
      const unlinked = JSON.parse(
        JSON.stringify(rest, (_key, part: unknown) =>
          Array.isArray(part) && part[0] === id ? undefined : part,
        ),
      );
      expect(() => discover({ name, data: unlinked })).not.toThrow();
    }
  }
});
