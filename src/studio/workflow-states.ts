import type { Pool } from "../comfy/pool.ts";
import type { ObjectInfo } from "../comfy/protocol.ts";
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
  /** What of a person's workflows in ComfyUI is not there, and why. */
  notes?: string[];
  /** Workflows that do not load. */
  faults?: readonly Problem[];
}

/** Whoever asks what is installed has often just installed something. */
export const freshMs = 5_000;

type NotReady = Extract<Readiness, { ready: false }>;

/** What a person saved in ComfyUI, looked at again; returns what is to be told of it. */
export type SavedRefresh = (maxAgeMs: number) => Promise<string[]>;

/** Every workflow and whether this ComfyUI can run it. */
export async function workflowStates(
  catalog: Catalog,
  pool: Pool,
  refresh: SavedRefresh,
): Promise<WorkflowStates> {
  try {
    const objectInfo = await pool.objectInfo(freshMs);
    const notes = await refresh(freshMs);
    return { states: catalog.all().map((workflow) => stateOf(workflow, objectInfo)), notes };
  } catch (error) {
    if (!(error instanceof AppError)) throw error;
    return { states: catalog.all().map((workflow) => ({ workflow })), problem: error.message };
  }
}

/** Whether a ComfyUI with these nodes and files can run a workflow. */
export function stateOf(workflow: Workflow, objectInfo: ObjectInfo): WorkflowState {
  const found = readiness(workflow, objectInfo);
  if (found.ready) return { workflow, ready: true };
  return { workflow, ready: false, lacks: lacksOf(workflow, found) };
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
