import type { OwnCheck } from "../as-comfyui/validate.ts";
import type { InputSpec, NodeInfo, ObjectInfo } from "../comfy/protocol.ts";
import { hasClass, infoAt } from "./class-versions.ts";
import type { Disk } from "./disk.ts";
import { filesFor, modelInputs } from "./models.ts";
import type { EmulatorNode, NodeBehaviour } from "./node.ts";
import { conditioningNodes } from "./nodes/conditioning.ts";
import { imageNodes } from "./nodes/image.ts";
import { inputImageNodes } from "./nodes/input-image.ts";
import { latentNodes } from "./nodes/latent.ts";
import { loaderNodes } from "./nodes/loaders.ts";
import { maskNodes } from "./nodes/mask.ts";
import { outputNodes } from "./nodes/output.ts";
import { samplingNodes } from "./nodes/sampling.ts";
import { textNodes } from "./nodes/text.ts";
import objectInfo from "./object-info.json" with { type: "json" };

export interface CatalogOptions {
  version: string;
  models: Record<string, string[]>;
  withoutNodes: readonly string[];
  extraNodes: readonly EmulatorNode[];
}

const behaviours: Record<string, NodeBehaviour> = {
  ...loaderNodes,
  ...conditioningNodes,
  ...samplingNodes,
  ...latentNodes,
  ...imageNodes,
  ...inputImageNodes,
  ...maskNodes,
  ...outputNodes,
  ...textNodes,
};

/** The node classes of one ComfyUI: what `/object_info` says and what runs. */
export class Catalog {
  /** Described when somebody asks: most never are. */
  readonly #nodes = new Map<string, () => EmulatorNode>();
  readonly #disk: Disk;

  constructor(options: CatalogOptions, disk: Disk) {
    this.#disk = disk;
    // TypeScript reads JSON's pairs as arrays of any length; ComfyUI's input specs are tuples.
    for (const [name, info] of Object.entries(objectInfo as unknown as ObjectInfo)) {
      const behaviour = behaviours[name];
      if (!behaviour || !hasClass(name, options.version)) continue;
      let node: EmulatorNode | undefined;
      this.#nodes.set(name, () => {
        node ??= { ...behaviour, info: infoFor(info, options) };
        return node;
      });
    }
    for (const node of options.extraNodes) this.#nodes.set(node.info.name, () => node);
    for (const name of options.withoutNodes) this.#nodes.delete(name);
  }

  get names(): string[] {
    return [...this.#nodes.keys()];
  }

  node(name: string): EmulatorNode | undefined {
    return this.#nodes.get(name)?.();
  }

  /** What a class checks by itself, given the files there are now. */
  ownCheck(name: string, disk: Disk): OwnCheck | undefined {
    const rule = this.node(name)?.validate;
    return rule && { input: rule.input, check: (value) => rule.check(value, disk) };
  }

  /** As `/object_info` shows it now: LoadImage lists the pictures at the top of `input/`. */
  info(name: string): NodeInfo | undefined {
    const info = this.node(name)?.info;
    const spec = info?.input.required?.["image"];
    if (!info || !spec || !Array.isArray(spec[0])) return info;
    const choices = this.#disk.names("input").filter(isTopLevelPicture);
    return withChoices(info, "image", choices);
  }
}

function isTopLevelPicture(name: string): boolean {
  return !name.includes("/") && /\.(png|jpe?g|webp|gif|bmp|tiff?|svg|avif|ico)$/i.test(name);
}

function infoFor(info: NodeInfo, { version, models }: CatalogOptions): NodeInfo {
  let result = infoAt(info, version);
  for (const input of Object.keys(info.input.required ?? {})) {
    const source = modelInputs[`${info.name}.${input}`];
    if (source) result = withChoices(result, input, filesFor(source, models));
  }
  return result;
}

function withChoices(info: NodeInfo, input: string, choices: string[]): NodeInfo {
  const spec = info.input.required?.[input];
  if (!spec) return info;
  const changed: InputSpec =
    spec[0] === "COMBO" ? ["COMBO", { ...spec[1], options: choices }] : [choices, ...rest(spec)];
  return {
    ...info,
    input: { ...info.input, required: { ...info.input.required, [input]: changed } },
  };
}

function rest(spec: InputSpec): [Record<string, unknown>] | [] {
  return spec[1] ? [spec[1]] : [];
}
