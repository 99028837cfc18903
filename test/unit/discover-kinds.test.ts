import { existsSync, readdirSync, readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import type { Graph } from "../../src/comfy/protocol.ts";
import { bind } from "../../src/workflows/bind.ts";
import { compileExport, discovered, parametersOf } from "../fixtures/exports/exports.ts";
import {
  encoder,
  loadImage,
  loadMask,
  node,
  sampler,
  textToImage,
  turn,
} from "../fixtures/exports/kinds.ts";

function found(graph: unknown, name = "mine") {
  const { workflow, notes } = discovered(name, undefined, graph);
  return { workflow, notes, tool: workflow.tool, parameters: parametersOf(workflow) };
}

const joined = (a: unknown, b: unknown) =>
  node("StringConcatenate", { string_a: a as string, string_b: b as string, delimiter: ", " });

describe("which text is the prompt", () => {
  test.for<[what: string, graph: Graph, slots: string]>([
    [
      "the free part of a join with what a LoRA pack finds",
      textToImage({
        pos: encoder(["join", 0]),
        join: joined(["words", 0], "a mill"),
        words: node("TriggerWord Toggle (LoraManager)", { trigger_words: ["loras", 2] }),
        loras: node("Lora Loader (LoraManager)", {
          model: ["ckpt", 0],
          clip: ["ckpt", 1],
          text: "",
        }),
      }),
      "join.string_b *",
    ],
    [
      "what a display shows now, not what it showed last",
      textToImage({
        pos: encoder(["show", 0]),
        show: node("easy showAnything", { text: "of the last run", anything: ["text", 0] }),
        text: node("PrimitiveStringMultiline", { value: "a mill" }),
      }),
      "text.value *",
    ],
    [
      "the joined text that is titled so",
      textToImage({
        pos: encoder(["join", 0]),
        join: joined(["a", 0], ["b", 0]),
        a: node("PrimitiveString", { value: "oil on canvas" }, "Quality words"),
        b: node("PrimitiveString", { value: "a mill" }, "Positive prompt"),
      }),
      "b.value *",
    ],
    [
      "the text of the scene, not of a box in it",
      textToImage({
        ks: sampler({ positive: ["box", 0] }),
        box: node("GLIGENTextBoxApply", {
          conditioning_to: ["pos", 0],
          clip: ["ckpt", 1],
          text: "a wheel",
          width: 64,
          height: 64,
        }),
      }),
      "pos.text *",
    ],
    [
      "the text of the picture, not that of a face detailer",
      textToImage({
        face: node("FaceDetailer", {
          image: ["dec", 0],
          seed: 3,
          steps: 30,
          cfg: 4,
          sampler_name: "dpmpp_2m",
          scheduler: "karras",
          denoise: 0.4,
          positive: ["face_text", 0],
          negative: ["neg", 0],
        }),
        face_text: encoder("a sharp face"),
        save: node("SaveImage", { filename_prefix: "x", images: ["face", 0] }),
      }),
      "pos.text *",
    ],
    [
      "what the user says, not the system",
      textToImage({
        pos: node("CLIPTextEncodeLumina2", {
          system_prompt: "superior",
          user_prompt: "a mill",
          clip: ["ckpt", 1],
        }),
      }),
      "pos.user_prompt *",
    ],
    [
      "both texts of a wildcard encoder",
      textToImage({
        pos: node("ImpactWildcardEncode", {
          model: ["ckpt", 0],
          clip: ["ckpt", 1],
          wildcard_text: "a {mill|barn}",
          populated_text: "a barn",
          mode: "populate",
        }),
      }),
      "pos.wildcard_text + pos.populated_text *",
    ],
    [
      "the positive text of a styler",
      textToImage({
        pos: encoder(["styler", 0]),
        neg: encoder(["styler", 1]),
        styler: node("SDXLPromptStyler", {
          text_positive: "a mill",
          text_negative: "grainy",
          style: "base",
        }),
      }),
      "styler.text_positive *",
    ],
    [
      "the text that a language model is to enrich",
      textToImage({
        pos: encoder(["llm", 0]),
        llm: node("PromptEnhancer", {
          preset_system_prompt: "Detailed",
          prompt_text: "a mill",
          custom_system_prompt: "",
          seed: 3,
        }),
      }),
      "llm.prompt_text *",
    ],
    [
      "what the user says to a language model that a switch may leave out",
      textToImage({
        pos: encoder(["show", 0]),
        show: node("PreviewAny", { source: ["switch", 0] }),
        switch: node("ComfySwitchNode", {
          switch: ["on", 0],
          on_false: ["user", 0],
          on_true: ["llm", 0],
        }),
        on: node("PrimitiveBoolean", { value: true }),
        llm: node("TextGenerate", { clip: ["ckpt", 1], prompt: ["join", 0], max_length: 256 }),
        join: joined(["system", 0], ["user", 0]),
        system: node("PrimitiveStringMultiline", { value: "Write a prompt" }, "System Prompt"),
        user: node("PrimitiveStringMultiline", { value: "a mill" }, "Text (User Prompt)"),
      }),
      "user.value *",
    ],
    [
      "the branch that a switch takes",
      textToImage({
        pos: encoder(["switch", 0]),
        switch: node("ImpactSwitch", { select: 2, input1: ["a", 0], input2: ["b", 0] }),
        a: node("PrimitiveString", { value: "a barn" }),
        b: node("PrimitiveString", { value: "a mill" }),
      }),
      "b.value *",
    ],
    [
      "the text of the whole, beside texts for parts of it",
      textToImage({
        ks: sampler({ positive: ["both", 0] }),
        both: node("ConditioningCombine", {
          conditioning_1: ["part", 0],
          conditioning_2: ["pos", 0],
        }),
        part: node("ConditioningSetArea", {
          conditioning: ["sky", 0],
          width: 64,
          height: 64,
          x: 0,
        }),
        sky: encoder("a red sky"),
      }),
      "pos.text *",
    ],
    [
      "the text of a node that makes the picture by itself",
      {
        api: node("IdeogramV3", {
          prompt: "a mill",
          aspect_ratio: "1:1",
          magic_prompt_option: "AUTO",
          seed: 5,
          rendering_speed: "BALANCED",
        }),
        save: node("SaveImage", { filename_prefix: "x", images: ["api", 0] }),
      },
      "api.prompt *",
    ],
  ])("it is %s", ([, graph, slots]) => {
    const { parameters, tool } = found(graph);

    expect(parameters["prompt"]).toBe(slots);
    expect(tool).toBe("generate_image");
  });

  test.for<[classType: string, inputs: string[]]>([
    ["CLIPTextEncodeSDXL", ["text_g", "text_l"]],
    ["CLIPTextEncodeSD3", ["clip_l", "clip_g", "t5xxl"]],
    ["CLIPTextEncodeFlux", ["clip_l", "t5xxl"]],
    ["CLIPTextEncodeHiDream", ["clip_l", "clip_g", "t5xxl", "llama"]],
    ["CLIPTextEncodeHunyuanDiT", ["bert", "mt5xl"]],
    ["CLIPTextEncodeKandinsky5", ["clip_l", "qwen25_7b"]],
    ["TextEncodeQwenImageEditPlus", ["prompt"]],
  ])("all texts of %s get the prompt", ([classType, inputs]) => {
    const texts = Object.fromEntries(inputs.map((input) => [input, "a mill"]));
    const graph = textToImage({ pos: node(classType, { ...texts, clip: ["ckpt", 1] }) });

    const bound = bind(found(graph).workflow, { prompt: "a boat" });

    for (const input of inputs) expect(bound["pos"]?.inputs[input], input).toBe("a boat");
  });

  test("two texts that could both be meant are offered neither way, and named", () => {
    const { parameters, notes } = found(
      textToImage({ pos: encoder(["join", 0]), join: joined("best quality", "a mill") }),
    );

    expect(parameters).not.toHaveProperty("prompt");
    expect(notes).toEqual([
      'prompt is not offered, for it could be one of several texts: join.string_a ("best quality"), join.string_b ("a mill"); to offer one, name its slot in a binding',
    ]);
  });

  test("a graph whose prompt is in no place known says which texts it has", () => {
    const { notes } = found({
      video: node("SomeMaker", { scene_text: "a mill", width: 64 }),
      save: node("SaveImage", { filename_prefix: "x", images: ["video", 0] }),
    });

    expect(notes).toEqual([
      'no prompt was found; texts are video.scene_text ("a mill"); to offer one, name its slot in a binding',
    ]);
  });
});

describe("which samplers follow", () => {
  test("Stable Cascade: the stage that the text steers", () => {
    const { parameters } = found(
      textToImage({
        lat: node("StableCascade_EmptyLatentImage", { width: 1024, height: 768, compression: 42 }),
        zero: node("ConditioningZeroOut", { conditioning: ["pos", 0] }),
        stage: node("StableCascade_StageB_Conditioning", {
          conditioning: ["zero", 0],
          stage_c: ["ks", 0],
        }),
        b: sampler({
          steps: 10,
          cfg: 1.1,
          positive: ["stage", 0],
          negative: ["zero", 0],
          latent_image: ["lat", 1],
        }),
        dec: node("VAEDecode", { samples: ["b", 0], vae: ["ckpt", 2] }),
      }),
    );

    expect(parameters).toMatchObject({
      prompt: "pos.text *",
      steps: "ks.steps = 12",
      guidance: "ks.cfg = 6.5",
      seed: "b.seed + ks.seed = 7",
      width: "lat.width = 1024",
    });
  });

  test("high and low noise: both, each with its share of the steps", () => {
    const { workflow } = found(
      textToImage({
        ks: turn({ steps: 8, start_at_step: 0, end_at_step: 2 }),
        low: turn({ steps: 8, start_at_step: 2, end_at_step: 8, latent_image: ["ks", 0] }),
        dec: node("VAEDecode", { samples: ["low", 0], vae: ["ckpt", 2] }),
      }),
    );

    const graph = bind(workflow, { steps: 20, guidance: 3, sampler: "dpmpp_2m" });

    const both = { steps: 20, cfg: 3, sampler_name: "dpmpp_2m" };
    expect(graph["ks"]?.inputs).toMatchObject({ ...both, start_at_step: 0, end_at_step: 5 });
    expect(graph["low"]?.inputs).toMatchObject({ ...both, start_at_step: 5, end_at_step: 20 });
  });

  test("one of two that goes without guidance keeps going without", () => {
    const { parameters } = found(
      textToImage({
        ks: turn({ cfg: 3.5, start_at_step: 0, end_at_step: 6 }),
        low: turn({ cfg: 1, start_at_step: 6, end_at_step: 12, latent_image: ["ks", 0] }),
        dec: node("VAEDecode", { samples: ["low", 0], vae: ["ckpt", 2] }),
      }),
    );

    expect(parameters).toMatchObject({
      guidance: "ks.cfg = 3.5",
      negative_prompt: "neg.text = grainy",
      steps: "low.steps + ks.steps + low.start_at_step + low.end_at_step + ks.end_at_step = 12",
    });
  });

  test("two branches side by side: both", () => {
    const { parameters } = found(
      textToImage({
        pos2: encoder("a mill by a river"),
        ks2: sampler({ positive: ["pos2", 0] }),
        dec2: node("VAEDecode", { samples: ["ks2", 0], vae: ["ckpt", 2] }),
        save2: node("SaveImage", { filename_prefix: "x", images: ["dec2", 0] }),
      }),
    );

    expect(parameters).toMatchObject({
      prompt: "pos.text + pos2.text *",
      steps: "ks.steps + ks2.steps = 12",
      scheduler: "ks.scheduler + ks2.scheduler = normal",
    });
  });

  test("a later pass that only refines: the first alone", () => {
    const { parameters } = found(hires());

    expect(parameters).toMatchObject({ steps: "ks.steps = 12", guidance: "ks.cfg = 6.5" });
    expect(parameters["seed"]).toBe("again.seed + ks.seed = 7");
  });

  test("a pack's sampler with conditionings of other names", () => {
    const { parameters } = found(
      textToImage({
        ks: node("XlabsSampler", {
          noise_seed: 5,
          steps: 25,
          true_gs: 3.5,
          denoise_strength: 1,
          conditioning: ["pos", 0],
          neg_conditioning: ["neg", 0],
          latent_image: ["lat", 0],
        }),
      }),
    );

    expect(parameters).toMatchObject({
      prompt: "pos.text *",
      negative_prompt: "neg.text = grainy",
      steps: "ks.steps = 25",
      guidance: "ks.true_gs = 3.5",
    });
  });

  test("loaders that encode the texts and make the latent", () => {
    const texts = { positive: "a mill", negative: "grainy" };
    const size = { empty_latent_width: 640, empty_latent_height: 384 };
    const { parameters } = found({
      load: node("easy fullLoader", { ...texts, ...size, resolution: "width x height (custom)" }),
      pre: node("easy preSampling", {
        steps: 9,
        cfg: 5,
        sampler_name: "euler",
        seed: 1,
        pipe: ["load", 0],
      }),
      ks: node("easy kSampler", { pipe: ["pre", 0] }),
      save: node("SaveImage", { filename_prefix: "x", images: ["ks", 1] }),
    });

    expect(parameters).toMatchObject({
      prompt: "load.positive *",
      negative_prompt: "load.negative = grainy",
      width: "load.empty_latent_width = 640",
      steps: "pre.steps = 9",
      guidance: "pre.cfg = 5",
    });
  });

  test("a distilled model without guidance offers none, and says so", () => {
    const { parameters, notes } = found(textToImage({ ks: sampler({ cfg: 1 }) }));

    expect(parameters).not.toHaveProperty("guidance");
    expect(parameters).not.toHaveProperty("negative_prompt");
    expect(notes).toEqual([
      "guidance and negative_prompt are not offered: the workflow runs without it (cfg is 1 in ks.cfg), as distilled models do",
    ]);
  });
});

function hires(): Graph {
  return textToImage({
    up: node("LatentUpscale", {
      samples: ["ks", 0],
      upscale_method: "nearest-exact",
      width: 640,
      height: 384,
      crop: "disabled",
    }),
    again: sampler({ steps: 8, cfg: 5, denoise: 0.5, latent_image: ["up", 0] }),
    dec: node("VAEDecode", { samples: ["again", 0], vae: ["ckpt", 2] }),
  });
}

describe("sizes", () => {
  test("the size asked for is the result's; the first pass keeps its proportion", () => {
    const { workflow, parameters } = found(hires());

    expect(parameters["width"]).toBe("up.width + lat.width = 640");
    expect(workflow.makesSize).toBe(true);
    const graph = bind(workflow, { width: 768, height: 768 });
    expect(graph["up"]?.inputs).toMatchObject({ width: 768, height: 768 });
    expect(graph["lat"]?.inputs).toMatchObject({ width: 384, height: 384 });
    expect(bind(workflow, {})).toEqual(workflow.graph);
  });

  test("a binding that names other slots has them as they are", () => {
    const own = { parameters: { width: { slots: ["lat.width"] }, height: null } };
    const { workflow } = discovered("mine", own, hires());

    expect(parametersOf(workflow)["width"]).toBe("lat.width = 320");
    expect(workflow.makesSize).toBe(false);
  });

  test("a pass that enlarges by a factor counts into the size", () => {
    const graph = hires();
    graph["up"] = node("LatentUpscaleBy", { samples: ["ks", 0], scale_by: 1.5 });
    const { workflow, parameters } = found(graph);

    expect(parameters["width"]).toBe("lat.width = 480");
    expect(bind(workflow, { width: 768 })["lat"]?.inputs["width"]).toBe(512);
  });

  test("an upscaler of unknown effect at the end is said", () => {
    const { workflow, notes } = found(
      textToImage({
        up: node("ImageUpscaleWithModel", { upscale_model: ["m", 0], image: ["dec", 0] }),
        m: node("UpscaleModelLoader", { model_name: "RealESRGAN_x4plus.pth" }),
        save: node("SaveImage", { filename_prefix: "x", images: ["up", 0] }),
      }),
    );

    expect(workflow.makesSize).toBe(false);
    expect(notes).toEqual([
      "width and height are those of the first picture: node up (ImageUpscaleWithModel) may change the size after it",
    ]);
  });

  test.for<[what: string, size: Graph[string], offered: boolean]>([
    [
      "its numbers",
      node("CR Aspect Ratio", { width: 640, height: 384, aspect_ratio: "custom" }),
      true,
    ],
    ["its list", node("CR Aspect Ratio", { width: 640, height: 384, aspect_ratio: "3:2" }), false],
    ["a shape", node("ResolutionSelector", { shape: "3:2", megapixels: 1 }), false],
  ])("a node that makes a size of %s", ([, size, offered]) => {
    const { workflow, notes } = found(
      textToImage({
        size,
        lat: node("EmptyLatentImage", { width: ["size", 0], height: ["size", 1], batch_size: 1 }),
      }),
    );

    expect(workflow.makesSize).toBe(offered);
    expect(notes).toEqual(
      offered
        ? []
        : [`width and height are not offered: node size (${size?.class_type}) decides the size`],
    );
  });

  test("a saver of a pack keeps the size", () => {
    const { workflow, notes } = found(
      textToImage({ save: node("Image Saver", { images: ["dec", 0], path: "x", quality: 90 }) }),
    );

    expect(workflow.makesSize).toBe(true);
    expect(notes).toEqual([]);
  });

  const encode = node("VAEEncode", { pixels: ["img", 0], vae: ["ckpt", 2] });
  test.for<[what: string, others: Graph, keeps: boolean]>([
    ["sampling from it", { lat: encode, img: loadImage() }, true],
    [
      "an empty latent of its size",
      {
        img: loadImage(),
        size: node("GetImageSize", { image: ["img", 0] }),
        lat: node("EmptyLatentImage", { width: ["size", 0], height: ["size", 1], batch_size: 1 }),
      },
      true,
    ],
    [
      "an upscaler after the sampler",
      {
        lat: encode,
        img: loadImage(),
        up: node("ImageScaleBy", { image: ["dec", 0], upscale_method: "lanczos", scale_by: 2 }),
        save: node("SaveImage", { filename_prefix: "x", images: ["up", 0] }),
      },
      false,
    ],
    [
      "a crop before the sampler",
      {
        crop: node("ImageCrop", { image: ["img", 0], width: 32, height: 32, x: 0, y: 0 }),
        lat: node("VAEEncode", { pixels: ["crop", 0], vae: ["ckpt", 2] }),
        img: loadImage(),
      },
      false,
    ],
    [
      "a scale to the model's own size before the sampler",
      {
        scale: node("FluxKontextImageScale", { image: ["img", 0] }),
        lat: node("VAEEncode", { pixels: ["scale", 0], vae: ["ckpt", 2] }),
        img: loadImage(),
      },
      false,
    ],
    [
      "a reference beside an empty latent",
      {
        img: loadImage(),
        ks: sampler({ positive: ["cn", 0], negative: ["cn", 1] }),
        cn: node("ControlNetApplyAdvanced", {
          positive: ["pos", 0],
          negative: ["neg", 0],
          image: ["img", 0],
          strength: 0.5,
        }),
      },
      false,
    ],
  ])("%s: the result keeps the image's size is %s", ([, others, keeps]) => {
    expect(found(textToImage(others)).workflow.keepsSize).toBe(keeps);
  });
});

describe("masks", () => {
  const image = { img: loadImage("Face reference") };

  test("a mask that steers attention makes no inpainting", () => {
    const { workflow, tool } = found(
      textToImage({
        ...image,
        mask: loadMask("red", "Where the face applies"),
        ks: sampler({ model: ["ip", 0] }),
        ip: node("IPAdapterAdvanced", {
          model: ["ckpt", 0],
          image: ["img", 0],
          attn_mask: ["mask", 0],
        }),
      }),
    );

    expect(tool).toBe("img2img");
    expect(workflow).toMatchObject({ repaints: false, keepsSize: false });
    expect(workflow.parameters["image"]?.description).toBe("Face reference");
    expect(workflow.parameters["mask"]?.description).toBe("Where the face applies");
  });

  test("a mask of a region needs no image", () => {
    const { workflow, parameters } = found(
      textToImage({
        mask: loadMask(),
        ks: sampler({ positive: ["area", 0] }),
        area: node("ConditioningSetMask", {
          conditioning: ["pos", 0],
          mask: ["mask", 0],
          strength: 1,
        }),
      }),
    );

    expect(parameters).toMatchObject({ mask: "mask.image *", prompt: "pos.text *" });
    expect(parameters).not.toHaveProperty("image");
    expect(workflow.repaints).toBe(false);
  });

  test.for<[what: string, mask: Graph[string], output: number]>([
    ["ComfyUI's default, alpha", loadMask("alpha"), 0],
    ["the mask of a LoadImage", loadImage(), 1],
  ])("%s is read from red, for a caller's mask is black and white", ([, mask, output]) => {
    const { workflow, tool } = found(
      textToImage({
        img: loadImage(),
        mask,
        lat: node("VAEEncodeForInpaint", {
          pixels: ["img", 0],
          vae: ["ckpt", 2],
          mask: ["mask", output],
          grow_mask_by: 6,
        }),
      }),
    );

    expect(tool).toBe("inpaint");
    expect(workflow.repaints).toBe(true);
    expect(workflow.graph["mask"]).toMatchObject({
      class_type: "LoadImageMask",
      inputs: { channel: "red" },
    });
    expect(workflow.graph["lat"]?.inputs["mask"]).toEqual(["mask", 0]);
  });

  test("a mask drawn for a ControlNet is a mask of its own, and nothing is laid back", () => {
    const { workflow, parameters } = found(
      textToImage({
        img: loadImage(),
        ks: sampler({ positive: ["cn", 0], negative: ["cn", 1] }),
        cn: node("ControlNetInpaintingAliMamaApply", {
          positive: ["pos", 0],
          negative: ["neg", 0],
          image: ["img", 0],
          mask: ["img", 1],
          strength: 1,
        }),
      }),
    );

    expect(parameters).toMatchObject({ image: "img.image *", mask: "img:mask.image *" });
    expect(workflow.repaints).toBe(false);
  });

  test.for<[what: string, lat: Graph]>([
    [
      "SetLatentNoiseMask",
      {
        enc: node("VAEEncode", { pixels: ["img", 0], vae: ["ckpt", 2] }),
        lat: node("SetLatentNoiseMask", { samples: ["enc", 0], mask: ["grown", 0] }),
      },
    ],
    [
      "InpaintModelConditioning",
      {
        lat: node("InpaintModelConditioning", {
          positive: ["pos", 0],
          negative: ["neg", 0],
          vae: ["ckpt", 2],
          pixels: ["img", 0],
          mask: ["grown", 0],
        }),
        ks: sampler({ positive: ["lat", 0], negative: ["lat", 1], latent_image: ["lat", 2] }),
      },
    ],
  ])("a mask that goes into %s repaints, grown or not", ([, lat]) => {
    const { workflow, tool } = found(
      textToImage({
        img: loadImage(),
        grown: node("GrowMask", { mask: ["img", 1], expand: 4, tapered_corners: true }),
        ...lat,
      }),
    );

    expect(tool).toBe("inpaint");
    expect(workflow).toMatchObject({ repaints: true, keepsSize: true });
  });

  test("a picture's own transparency is no mask", () => {
    const { parameters } = found({
      img: loadImage(),
      blur: node("ImageBlur", { image: ["img", 0] }),
      join: node("JoinImageWithAlpha", { image: ["blur", 0], alpha: ["img", 1] }),
      save: node("SaveImage", { filename_prefix: "x", images: ["join", 0] }),
    });

    expect(parameters).toEqual({ image: "img.image *" });
  });
});

describe("images", () => {
  test.for<[classType: string, input: string]>([
    ["ETN_LoadImageBase64", "image"],
    ["easy loadImageBase64", "base64_data"],
    ["LoadImageFromUrlOrPath", "url_or_path"],
    ["LoadImageFromURL", "url"],
  ])("%s gives its place to the caller's picture", ([classType, input]) => {
    const { workflow, tool } = found(
      textToImage({
        img: node(classType, { [input]: "iVBORw0KGgo=" }),
        lat: node("VAEEncode", { pixels: ["img", 0], vae: ["ckpt", 2] }),
        ks: sampler({ denoise: 0.6 }),
      }),
    );

    expect(tool).toBe("img2img");
    expect(workflow.graph["img"]).toEqual({
      class_type: "LoadImage",
      inputs: { image: "example.png" },
    });
    expect(parametersOf(workflow)).toMatchObject({
      image: "img.image *",
      strength: "ks.denoise = 0.6",
    });
  });

  test("a loader that no output needs changes nothing, and is not asked for its file", () => {
    const { tool, workflow } = found(
      textToImage({
        img: loadImage(),
        show: node("PreviewImage", { images: ["img", 0] }),
        progress: node("PreviewImage", { images: ["dec", 0] }),
      }),
    );

    expect(tool).toBe("generate_image");
    expect(workflow.parameters).not.toHaveProperty("image");
    expect(workflow.graph).not.toHaveProperty("img");
    expect(workflow.graph).not.toHaveProperty("show");
    expect(workflow.graph).toHaveProperty("progress");
  });

  test("titles name several images, and say which may be left out", () => {
    const apply = (image: string) => ({
      image: [image, 0] as [string, number],
      model: ["ckpt", 0] as [string, number],
    });
    const { workflow } = found(
      textToImage({
        a: loadImage("Face"),
        b: loadImage("(Optional) Style picture"),
        c: loadImage("Load Image"),
        ks: sampler({ model: ["ip", 0] }),
        ip: node("IPAdapterAdvanced", { ...apply("a"), image_2: ["b", 0], image_3: ["c", 0] }),
      }),
    );

    expect(workflow.parameters).toMatchObject({
      face: { required: true, description: "Face" },
      style_picture: { required: false, description: "Style picture" },
      image_3: { required: true },
    });
    const graph = bind(workflow, { face: "a.png", image_3: "c.png" });
    expect(graph).not.toHaveProperty("b");
    expect(graph["ip"]?.inputs).not.toHaveProperty("image_2");
    expect(graph["a"]?.inputs["image"]).toBe("a.png");
    expect(bind(workflow, { style_picture: "b.png" })["b"]?.inputs["image"]).toBe("b.png");
  });

  test("an optional picture takes along what only works on it, and nothing that is needed", () => {
    const others = { scale: node("ImageScaleBy", { image: ["b", 0], scale_by: 0.5 }) };
    const edit = (image: [string, number]) =>
      found(
        textToImage({
          b: loadImage("Style (optional)"),
          ...others,
          pos: node("TextEncodeQwenImageEditPlus", {
            prompt: "x",
            clip: ["ckpt", 1],
            image2: ["scale", 0],
          }),
          save: node("SaveImage", { filename_prefix: "x", images: image }),
        }),
      ).workflow;

    const graph = bind(edit(["dec", 0]), {});
    expect(Object.keys(graph)).not.toContain("b");
    expect(Object.keys(graph)).not.toContain("scale");
    expect(graph["pos"]?.inputs).not.toHaveProperty("image2");
    expect(bind(edit(["scale", 0]), {})).toHaveProperty("b");
  });
});

describe("files as other tools write them", () => {
  test("placeholders become the parameters they stand for", () => {
    const { parameters, workflow } = found(
      textToImage({
        pos: encoder("PARAM_PROMPT"),
        neg: encoder("%negative_prompt%"),
        lat: node("EmptyLatentImage", {
          width: "PARAM_INT_WIDTH",
          height: "PARAM_INT_HEIGHT",
          batch_size: 1,
        }),
        ks: sampler({ seed: "%seed%", steps: "PARAM_INT_STEPS", cfg: "%scale%" }),
      }),
    );

    expect(parameters).toMatchObject({
      prompt: "pos.text *",
      negative_prompt: "neg.text = ",
      width: "lat.width = 1024",
      seed: "ks.seed = 0",
      steps: "ks.steps = 20",
      guidance: "ks.cfg = 7",
    });
    expect(JSON.stringify(workflow.graph)).not.toMatch(/PARAM_|%seed%/);
  });

  test("a placeholder for a picture becomes the picture", () => {
    const img = (inputs: Record<string, string>, classType: string) =>
      found(
        textToImage({
          img: node(classType, inputs),
          lat: node("VAEEncode", { pixels: ["img", 0], vae: ["ckpt", 2] }),
        }),
      ).parameters;

    expect(img({ image: "PARAM_IMAGE" }, "LoadImage")["image"]).toBe("img.image *");
    expect(img({ image: "%image%" }, "ETN_LoadImageBase64")["image"]).toBe("img.image *");
    expect(img({ url: "%image_url%" }, "LoadImageFromURL")).toMatchObject({ image: "img.image *" });
  });

  test("a placeholder inside a longer text is told", () => {
    const { notes } = found(textToImage({ pos: encoder("best quality, %prompt%") }));

    expect(notes).toEqual([
      "pos.text holds %prompt% inside a longer text; a caller's value takes the place of all of it",
    ]);
  });

  test("a placeholder that only its author knows must be given", () => {
    const { parameters } = found(
      textToImage({ save: node("Save", { images: ["dec", 0], owner: "PARAM_STR_OWNER" }) }),
    );

    expect(parameters["owner"]).toBe("save.owner *");
  });

  test.for<[what: string, wrap: (graph: Graph) => unknown]>([
    ["a request to ComfyUI", (prompt) => ({ client_id: "x", prompt })],
    ["a request to a service", (workflow) => ({ input: { workflow } })],
    ["what the editor hands out", (output) => ({ workflow: { nodes: [], links: [] }, output })],
  ])("the graph inside %s is taken out", ([, wrap]) => {
    expect(found(wrap(textToImage())).parameters["prompt"]).toBe("pos.text *");
  });

  test("a dangling link matters only where an output needs it", () => {
    const loose = node("CLIPTextEncode", { text: "old", clip: ["gone", 0] });
    const { workflow } = found(textToImage({ loose }));
    const refused = compileExport("mine", undefined, textToImage({ neg: loose }));

    expect(workflow.graph).not.toHaveProperty("loose");
    expect(JSON.stringify(refused)).toContain('neg.clip is linked to node \\"gone\\"');
  });

  test("tool names fit behind a client's prefix, and stay apart", () => {
    const upscale = (name: string) =>
      found(
        {
          img: loadImage(),
          up: node("ImageInvert", { image: ["img", 0] }),
          save: node("SaveImage", { filename_prefix: "x", images: ["up", 0] }),
        },
        name,
      ).tool;
    const long = "A very long name of a workflow that somebody gave to a file";

    expect(upscale(long)).toHaveLength(46);
    expect(upscale(`${long} 1`)).not.toBe(upscale(`${long} 2`));
    expect(upscale("img2img")).toBe("img2img_workflow");
  });
});

/** Graphs of the same kinds, where they are at hand. */
const kept = new URL("../../../../shared/reference/findings/graphs/", import.meta.url);

describe.skipIf(!existsSync(kept))("graphs of real faults, kept beside the project", () => {
  const files = existsSync(kept) ? readdirSync(kept).filter((file) => file.endsWith(".json")) : [];

  test.for(files)("%s loads, with a prompt and its own size or image", (file) => {
    const graph: unknown = JSON.parse(readFileSync(new URL(file, kept), "utf8"));
    const { parameters } = found(graph, file.replace(".json", ""));

    expect(parameters["prompt"]).toMatch(/ \*$/);
    expect(parameters["seed"] ?? parameters["image"]).toBeDefined();
  });
});
