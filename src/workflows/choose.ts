import type { ObjectInfo } from "../comfy/protocol.ts";
import { AppError } from "../errors.ts";
import type { Catalog } from "./catalog.ts";
import { effort, explainMissing } from "./explain.ts";
import { type Readiness, readiness } from "./readiness.ts";
import type { Workflow } from "./workflow.ts";

export interface Chosen {
  workflow: Workflow;
  /** The backend's model file for each model slot, for `bind`. */
  choices: Record<string, string>;
}

/** More than two ways to get going are no help. */
const mostExplained = 2;

/** The workflow asked for, or the first one this backend can run. Throws `not_ready`. */
export function chooseWorkflow(
  catalog: Catalog,
  tool: string,
  asked: string | undefined,
  objectInfo: ObjectInfo,
): Chosen {
  if (asked !== undefined) return askedWorkflow(catalog, tool, asked, objectInfo);
  const states = statesOf(catalog, tool, objectInfo);
  for (const { workflow, state } of states) {
    if (state.ready) return { workflow, choices: state.choices };
  }
  if (states.length === 0) {
    throw new AppError("not_found", `No workflow serves the tool "${tool}".`);
  }
  throw new AppError("not_ready", nothingReady(tool, states));
}

function askedWorkflow(
  catalog: Catalog,
  tool: string,
  asked: string,
  objectInfo: ObjectInfo,
): Chosen {
  const workflow = catalog.get(tool, asked);
  const state = readiness(workflow, objectInfo);
  if (state.ready) return { workflow, choices: state.choices };
  const ready = statesOf(catalog, tool, objectInfo)
    .filter((each) => each.state.ready)
    .map((each) => each.workflow.name);
  const instead =
    ready.length > 0
      ? `Ready now: ${ready.join(", ")}.`
      : `No other workflow of ${tool} is ready either.`;
  throw new AppError("not_ready", `${explainMissing(workflow, state)} ${instead}`);
}

interface State {
  workflow: Workflow;
  state: Readiness;
}

function statesOf(catalog: Catalog, tool: string, objectInfo: ObjectInfo): State[] {
  return catalog
    .ofTool(tool)
    .map((workflow) => ({ workflow, state: readiness(workflow, objectInfo) }));
}

function nothingReady(tool: string, states: readonly State[]): string {
  const efforts = states.map(({ workflow, state }) => effort(workflow, state));
  const least = Math.min(...efforts);
  const easiest = states.filter((_, i) => efforts[i] === least).slice(0, mostExplained);
  const ways = easiest.map(({ workflow, state }) => explainMissing(workflow, state)).join(" Or: ");
  return `No workflow of ${tool} can run on this ComfyUI yet. ${ways} Install that, restart ComfyUI if nodes were added, and try again.`;
}
