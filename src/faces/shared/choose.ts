import type { Installed } from "../../studio/installed.ts";
import type { WorkflowState } from "../../studio/workflow-states.ts";
import type { Effort } from "../../workflows/known-parameters.ts";
import { suits } from "../../workflows/model-files.ts";
import type { Workflow } from "../../workflows/workflow.ts";

/** What a workflow should be able to do for a call. */
export interface Wanted {
  tool: string;
  /** Parameters that were given; `weight` is 1 where it is left out. */
  wishes: readonly { parameter: string; weight?: number }[];
  effort: string | undefined;
  hasLoras: boolean;
  /** As ComfyUI spells it. */
  model: string | undefined;
}

/**
 * Of the workflows that can run, the one that follows most of what was asked for; of equals the
 * one that is tried first anyway. Undefined where none can run: then the call itself says why.
 */
export function chooseWorkflow(
  states: readonly WorkflowState[],
  installed: Installed["models"],
  wanted: Wanted,
): Workflow | undefined {
  const { tool, model } = wanted;
  const filesOf = filesByLoader(states, installed);
  const ready = states.filter(({ workflow, ready }) => workflow.tool === tool && ready === true);
  const fit = ready.filter(
    ({ workflow }) => model === undefined || isFor(workflow, model, filesOf(workflow)),
  );
  const scored = (fit.length > 0 ? fit : ready).map(({ workflow }) => ({
    workflow,
    score: scoreOf(workflow, wanted),
  }));
  const best = Math.max(...scored.map(({ score }) => score));
  return scored.find(({ score }) => score === best)?.workflow;
}

/** A loader lists whatever lies in its folder; the binding says what is for it. */
function isFor(workflow: Workflow, file: string, files: readonly string[]): boolean {
  const need = workflow.models.find(({ slot }) => slot === workflow.model?.text);
  return files.includes(file) && (need === undefined || suits(need, file));
}

/** The files a workflow can load: those of every other one with the same kind of loader. */
function filesByLoader(
  states: readonly WorkflowState[],
  installed: Installed["models"],
): (workflow: Workflow) => readonly string[] {
  const loaderOf = ({ model, graph }: Workflow) =>
    model && `${graph[model.node]?.class_type}.${model.input}`;
  const files = new Map(
    installed.map((each) => {
      const own = states.find(({ workflow: { tool, name } }) => {
        return tool === each.tool && name === each.workflow;
      });
      return [own && loaderOf(own.workflow), each.files] as const;
    }),
  );
  return (workflow) => files.get(loaderOf(workflow)) ?? [];
}

function scoreOf(workflow: Workflow, { wishes, effort, hasLoras }: Wanted): number {
  const taken = wishes.filter(({ parameter }) => takes(workflow, parameter));
  const isEffort = effort !== undefined && workflow.presets[effort as Effort] !== undefined;
  return (
    taken.reduce((sum, { weight = 1 }) => sum + weight, 0) +
    (isEffort ? 1 : 0) +
    (hasLoras && workflow.loras ? 1 : 0)
  );
}

export function takes(workflow: Workflow, parameter: string): boolean {
  return Object.hasOwn(workflow.parameters, parameter);
}
