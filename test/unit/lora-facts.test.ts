import { describe, expect, test } from "vitest";
import { familyIn, familyNamed, goTogether, loraFacts } from "../../src/workflows/lora-facts.ts";

describe("the family", () => {
  // As kohya-ss (library/sai_model_spec.py), musubi-tuner, ai-toolkit and OneTrainer write them.
  test.for([
    ["stable-diffusion-v1/lora", "sd1"],
    ["stable-diffusion-v2-768-v/lora", "sd2"],
    ["stable-diffusion-xl-v1-base/lora", "sdxl"],
    ["stable-diffusion-3-medium/lora", "sd3"],
    ["stable-diffusion-v3/lora", "sd3"],
    ["flux-1-dev/lora", "flux1"],
    ["Flux.1-dev/lora", "flux1"],
    ["flux.1-kontext/lora", "flux1"],
    ["Flux.2-dev/lora", "flux2-dev"],
    ["flux-2-klein-base-4b/lora", "flux2-klein-4b"],
    ["qwen-image-edit/lora", "qwen-image"],
    ["Z-Image/lora", "z-image"],
    ["hunyuan-video/lora", "hunyuan"],
    ["wan2.1/lora", "wan"],
    ["lumina-2/lora", "lumina2"],
    ["chroma/lora", "chroma"],
  ] as const)("modelspec.architecture %s is %s", ([architecture, id]) => {
    expect(familyIn({ "modelspec.architecture": architecture })?.id).toBe(id);
  });

  test.for([
    ["sd_v1", "sd1"],
    ["sd_1.5", "sd1"],
    ["sd_v2_v", "sd2"],
    ["sdxl_base_v1-0", "sdxl"],
    ["sdxl_1.0", "sdxl"],
    ["sd3m", "sd3"],
    ["sd3.5_large", "sd3"],
    ["flux1", "flux1"],
    ["flux2", "flux2"],
    ["qwen_image", "qwen-image"],
    ["zimage", "z-image"],
  ] as const)("ss_base_model_version %s is %s", ([version, id]) => {
    expect(familyIn({ ss_base_model_version: version })?.id).toBe(id);
  });

  test.for([
    ["sd_xl_base_1.0.safetensors", "sdxl"],
    ["dreamshaperXL_turbo.safetensors", "sdxl"],
    ["v1-5-pruned-emaonly-fp16.safetensors", "sd1"],
    ["flux1-dev-Q8_0.gguf", "flux1"],
    ["flux1-dev-kontext_fp8_scaled.safetensors", "flux1"],
    ["flux2_dev_fp8mixed.safetensors", "flux2-dev"],
    ["flux-2-klein-4b-fp8.safetensors", "flux2-klein-4b"],
    ["FireRed-Image-Edit-1.1-transformer.safetensors", "qwen-image"],
    ["z_image_turbo_bf16.safetensors", "z-image"],
    ["krea2_turbo_fp8_scaled.safetensors", "krea2"],
    ["sdxl\\flux_like_look_v2.safetensors", "flux1"],
    ["juggernaut_reborn.safetensors", undefined],
    ["sd_vae_swap_v2-1.safetensors", undefined],
  ] as const)("a model file %s is of %s", ([file, id]) => {
    expect(familyNamed(file)?.id).toBe(id);
  });

  test("what is not known, or no text, says nothing", () => {
    expect(familyIn({})).toBeUndefined();
    expect(familyIn({ "modelspec.architecture": "brand-new/lora" })).toBeUndefined();
    expect(familyIn({ ss_base_model_version: 7, "modelspec.architecture": null })).toBeUndefined();
  });

  test("the name of the trained file counts where the version says nothing", () => {
    const metadata = { ss_base_model_version: "", ss_sd_model_name: "/models/sd_xl_base_1.0.ckpt" };
    expect(familyIn(metadata)?.id).toBe("sdxl");
  });

  test("a family goes with its variants, and two variants do not go together", () => {
    const of = (id: string) => ({ id, title: id });
    expect(goTogether(of("flux2"), of("flux2-klein-4b"))).toBe(true);
    expect(goTogether(of("flux2-dev"), of("flux2"))).toBe(true);
    expect(goTogether(of("flux2-dev"), of("flux2-klein-4b"))).toBe(false);
    expect(goTogether(of("sd1"), of("sdxl"))).toBe(false);
  });
});

describe("trigger words", () => {
  test("are those the author states, as text or as a list", () => {
    expect(loraFacts({ "modelspec.trigger_phrase": "ohwx man, blue hat" }).triggers).toEqual([
      "ohwx man",
      "blue hat",
    ]);
    expect(loraFacts({ ss_trigger_words: '["ohwx", ""]' }).triggers).toEqual(["ohwx"]);
  });

  test("the one tag there is is the trigger word", () => {
    const metadata = { ss_tag_frequency: '{"1_ohwx": {"ohwx": 1}}' };
    expect(loraFacts(metadata)).toEqual({ triggers: ["ohwx"], tags: [] });
  });

  test("tags on nearly every training picture are named as such, over all folders", () => {
    const ss_tag_frequency = JSON.stringify({
      "10_a": { "pixel fox": 20, " forest ": 18, day: 3 },
      "5_b": { "pixel fox": 5, forest: 4, ["x".repeat(80)]: 99 },
    });
    expect(loraFacts({ ss_tag_frequency })).toEqual({
      triggers: [],
      tags: ["pixel fox", "forest"],
    });
  });

  test.for(["", "no json", "[]", "null", '{"a": 1, "b": null}', '{"a": {"one": 1, "two": 1}}'])(
    "%j tells none",
    (ss_tag_frequency) => {
      expect(loraFacts({ ss_tag_frequency })).toEqual({ triggers: [], tags: [] });
    },
  );
});
