import { randomUUID } from "node:crypto";
import { expect, test } from "vitest";
import type { Graph } from "../../src/comfy/protocol.ts";
import { emptyImage, type Json, saveImage, startComfy, tinyGraph } from "./support.ts";
import { before, between, since } from "./versions.ts";

type Link = [string, number];

async function refusal(graph: unknown, fields: Record<string, unknown> = {}): Promise<Json> {
  const comfy = await startComfy();
  const { status, body } = await comfy.submit(graph, fields);
  expect(status).toBe(400);
  return body;
}

/** The errors of the only faulty node of a graph whose output is "2". */
async function errorsOf(inputs: Graph[string]["inputs"], classType = "EmptyImage"): Promise<Json> {
  const node = { class_type: classType, inputs };
  const body = await refusal({ "1": node, "2": saveImage(["1", 0]) });
  expect(body.error.type).toBe("prompt_outputs_failed_validation");
  expect(Object.keys(body.node_errors)).toEqual(["1"]);
  const { class_type, dependent_outputs, errors } = body.node_errors["1"];
  expect([class_type, dependent_outputs]).toEqual([classType, ["2"]]);
  return errors;
}

const size = { width: 64, height: 64, batch_size: 1, color: 0 };

test("a request without a prompt is refused", async () => {
  const comfy = await startComfy();

  const response = await comfy.post("/prompt", { client_id: "x" });

  expect(response.status).toBe(400);
  expect(await response.json()).toEqual({
    error: {
      type: "no_prompt",
      message: "No prompt provided",
      details: "No prompt provided",
      extra_info: {},
    },
    node_errors: {},
  });
});

test.for([["text"], [null], [["a"]], [{ "1": 5 }]])(
  "a prompt that is %j makes the server fail",
  async ([prompt]) => {
    const comfy = await startComfy();

    const response = await comfy.post("/prompt", { prompt });

    expect(response.status).toBe(500);
  },
);

since("0.14.0")("a prompt that is an empty list makes the server fail", async () => {
  const comfy = await startComfy();

  expect((await comfy.post("/prompt", { prompt: [] })).status).toBe(500);
});

before("0.14.0")("a prompt that is an empty list has no outputs", async () => {
  expect((await refusal([])).error.type).toBe("prompt_no_outputs");
});

test("a graph without an output node is refused", async () => {
  const { error, node_errors } = await refusal({ "1": emptyImage() });

  expect(error).toMatchObject({ type: "prompt_no_outputs", message: "Prompt has no outputs" });
  expect(node_errors).toEqual({});
});

test("an empty graph has no outputs either", async () => {
  expect((await refusal({})).error.type).toBe("prompt_no_outputs");
});

since("0.12.0")(
  "a class the server does not have is named, with the title of the node",
  async () => {
    const graph = {
      ...tinyGraph(),
      x: { class_type: "NoSuchNode", inputs: {}, _meta: { title: "My node" } },
    };

    const { error, node_errors } = await refusal(graph);

    expect(error).toEqual({
      type: "missing_node_type",
      message: "Node 'My node' not found. The custom node may not be installed.",
      details: "Node ID '#x'",
      extra_info: { node_id: "x", class_type: "NoSuchNode", node_title: "My node" },
    });
    expect(node_errors).toEqual({});
  },
);

since("0.12.0")("a node without a class is refused", async () => {
  const { error } = await refusal({ "7": { inputs: {} } });

  expect(error.type).toBe("missing_node_type");
  expect(error.message).toContain("Node 'ID #7' has no class_type");
  expect(error.extra_info).toEqual({ node_id: "7", class_type: null, node_title: null });
});

before("0.12.0")("a missing class makes an invalid prompt, whatever the node's title", async () => {
  const _meta = { title: "My node" };
  const unknown = await refusal({ x: { class_type: "NoSuchNode", inputs: {}, _meta } });
  expect(unknown.error).toEqual({
    type: "invalid_prompt",
    message: "Cannot execute because node NoSuchNode does not exist.",
    details: "Node ID '#x'",
    extra_info: {},
  });

  const message = "Cannot execute because a node is missing the class_type property.";
  expect((await refusal({ "7": { inputs: {} } })).error).toMatchObject({ message });
  expect((await refusal({ "7": "text" })).error).toMatchObject({ message });
});

since("0.25.0")("a prompt id has to be a canonical lowercase UUID", async () => {
  for (const prompt_id of ["abc", randomUUID().toUpperCase(), 5]) {
    const { error } = await refusal(tinyGraph(), { prompt_id });
    expect(error.type).toBe("invalid_prompt_id");
    expect(error.message).toBe("prompt_id must be a valid UUID");
  }
});

test("a missing required input is named", async () => {
  const { width: _, ...inputs } = size;

  expect(await errorsOf(inputs)).toEqual([
    {
      type: "required_input_missing",
      message: "Required input is missing",
      details: "width",
      extra_info: { input_name: "width" },
    },
  ]);
});

test("a number below or above its range is told with the range", async () => {
  const [small] = await errorsOf({ ...size, width: 0 });
  expect(small).toMatchObject({
    type: "value_smaller_than_min",
    message: "Value 0 smaller than min of 1",
    details: "width",
  });
  expect(small.extra_info.received_value).toBe(0);
  expect(small.extra_info.input_config).toEqual(["INT", expect.objectContaining({ min: 1 })]);

  const [big] = await errorsOf({ ...size, color: 16_777_216 });
  expect(big.type).toBe("value_bigger_than_max");
  expect(big.message).toBe("Value 16777216 bigger than max of 16777215");
});

test("fractions are written with their point", async () => {
  const scale = { image: ["0", 0] as Link, upscale_method: "bilinear", scale_by: 9 };
  const graph = {
    "0": emptyImage(),
    "1": { class_type: "ImageScaleBy", inputs: scale },
    "2": saveImage(["1", 0]),
  };

  const { node_errors } = await refusal(graph);

  expect(node_errors["1"].errors[0].message).toBe("Value 9.0 bigger than max of 8.0");
});

test("a text where a number belongs is told with Python's reason", async () => {
  const [error] = await errorsOf({ ...size, height: "abc" });

  expect(error.type).toBe("invalid_input_type");
  expect(error.message).toBe("Failed to convert an input value to a INT value");
  const reason = "invalid literal for int() with base 10: 'abc'";
  expect(error.details).toBe(`height, abc, ${reason}`);
  expect(error.extra_info).toMatchObject({ received_value: "abc", exception_message: reason });
});

test("a choice that is not in the list is told with the list", async () => {
  const inputs = { image: ["0", 0] as Link, upscale_method: "nope", scale_by: 1 };
  const { error, node_errors } = await refusal({
    "0": emptyImage(),
    "1": { class_type: "ImageScaleBy", inputs },
    "2": saveImage(["1", 0]),
  });

  const [found] = node_errors["1"].errors;
  expect(found.type).toBe("value_not_in_list");
  expect(found.details).toBe(
    "upscale_method: 'nope' not in ['nearest-exact', 'bilinear', 'area', 'bicubic', 'lanczos']",
  );
  expect(found.extra_info.received_value).toBe("nope");
  // What is wrong further up is not told in the error itself.
  expect(error.details).toBe("");
});

const missingUpscaler = {
  "1": { class_type: "UpscaleModelLoader", inputs: { model_name: "no such file.pth" } },
  "2": {
    class_type: "ImageUpscaleWithModel",
    inputs: { upscale_model: ["1", 0] as Link, image: ["3", 0] as Link },
  },
  "3": emptyImage(),
  "4": saveImage(["2", 0]),
};

between("0.3.65", "0.8.0")("the choices of new-style classes are not enforced", async () => {
  const comfy = await startComfy();

  const { status, body } = await comfy.submit(missingUpscaler);

  expect([status, body.node_errors]).toEqual([200, {}]);
});

test("a model file that is not there is a value that is not in the list", async () => {
  const { error, node_errors } = await refusal({
    "1": { class_type: "CheckpointLoaderSimple", inputs: { ckpt_name: "no such file.pth" } },
    "2": { class_type: "EmptyLatentImage", inputs: { width: 64, height: 64, batch_size: 1 } },
    "3": { class_type: "VAEDecode", inputs: { samples: ["2", 0], vae: ["1", 2] } },
    "4": saveImage(["3", 0]),
  });

  expect(error.type).toBe("prompt_outputs_failed_validation");
  expect(node_errors["1"].errors[0]).toMatchObject({ type: "value_not_in_list" });
});

since("0.8.0")("a file missing for a new-style class is one too", async () => {
  const { node_errors } = await refusal(missingUpscaler);

  expect(node_errors["1"].errors[0]).toMatchObject({ type: "value_not_in_list" });
  expect(node_errors["1"].errors[0].details).toMatch(/^model_name: 'no such file\.pth' not in /);
});

test("a long list of choices is only counted", async () => {
  const inputs = { latent_image: ["2", 0] as Link, sampler_name: "nope", scheduler: "normal" };
  const { node_errors } = await refusal({
    "1": { class_type: "KSampler", inputs },
    "2": { class_type: "EmptyLatentImage", inputs: { width: 64, height: 64, batch_size: 1 } },
    "3": { class_type: "PreviewAny", inputs: { source: ["1", 0] as Link } },
  });

  const error = node_errors["1"].errors.find(
    ({ type }: { type: string }) => type === "value_not_in_list",
  );
  expect(error.details).toMatch(/^sampler_name: 'nope' not in \(list of length \d+\)$/);
  expect(error.extra_info.input_config).toBeNull();
});

test("a link of the wrong type, or of the wrong shape, is told on the node that holds it", async () => {
  const mask = { class_type: "SolidMask", inputs: { value: 1, width: 8, height: 8 } };
  const wrong = await refusal({ "1": mask, "2": saveImage(["1", 0]) });
  const [type] = wrong.node_errors["2"].errors;
  expect(type.type).toBe("return_type_mismatch");
  expect(type.details).toBe("images, received_type(MASK) mismatch input_type(IMAGE)");
  expect(type.extra_info).toMatchObject({ received_type: "MASK", linked_node: ["1", 0] });
  expect(wrong.error.details).toBe(`${type.message}: ${type.details}`);

  const images = ["1", 0, 0];
  const inputs = { images, filename_prefix: "x" };
  const shape = await refusal({ "1": emptyImage(), "2": { class_type: "SaveImage", inputs } });
  expect(shape.node_errors["2"].errors[0].type).toBe("bad_linked_input");
});

test("a link to a node that is not there is an exception on its holder", async () => {
  const direct = await refusal({ "2": saveImage(["99", 0]) });
  expect(direct.node_errors["2"].errors[0]).toMatchObject({
    type: "exception_during_validation",
    details: "'99'",
  });

  const invert = { class_type: "ImageInvert", inputs: { image: ["99", 0] as Link } };
  const inner = await refusal({ "1": invert, "2": saveImage(["1", 0]) });
  expect(inner.node_errors["1"].errors[0]).toMatchObject({
    type: "exception_during_inner_validation",
    details: "'99'",
    extra_info: { input_name: "images", linked_node: ["1", 0], exception_type: "KeyError" },
  });
});

test("an output slot that is not there is an exception too", async () => {
  const { node_errors } = await refusal({ "1": emptyImage(), "2": saveImage(["1", 5]) });

  expect(node_errors["2"].errors[0].details).toBe("tuple index out of range");
});

test("a node without inputs is an exception", async () => {
  const { node_errors } = await refusal({ "2": { class_type: "SaveImage" } });

  expect(node_errors["2"].errors[0].details).toBe("'inputs'");
});

function circle(): Graph {
  const invert = (from: string) => ({
    class_type: "ImageInvert",
    inputs: { image: [from, 0] as Link },
  });
  return { "1": invert("3"), "3": invert("1"), "2": saveImage(["1", 0]) };
}

before("0.20.0")("an output that hangs on a circle is dropped without a word", async () => {
  const comfy = await startComfy();
  const { error, node_errors } = await refusal(circle());
  expect([error.type, error.details]).toEqual(["prompt_outputs_failed_validation", ""]);
  expect(node_errors).toEqual({});

  const good = { "8": emptyImage(), "9": saveImage(["8", 0]) };
  const { status, body } = await comfy.submit({ ...circle(), ...good });

  expect([status, body.node_errors]).toEqual([200, {}]);
});

since("0.20.0")("a circle is told with its way round", async () => {
  const { node_errors } = await refusal(circle());

  const [error] = node_errors["1"].errors;
  expect(error.type).toBe("dependency_cycle");
  expect(error.details).toBe("1 (ImageInvert) -> 3 (ImageInvert) -> 1 (ImageInvert)");
  expect(new Set(error.extra_info.cycle_nodes)).toEqual(new Set(["1", "3"]));
});

test("an input picture that is not there fails the node's own check", async () => {
  const [error, ...others] = await errorsOf({ image: "missing.png" }, "LoadImage");

  expect(others).toEqual([]);
  expect(error.type).toBe("custom_validation_failed");
  expect(error.details).toBe("image - Invalid image file: missing.png");
});

test("a graph of which some outputs are valid is accepted, with the errors of the others", async () => {
  const comfy = await startComfy();
  const graph = {
    ...tinyGraph(),
    "3": { class_type: "EmptyImage", inputs: { ...size, width: 0 } },
    "4": saveImage(["3", 0]),
  };

  const { entry } = await comfy.run(graph);
  const { status, body } = await comfy.submit(graph);

  expect(status).toBe(200);
  expect(Object.keys(body.node_errors)).toEqual(["3"]);
  expect(body.node_errors["3"].dependent_outputs).toEqual(["4"]);
  expect(Object.keys(entry.outputs)).toEqual(["2"]);
  expect(entry.prompt[4]).toEqual(["2"]);
  expect(entry.status?.status_str).toBe("success");
});

test("literals are converted, and history shows what they became", async () => {
  const comfy = await startComfy();
  const graph = {
    "1": {
      class_type: "EmptyImage",
      inputs: { width: "64", height: 64.9, batch_size: true, color: 7 },
    },
    "2": { class_type: "SaveImage", inputs: { images: ["1", 0] as Link, filename_prefix: 5 } },
  };

  const { entry } = await comfy.run(graph);

  expect(entry.prompt[2]["1"]?.inputs).toEqual({ width: 64, height: 64, batch_size: 1, color: 7 });
  expect(entry.prompt[2]["2"]?.inputs["filename_prefix"]).toBe("5");
  expect(entry.status?.status_str).toBe("success");
});

test("steps are not enforced and unknown literals are ignored", async () => {
  const comfy = await startComfy();
  const graph = {
    "1": { class_type: "EmptyImage", inputs: { ...size, width: 65, unknown: "literal" } },
    "2": saveImage(["1", 0]),
  };

  const { entry } = await comfy.run(graph);

  expect(entry.status?.status_str).toBe("success");
  expect(entry.prompt[2]["1"]?.inputs).toMatchObject({ width: 65, unknown: "literal" });
});

test("only the wanted outputs run when targets are given, and they have to be outputs", async () => {
  const comfy = await startComfy();
  const graph = { "1": emptyImage(), "2": saveImage(["1", 0]), "3": saveImage(["1", 0]) };

  const { entry } = await comfy.run(graph, { partial_execution_targets: ["3"] });
  const none = await comfy.submit(graph, { partial_execution_targets: ["1"] });

  expect(Object.keys(entry.outputs)).toEqual(["3"]);
  expect([none.status, none.body.error.type]).toEqual([400, "prompt_no_outputs"]);
});
