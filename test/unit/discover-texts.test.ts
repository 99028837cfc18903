import { expect, test } from "vitest";
import type { Graph } from "../../src/comfy/protocol.ts";
import { bind } from "../../src/workflows/bind.ts";
import { encoder, found, node, sampler, textToImage } from "../fixtures/exports/kinds.ts";

const joined = (a: unknown, b: unknown) =>
  node("StringConcatenate", { string_a: a as string, string_b: b as string, delimiter: ", " });

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
