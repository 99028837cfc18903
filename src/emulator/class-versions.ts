import { atLeast } from "../as-comfyui/version.ts";
import type { InputSpec, NodeInfo } from "../comfy/protocol.ts";

/** First version with the class, for those younger than the oldest supported ComfyUI. */
const classSince: Record<string, string> = {
  EmptyFlux2LatentImage: "0.3.72",
  Flux2Scheduler: "0.3.72",
  LoadBackgroundRemovalModel: "0.21.0",
  RemoveBackground: "0.21.0",
  SaveText: "0.28.0",
};

/** First version with the input. */
const inputSince: Record<string, string> = {
  "CFGNorm.pre_cfg": "0.23.0",
  "ImageScaleToTotalPixels.resolution_steps": "0.6.0",
};

/** First version in which these nodes give something on; before it they have no output. */
const outputSince: Record<string, string> = {
  MaskPreview: "0.28.0",
  PreviewAny: "0.19.1",
  PreviewImage: "0.26.0",
  SaveAnimatedWEBP: "0.26.0",
  SaveImage: "0.26.0",
};

/** First version with the new style, whose choices are an option of "COMBO" and no list. */
const newStyleSince: Record<string, string> = {
  BasicScheduler: "0.3.76",
  FluxKontextMultiReferenceLatentMethod: "0.3.65",
  ImageScaleToMaxDimension: "0.7.0",
  ImageToMask: "0.4.0",
  KSamplerSelect: "0.3.76",
  SaveAnimatedWEBP: "0.7.0",
  SetUnionControlNetType: "0.3.66",
  TripleCLIPLoader: "0.3.65",
  UpscaleModelLoader: "0.3.65",
};

export function hasClass(name: string, version: string): boolean {
  return atLeast(version, classSince[name] ?? "0.0.0");
}

/** The description a ComfyUI of that version gave of a class, from that of the newest one. */
export function infoAt(info: NodeInfo, version: string): NodeInfo {
  const hasOutput = atLeast(version, outputSince[info.name] ?? "0.0.0");
  const input: NodeInfo["input"] = { ...info.input };
  for (const part of ["required", "optional"] as const) {
    const specs = inputsAt(info, part, version);
    if (specs && (part === "required" || Object.keys(specs).length > 0)) input[part] = specs;
    else delete input[part];
  }
  return { ...info, input, ...(hasOutput ? {} : { output: [], output_name: [] }) };
}

function inputsAt(
  { name, input }: NodeInfo,
  part: "required" | "optional",
  version: string,
): Record<string, InputSpec> | undefined {
  const specs = input[part];
  if (!specs) return undefined;
  const oldStyle = !atLeast(version, newStyleSince[name] ?? "0.0.0");
  const there = Object.entries(specs).filter(([inputName]) =>
    atLeast(version, inputSince[`${name}.${inputName}`] ?? "0.0.0"),
  );
  return Object.fromEntries(
    there.map(([inputName, spec]) => [inputName, oldStyle ? asList(spec) : spec]),
  );
}

function asList(spec: InputSpec): InputSpec {
  const [type, { options, multiselect: _, ...rest } = {}] = spec;
  if (type !== "COMBO" || !Array.isArray(options)) return spec;
  return Object.keys(rest).length > 0 ? [options, rest] : [options];
}
