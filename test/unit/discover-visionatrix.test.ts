import { expect, test } from "vitest";
import type { Workflow } from "../../src/workflows/workflow.ts";
import { discovered, exportGraph, parametersOf } from "../fixtures/exports/exports.ts";

test("a flow becomes a plain graph with its values in place and its default branch", () => {
  const { workflow, notes } = discovered("vix_lightning");

  expect(workflow).toMatchObject({
    tool: "generate_image",
    name: "fast_xl",
    title: "Fast XL",
    description: "Fast pictures in few steps",
    outputs: ["9"],
  });
  expect(Object.keys(workflow.graph)).toEqual(["3", "4", "5", "6", "7", "8", "9"]);
  expect(workflow.graph["9"]?.inputs["images"]).toEqual(["8", 0]);
  expect(workflow.graph["5"]?.inputs).toEqual({ width: 1344, height: 768, batch_size: 1 });
  expect(parametersOf(workflow)).toMatchObject({
    prompt: "6.text *",
    negative_prompt: "7.text = ugly",
    width: "5.width = 1344",
    height: "5.height = 768",
    steps: "3.steps = 8",
    seed: "3.seed = 776388286186862",
  });
  expect(Object.keys(workflow.parameters)).not.toContain("batch_size");
  expect(workflow.parameters["negative_prompt"]?.description).toBe("What to avoid");
  expect(notes).toEqual([
    'the choice "Number of steps" is made when the workflow loads, not per call: it is "8 steps" of 4 steps, 8 steps; to change it, set default_value of node 24 in the file',
  ]);
});

test("another default is another branch", () => {
  const graph = exportGraph("vix_lightning");
  graph["24"]!.inputs["default_value"] = "4 steps";

  const { workflow } = discovered("vix_lightning", undefined, graph);

  expect(parametersOf(workflow)).toMatchObject({ prompt: "13.text *", steps: "10.steps = 4" });
  expect(Object.keys(workflow.graph)).not.toContain("3");
});

test("a flow that cuts out needs only its image and ComfyUI's own file name rules", () => {
  const { workflow } = discovered("vix_cutout");

  expect(workflow).toMatchObject({ tool: "cut_out", title: "Cut out (BiRefNet)", outputs: ["13"] });
  expect(Object.keys(workflow.graph)).toEqual(["2", "13", "23", "24"]);
  expect(workflow.graph["2"]?.inputs["image"]).toBe("example.png");
  expect(parametersOf(workflow)).toEqual({ input_image: "2.image *" });
});

test("every control is lowered to its consumers", () => {
  const { workflow, notes } = discovered("vix_controls");

  const classes = Object.values(workflow.graph).map((node) => node.class_type);
  expect(classes.filter((name) => name.startsWith("Vix"))).toEqual([]);
  expect(classes).not.toContain("RemoteVAEDecode");
  expect(workflow.graph["9"]?.inputs["images"]).toEqual(["8", 0]);
  expect(workflow.graph["3"]?.inputs["model"]).toEqual(["4", 0]);
  expect(workflow.graph["6"]?.inputs["clip"]).toEqual(["62", 0]);
  expect(parametersOf(workflow)).toMatchObject({
    prompt_strength: "3.cfg = 9",
    steps: "3.steps = 30",
    tile: "8.tile = false",
    precision: "4.weight_dtype = fp8_e4m3fn",
    input_count: "6.text = x",
  });
  expect(workflow.parameters["precision"]?.choices).toEqual(["fp8_e4m3fn", "default"]);
  expect(workflow.parameters["prompt_strength"]).toMatchObject({ minimum: 1, maximum: 9 });
  expect(workflow.parameters["steps"]).toMatchObject({ minimum: 10, maximum: 60 });
  expect(workflow.parameters["tile"]?.type).toBe("boolean");
  expect(notes).toHaveLength(1);
});

test("a text the author of a flow wrote is no parameter", () => {
  const graph = exportGraph("vix_lightning");
  graph["6"]!.inputs["text"] = "always this";

  const { workflow } = discovered("vix_lightning", undefined, graph);

  expect(Object.keys(workflow.parameters)).not.toContain("prompt");
  expect(workflow.tool).toBe("fast_xl");
});

test("logic nodes linked in a circle are left out with the reason", () => {
  const graph = exportGraph("vix_controls");
  graph["43"]!.inputs["input_on_state"] = ["43", 0];
  graph["9"]!.inputs["images"] = ["43", 0];
  graph["11"] = { class_type: "SaveImage", inputs: { images: ["8", 0], filename_prefix: "y" } };

  const { notes } = discovered("vix_controls", undefined, graph);

  expect(notes[0]).toBe("9.images is left out: node 43 (VixUiCheckboxLogic) is linked to itself");
});

test("a node titled WF_META tells the same as a metadata node", () => {
  const graph = exportGraph("vix_lightning");
  graph["19"] = {
    class_type: "PrimitiveStringMultiline",
    inputs: { value: '{"name": "other", "display_name": "Other", "description": "Says so"}' },
    _meta: { title: "WF_META" },
  };

  const { workflow } = discovered("vix_lightning", undefined, graph);

  expect(workflow).toMatchObject({ name: "other", title: "Other", description: "Says so" });
});

test("each branch of a flow is an unlisted variant, by the values of its choices", () => {
  const { workflow, variants } = discovered("vix_lightning");

  expect(workflow.branches).toEqual([
    {
      node: "24",
      name: "steps_number",
      title: "Number of steps",
      values: ["4 steps", "8 steps"],
      standard: "8 steps",
    },
  ]);
  expect(variants).toHaveLength(1);
  expect(variants[0]).toMatchObject({
    name: "fast_xl.4_steps",
    tool: "generate_image",
    unlisted: true,
    variant: { of: "fast_xl", values: { steps_number: "4 steps" } },
  });
  expect(parametersOf(variants[0] as Workflow)).toMatchObject({ steps: "10.steps = 4" });
});
