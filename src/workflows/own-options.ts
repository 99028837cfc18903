import { efforts } from "./known-parameters.ts";
import { maxCount, outputFormats, type TaskRequest, variations } from "./request.ts";

/**
 * A parameter the server has beside those of the workflows. One row feeds the tools' schemas, the
 * names a binding cannot use, the request and the record.
 */
export interface OwnOption {
  /** Its place in a request; unset where the face itself acts on it. */
  key?: keyof TaskRequest;
  /** The tools that have it; unset: every tool that makes pictures. */
  tools?: readonly string[];
  /** Tools that could have it and do not. */
  not?: readonly string[];
  /** Only tools with all of these parameters have it. */
  needs?: readonly string[];
  /** `workflows`: offered where a workflow can follow it; see `toolOptions`. */
  type: "string" | "integer" | "number" | "boolean" | "strings" | "workflows";
  minimum?: number;
  /** Of a number, or of how many entries a list may have. */
  maximum?: number;
  choices?: readonly string[];
  /** In as few words as a model needs; a text by tool where they differ. */
  description: string | Readonly<Record<string, string>>;
  /** Belongs to what the picture is made of, so it is kept with the parameters. */
  recorded?: true;
}

const side: OwnOption = {
  tools: ["outpaint"],
  type: "integer",
  minimum: 0,
  maximum: 4096,
  description: "Pixels to add there",
  recorded: true,
};

/** In the order in which a tool shows them. */
export const ownOptions = {
  model: { key: "model", type: "workflows", description: "" },
  loras: { key: "loras", type: "workflows", description: "" },
  quality: {
    key: "quality",
    type: "workflows",
    choices: efforts,
    description: "",
    recorded: true,
  },
  vary: {
    key: "vary",
    tools: ["img2img"],
    type: "string",
    choices: Object.keys(variations),
    description: "A variation of image, instead of strength; prompt may be left out",
  },
  grow: {
    key: "grow",
    tools: ["inpaint"],
    type: "integer",
    minimum: -256,
    maximum: 256,
    description: "Pixels the mask grows (default 0)",
    recorded: true,
  },
  left: { ...side, key: "left" },
  top: { ...side, key: "top" },
  right: { ...side, key: "right" },
  bottom: { ...side, key: "bottom" },
  feather: {
    key: "feather",
    tools: ["inpaint", "outpaint"],
    type: "integer",
    minimum: 0,
    maximum: 256,
    description: {
      inpaint: "Pixels its edge fades over (default 0)",
      outpaint: "Pixels the seam fades over (default 24)",
    },
    recorded: true,
  },
  factor: {
    key: "factor",
    tools: ["upscale"],
    type: "number",
    minimum: 1.5,
    maximum: 4,
    description: "Times width and height (default 2)",
    recorded: true,
  },
  fit: {
    key: "fit",
    tools: ["upscale"],
    type: "string",
    choices: ["fill", "fit"],
    description: "In another shape: fill cuts (default), fit adds bars; outpaint extends",
    recorded: true,
  },
  background: {
    key: "background",
    tools: ["remove_background"],
    type: "string",
    description: "Colour or image to put behind (default none)",
    recorded: true,
  },
  aspect_ratio: {
    key: "aspectRatio",
    needs: ["width", "height"],
    type: "string",
    description: {
      outpaint: 'Instead of sides: "16:9", "square", …',
      "": 'Instead of width and height: "16:9", "square", …',
    },
  },
  styles: {
    key: "styles",
    needs: ["prompt"],
    not: ["upscale"],
    type: "strings",
    maximum: 8,
    description: {
      generate_image: 'Style names, e.g. "watercolor"; list_workflows shows them',
      "": "Style names",
    },
    recorded: true,
  },
  count: {
    key: "count",
    needs: ["seed"],
    not: ["upscale"],
    type: "integer",
    minimum: 1,
    maximum: maxCount,
    description: "Pictures, each with the next seed",
  },
  workflow: { key: "workflow", type: "string", description: "Default: the first that can run" },
  output_format: {
    key: "outputFormat",
    type: "string",
    choices: outputFormats,
    description: "Default png",
  },
  save_to: { key: "saveTo", type: "string", description: "File or folder to put it in too" },
  overwrite: { key: "overwrite", type: "boolean", description: "Let save_to replace files" },
  wait_seconds: {
    type: "number",
    minimum: 0,
    maximum: 3600,
    description: "Seconds to wait, 0-3600",
  },
  previews: {
    type: "boolean",
    description: "false: answer in text alone; any image tool takes it",
  },
  webhook_url: { type: "string", description: "Gets the task's events" },
} as const satisfies Record<string, OwnOption>;

const rows: readonly (readonly [string, OwnOption])[] = Object.entries(ownOptions);

/** A binding cannot use these names. */
export const reservedParameters: readonly string[] = Object.keys(ownOptions);

export function ownOption(name: string): OwnOption | undefined {
  return Object.hasOwn(ownOptions, name) ? ownOptions[name as keyof typeof ownOptions] : undefined;
}

/** The options of a tool whose workflows take `parameters`. */
export function ownOptionsOf(tool: string, parameters: readonly string[]): [string, OwnOption][] {
  return rows
    .filter(([, { tools, type }]) => type !== "workflows" && (tools?.includes(tool) ?? true))
    .filter(([, { not }]) => !not?.includes(tool))
    .filter(([name, { needs = [] }]) => {
      // Outpainting has a ratio instead of its four sides.
      if (tool === "outpaint" && name === "aspect_ratio") return true;
      return needs.every((need) => parameters.includes(need));
    })
    .concat(tool === "upscale" ? exactSides : [])
    .map(([name, option]) => [name, option]);
}

/**
 * An enlargement can be to an exact size. The names belong to workflows that paint in a size, so
 * they are parameters in a request.
 */
const exactSide = {
  type: "integer",
  minimum: 16,
  maximum: 8192,
  description: "Exact pixels, instead of factor",
} as const satisfies OwnOption;
const exactSides: readonly (readonly [string, OwnOption])[] = [
  ["width", exactSide],
  ["height", exactSide],
];

export function descriptionOf({ description }: OwnOption, tool: string): string {
  if (typeof description === "string") return description;
  return description[tool] ?? description[""] ?? "";
}

/** Flat arguments as faces have them, checked against the tool's parameters, to a request. */
export function requestFrom(args: Readonly<Record<string, unknown>>): TaskRequest {
  const request: Record<string, unknown> = {};
  const parameters: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(args)) {
    if (value === undefined) continue;
    const option = ownOption(name);
    // The seed is in the graph, but the server draws it and counts on from it.
    const key = name === "seed" ? name : option?.key;
    if (key) request[key] = value;
    else if (!option) parameters[name] = value;
  }
  return { ...request, parameters };
}

/** What is not a parameter of the workflow but belongs to the recipe of the picture. */
export function recordedOptions(request: TaskRequest): Record<string, unknown> {
  const kept = rows.flatMap(([name, { key, recorded }]) => {
    const value = recorded && key ? request[key] : undefined;
    return value === undefined ? [] : [[name, value] as const];
  });
  return Object.fromEntries(kept);
}
