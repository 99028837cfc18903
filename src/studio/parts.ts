import type { ImageStore } from "../images/store.ts";
import type { Style } from "../workflows/styles.ts";
import type { Template } from "../workflows/templates.ts";
import type { BackendState } from "./backend-states.ts";
import type { Installed, InstalledOptions } from "./installed.ts";
import type { Pace } from "./pace.ts";
import type { PromptsParts } from "./prompts.ts";
import type { WorkflowState, WorkflowStates } from "./workflow-states.ts";

export interface StudioParts extends PromptsParts {
  images: ImageStore;
  pace: Pace;
  /** Every workflow and whether some ComfyUI can run it. */
  workflows(): Promise<WorkflowStates>;
  /** Models, LoRAs and styles that a call can name. */
  installed(options?: InstalledOptions): Promise<Installed>;
  /** The templates of ComfyUI's gallery that fit a query, best first. */
  search(query: string): Promise<Template[]>;
  /** `template:NAME`, and whether some ComfyUI can run it. */
  template(name: string): Promise<WorkflowState>;
  styles(): Style[];
  /** Every ComfyUI and how it is; with "known" those that rest are not asked. */
  backends(ask: "all" | "known"): Promise<BackendState[]>;
}
