/** A flow of Visionatrix's own, and the workflows here that make the same. */
export interface KnownFlow {
  name: string;
  title: string;
  description: string;
  tool: string;
  /** Workflows in the order in which they are tried. */
  workflows: readonly string[];
  /** A field by which one of the workflows is chosen. */
  choice?: { name: string; title: string; standard: string; workflows: Record<string, string> };
  /** Fields of the flow by the parameters they are here. */
  renamed: Readonly<Record<string, string>>;
  /** Fields of the flow that nothing here follows, and why. */
  unheard: Readonly<Record<string, string>>;
  /** The number of its output node there. */
  output: number;
}

/**
 * Ids, fields and output nodes as in the flows' own files (Visionatrix/VixFlowsDocs, flows/NAME.json);
 * "lighting" is how the id is spelled there.
 */
export const knownFlows: readonly KnownFlow[] = [
  {
    name: "sdxl_lighting",
    title: "SDXL Lighting",
    description: "Fast image generation",
    tool: "generate_image",
    workflows: ["sdxl_lightning_8step", "sdxl_lightning_4step"],
    choice: {
      name: "steps_number",
      title: "Number of steps",
      standard: "8 steps",
      workflows: { "4 steps": "sdxl_lightning_4step", "8 steps": "sdxl_lightning_8step" },
    },
    renamed: {},
    unheard: { negative_prompt: "the model is distilled and follows no negative prompt" },
    output: 9,
  },
  {
    name: "remove_background_birefnet",
    title: "Remove background (BiRefNet)",
    description: "Foregrounding (commercial use)",
    tool: "remove_background",
    workflows: ["birefnet_ll", "birefnet", "rmbg_birefnet"],
    renamed: { input_image: "image" },
    unheard: {},
    output: 13,
  },
];
