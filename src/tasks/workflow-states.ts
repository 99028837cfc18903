import type { Backend } from "../comfy/backend.ts";
import { AppError } from "../errors.ts";
import type { Catalog } from "../workflows/catalog.ts";
import { explainMissing } from "../workflows/explain.ts";
import { readiness } from "../workflows/readiness.ts";
import type { Workflow } from "../workflows/workflow.ts";

export interface WorkflowState {
  workflow: Workflow;
  /** Missing while ComfyUI cannot be asked. */
  ready?: boolean;
  /** What to install, in words, when it is not ready. */
  lacks?: string;
}

export interface WorkflowStates {
  states: WorkflowState[];
  /** Why ComfyUI could not be asked. */
  problem?: string;
}

/** Every workflow and whether this ComfyUI can run it. */
export async function workflowStates(catalog: Catalog, backend: Backend): Promise<WorkflowStates> {
  const all = catalog.all();
  try {
    await backend.ready();
    const objectInfo = await backend.objectInfo();
    const states = all.map((workflow): WorkflowState => {
      const found = readiness(workflow, objectInfo);
      if (found.ready) return { workflow, ready: true };
      return { workflow, ready: false, lacks: explainMissing(workflow, found) };
    });
    return { states };
  } catch (error) {
    if (!(error instanceof AppError)) throw error;
    return { states: all.map((workflow) => ({ workflow })), problem: error.message };
  }
}
