import type { Pool } from "../comfy/pool.ts";
import { AppError } from "../errors.ts";
import type { Catalog } from "../workflows/catalog.ts";
import { explainMissing } from "../workflows/explain.ts";
import {
  type MissingModel,
  type MissingNode,
  type Readiness,
  readiness,
} from "../workflows/readiness.ts";
import type { Problem, Workflow } from "../workflows/workflow.ts";

export interface WorkflowState {
  workflow: Workflow;
  /** Missing while ComfyUI cannot be asked. */
  ready?: boolean;
  /** What to install when it is not ready. */
  lacks?: Lacks;
}

export interface Lacks {
  /** In words, with places and sources. */
  text: string;
  files: string[];
  packs: string[];
  models: MissingModel[];
  nodes: MissingNode[];
}

export interface WorkflowStates {
  states: WorkflowState[];
  /** Why ComfyUI could not be asked. */
  problem?: string;
  /** Workflows that do not load. */
  faults?: readonly Problem[];
}

/** Whoever asks what is installed has often just installed something. */
const freshMs = 5_000;

type NotReady = Extract<Readiness, { ready: false }>;

/** Every workflow and whether this ComfyUI can run it. */
export async function workflowStates(catalog: Catalog, pool: Pool): Promise<WorkflowStates> {
  const all = catalog.all();
  try {
    const objectInfo = await pool.objectInfo(freshMs);
    const states = all.map((workflow): WorkflowState => {
      const found = readiness(workflow, objectInfo);
      if (found.ready) return { workflow, ready: true };
      return { workflow, ready: false, lacks: lacksOf(workflow, found) };
    });
    return { states };
  } catch (error) {
    if (!(error instanceof AppError)) throw error;
    return { states: all.map((workflow) => ({ workflow })), problem: error.message };
  }
}

function lacksOf(workflow: Workflow, found: NotReady): Lacks {
  const packs = found.missingNodes.map((node) => node.pack ?? node.class);
  return {
    text: explainMissing(workflow, found),
    files: found.missingModels.map((model) => model.file),
    packs: [...new Set(packs)],
    models: found.missingModels,
    nodes: found.missingNodes,
  };
}
