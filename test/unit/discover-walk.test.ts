import { expect, test } from "vitest";
import { bind } from "../../src/workflows/bind.ts";
import { discover } from "../../src/workflows/discover/discover.ts";
import { discovered, exportGraph, exportText, parametersOf } from "../fixtures/exports/exports.ts";

const found = [
  {
    name: "sd15",
    tool: "generate_image",
    parameters: {
      prompt: "pos.text *",
      negative_prompt: "neg.text = text, watermark",
      width: "lat.width = 512",
      height: "lat.height = 512",
      seed: "ks.seed = 1",
      steps: "ks.steps = 20",
      sampler: "ks.sampler_name = euler",
      scheduler: "ks.scheduler = normal",
      guidance: "ks.cfg = 7",
    },
  },
  {
    name: "sdxl_refiner",
    tool: "generate_image",
    parameters: {
      prompt: "15.text + 6.text *",
      negative_prompt: "16.text + 7.text = blurry",
      width: "5.width = 1024",
      seed: "11.noise_seed + 10.noise_seed = 0",
      steps: "11.steps + 10.steps + 11.start_at_step + 10.end_at_step = 25",
      guidance: "11.cfg + 10.cfg = 8",
    },
  },
  {
    name: "hires_fix",
    tool: "generate_image",
    parameters: {
      prompt: "6.text *",
      width: "20.width + 5.width = 1536",
      height: "20.height + 5.height = 1024",
      seed: "22.seed + 3.seed = 99",
      steps: "3.steps = 14",
      guidance: "3.cfg = 8",
    },
  },
  {
    name: "flux_split",
    tool: "generate_image",
    parameters: {
      prompt: "pos.text *",
      width: "lat.width + ms.width = 1024",
      height: "lat.height + ms.height = 1024",
      seed: "noise.noise_seed = 1",
      steps: "sched.steps = 20",
      guidance: "guid.guidance = 3.5",
      sampler: "samp.sampler_name = euler",
      scheduler: "sched.scheduler = simple",
    },
  },
  {
    name: "klein",
    tool: "generate_image",
    parameters: {
      prompt: "pos.text *",
      width: "lat.width + sched.width = 1024",
      seed: "noise.noise_seed = 1",
    },
  },
  {
    name: "z_image",
    tool: "generate_image",
    parameters: { prompt: "pos.text *", seed: "ks.seed = 1", steps: "ks.steps = 8" },
  },
  {
    name: "primitives",
    tool: "generate_image",
    parameters: {
      prompt: "72.value *",
      negative_prompt: "74.value = low quality",
      width: "70.value = 896",
      height: "71.value = 1152",
      seed: "57:3.seed = 1",
    },
  },
  {
    name: "flux_img2img",
    tool: "img2img",
    parameters: { image: "img.image *", prompt: "pos.text *", strength: "ks.denoise = 0.75" },
  },
  {
    name: "klein_edit",
    tool: "img2img",
    parameters: { image: "img.image *", prompt: "pos.text *", seed: "noise.noise_seed = 1" },
  },
  {
    name: "qwen_edit",
    tool: "img2img",
    parameters: { image: "img.image *", prompt: "pos.prompt *", negative_prompt: "neg.prompt = " },
  },
  {
    name: "canny",
    tool: "img2img",
    parameters: { image: "img.image *", prompt: "pos.text *", width: "lat.width = 1024" },
  },
  {
    name: "fill_mask",
    tool: "inpaint",
    parameters: { image: "img.image *", mask: "mask.image *", prompt: "pos.text *" },
  },
  {
    name: "fill_alpha",
    tool: "inpaint",
    parameters: { image: "img.image *", mask: "img:mask.image *", strength: "ks.denoise = 1" },
  },
  { name: "cutout", tool: "cutout", parameters: { image: "img.image *" } },
  { name: "Upscale 4x", tool: "upscale_4x", parameters: { image: "img.image *" } },
];

test.for(found)("$name becomes $tool with its parameters", ({ name, tool, parameters }) => {
  const { workflow } = discovered(name);

  expect(workflow.tool).toBe(tool);
  expect(parametersOf(workflow)).toMatchObject(parameters);
});

test.for([
  { name: "flux_split", lacks: ["negative_prompt", "strength", "image"] },
  { name: "flux_checkpoint", lacks: ["negative_prompt"] },
  { name: "klein", lacks: ["negative_prompt", "guidance"] },
  { name: "z_image", lacks: ["negative_prompt"] },
  { name: "klein_edit", lacks: ["width", "height", "strength"] },
  { name: "canny", lacks: ["strength", "mask"] },
  { name: "hires_fix", lacks: ["strength"] },
  { name: "cutout", lacks: ["prompt", "seed", "width"] },
])("$name has no $lacks", ({ name, lacks }) => {
  const names = Object.keys(discovered(name).workflow.parameters);

  expect(names).toEqual(names.filter((each) => !lacks.includes(each)));
});

test("every slot of a parameter is set, in the graph of every sampler", () => {
  const { workflow } = discovered("sdxl_refiner");

  const graph = bind(workflow, { seed: 42, steps: 30, prompt: "a mill" });

  expect(graph["10"]?.inputs).toMatchObject({ noise_seed: 42, steps: 30, end_at_step: 24 });
  expect(graph["11"]?.inputs).toMatchObject({
    noise_seed: 42,
    steps: 30,
    start_at_step: 24,
    end_at_step: 10000,
  });
  expect([graph["6"]?.inputs["text"], graph["15"]?.inputs["text"]]).toEqual(["a mill", "a mill"]);
});

test("a mask in the alpha channel gets a loader of its own, whose white is repainted", () => {
  const { workflow } = discovered("fill_alpha");

  expect(workflow.graph["img:mask"]).toEqual({
    class_type: "LoadImageMask",
    inputs: { image: "example.png", channel: "red" },
  });
  expect(workflow.graph["ipc"]?.inputs["mask"]).toEqual(["img:mask", 0]);
  expect(workflow.graph["ipc"]?.inputs["pixels"]).toEqual(["img", 0]);
});

test("a LoadImage that only gives a mask becomes the mask", () => {
  const graph = exportGraph("fill_mask");
  graph["mask"] = { class_type: "LoadImage", inputs: { image: "m.png" } };
  graph["ipc"]!.inputs["mask"] = ["mask", 1];

  const { workflow } = discovered("fill_mask", undefined, graph);

  expect(workflow.tool).toBe("inpaint");
  expect(parametersOf(workflow)).toMatchObject({ image: "img.image *", mask: "mask.image *" });
  expect(workflow.graph["mask"]?.class_type).toBe("LoadImageMask");
  expect(workflow.graph["ipc"]?.inputs["mask"]).toEqual(["mask", 0]);
});

test("one number for both sides becomes a width and a height", () => {
  const { workflow } = discovered("square");

  const graph = bind(workflow, { width: 768, height: 1344 });

  expect(graph["5"]?.inputs).toMatchObject({ width: 768, height: 1344 });
});

test("a seed too large for JavaScript is made one that ComfyUI takes", () => {
  const { workflow } = discovered("square");

  expect(workflow.graph["3"]?.inputs["seed"]).toBe(Number.MAX_SAFE_INTEGER);
});

test("limits leave room for what the graph holds already", () => {
  const graph = exportGraph("sd15");
  Object.assign(graph["ks"]!.inputs, { steps: 400, cfg: 45 });
  Object.assign(graph["lat"]!.inputs, { width: 5000, height: 3001 });

  const { parameters } = discovered("sd15", undefined, graph).workflow;

  expect(parameters["steps"]).toMatchObject({ default: 400, minimum: 1, maximum: 400 });
  expect(parameters["guidance"]).toMatchObject({ default: 45, maximum: 45 });
  expect(parameters["width"]).toMatchObject({ maximum: 5000 });
  expect(parameters["height"]).not.toHaveProperty("multipleOf");
});

test("sizes keep the step of their latent", () => {
  expect(discovered("flux_split").workflow.parameters["width"]).toMatchObject({ multipleOf: 16 });
  expect(discovered("sd15").workflow.parameters["width"]).toMatchObject({ multipleOf: 8 });
});

test("what saves comes before what previews, and the end of the graph before nothing", () => {
  const only = (classType: string) => {
    const graph = exportGraph("sd15");
    graph["save"] = { class_type: classType, inputs: { images: ["dec", 0] } };
    return discovered("sd15", undefined, graph).workflow.outputs;
  };

  expect(discovered("hires_fix").workflow.outputs).toEqual(["24"]);
  expect(only("PreviewImage")).toEqual(["save"]);
  expect(only("SaveImageWebsocket")).toEqual(["save"]);
  expect(only("Save To Somewhere")).toEqual(["save"]);
});

test("an output node only a backend knows is found with its object_info", () => {
  const graph = exportGraph("sd15");
  graph["save"] = { class_type: "Publish", inputs: { picture: ["dec", 0] } };
  const objectInfo = {
    Publish: { input: {}, output: [], name: "Publish", output_node: true },
  };

  expect(discover({ name: "a", data: graph })).toHaveProperty("reason");
  expect(discover({ name: "a", data: graph, objectInfo })).toMatchObject({
    binding: { outputs: ["save"] },
  });
});

test("several images are numbered, the one that is repainted first", () => {
  const graph = exportGraph("flux_img2img");
  graph["1"] = { class_type: "LoadImage", inputs: { image: "style.png" } };
  graph["2"] = { class_type: "CLIPVisionEncode", inputs: { image: ["1", 0] } };
  graph["guid"]!.inputs["style"] = ["2", 0];

  const { workflow } = discovered("flux_img2img", undefined, graph);

  expect(parametersOf(workflow)).toMatchObject({ image: "img.image *", image_2: "1.image *" });
});

test("the file is not changed by what is found in it", () => {
  const data = exportGraph("fill_alpha");

  discover({ name: "fill_alpha", data });

  expect(data).toEqual(JSON.parse(exportText("fill_alpha")));
});
