import { AppError } from "../../errors.ts";
import type { Installed } from "../../studio/installed.ts";
import type { Studio } from "../../studio/studio.ts";
import type { WorkflowState } from "../../studio/workflow-states.ts";

/** What a call of another system is mapped by. */
export interface Here {
  /** Names of our styles. */
  styles: readonly string[];
  /** Those that no list shows too. */
  workflows: readonly WorkflowState[];
  /** Empty while no ComfyUI can be asked. */
  installed: Pick<Installed, "models" | "loras">;
}

export async function hereOf(studio: Studio): Promise<Here> {
  const { states, unlisted = [] } = await studio.workflows();
  const installed = await studio.installed().catch((error) => {
    if (error instanceof AppError && error.code === "comfy_unreachable") return undefined;
    throw error;
  });
  const styles = studio.styles().map(({ name }) => name);
  const workflows = [...states, ...unlisted];
  return { styles, workflows, installed: installed ?? { models: [], loras: [] } };
}
