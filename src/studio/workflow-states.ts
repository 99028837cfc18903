import type { Install } from "../comfy/installs.ts";
import type { Pool } from "../comfy/pool.ts";
import { AppError } from "../errors.ts";
import type { Catalog } from "../workflows/catalog.ts";
import { effort, explainMissing } from "../workflows/explain.ts";
import {
  type MissingModel,
  type MissingNode,
  type Readiness,
  readiness,
} from "../workflows/readiness.ts";
import type { Problem, Workflow } from "../workflows/workflow.ts";

export interface WorkflowState {
  workflow: Workflow;
  /** Whether some ComfyUI can run it; missing while none can be asked. */
  ready?: boolean;
  /** The ComfyUIs that can. */
  on?: string[];
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
  /** Those that only calls that know them can name. */
  unlisted?: WorkflowState[];
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

/** Every workflow and whether some ComfyUI can run it. */
export async function workflowStates(
  catalog: Catalog,
  pool: Pool,
  refresh: SavedRefresh,
): Promise<WorkflowStates> {
  try {
    const installs = await pool.installs(freshMs);
    const notes = await refresh(freshMs);
    const states = (workflows: readonly Workflow[]) =>
      workflows.map((workflow) => stateOf(workflow, installs));
    return { states: states(catalog.all()), unlisted: states(catalog.unlisted()), notes };
  } catch (error) {
    if (!(error instanceof AppError)) throw error;
    return { states: catalog.all().map((workflow) => ({ workflow })), problem: error.message };
  }
}

/** Where a workflow can run; where nowhere, what is missing on the ComfyUI that lacks least. */
export function stateOf(workflow: Workflow, installs: readonly Install[]): WorkflowState {
  const on: string[] = [];
  let least: { effort: number; found: NotReady } | undefined;
  for (const { objectInfo, backends } of installs) {
    const found = readiness(workflow, objectInfo);
    if (found.ready) on.push(...backends);
    else {
      const needs = effort(workflow, found);
      if (!least || needs < least.effort) least = { effort: needs, found };
    }
  }
  if (on.length > 0 || !least) return { workflow, ready: on.length > 0, on };
  return { workflow, ready: false, on, lacks: lacksOf(workflow, least.found) };
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
