import type { z } from "@hono/zod-openapi";
import type { Pace } from "../../../studio/pace.ts";
import type { WorkflowState } from "../../../studio/workflow-states.ts";
import { ownOptionsOf } from "../../../workflows/own-options.ts";
import { addressOfSource } from "../../../workflows/source-address.ts";
import type { Parameter, Workflow } from "../../../workflows/workflow.ts";
import type { workflowSchema } from "./schemas.ts";

type WorkflowView = z.infer<typeof workflowSchema>;

export function workflowView({ workflow, ready, lacks }: WorkflowState, pace: Pace): WorkflowView {
  const { name, tool, title, description, parameters } = workflow;
  return {
    name,
    tool,
    title,
    description,
    ready: ready ?? null,
    parameters: Object.values(parameters).map(parameterView),
    takes: takenBy(workflow),
    lacks: lacks
      ? {
          text: lacks.text,
          files: lacks.models.map(({ file, folder, source }) => ({
            file,
            folder: folder ?? null,
            source: source ?? null,
            url: addressOfSource(source) ?? null,
          })),
          nodes: lacks.nodes.map(({ class: name, pack, source }) => ({
            class: name,
            pack: pack ?? null,
            source: source ?? null,
            url: addressOfSource(source) ?? null,
          })),
        }
      : null,
    seconds: pace.secondsFor(tool, name) ?? null,
  };
}

function parameterView(parameter: Parameter): WorkflowView["parameters"][number] {
  return {
    name: parameter.name,
    type: parameter.type,
    default: parameter.default ?? null,
    minimum: parameter.minimum ?? null,
    maximum: parameter.maximum ?? null,
    choices: parameter.choices ? [...parameter.choices] : null,
  };
}

/** Options of a call or of an answer, whatever the workflow. */
const ofEveryCall = ["workflow", "save_to", "overwrite", "webhook_url"];

function takenBy(workflow: Workflow): string[] {
  const { tool, parameters, model, loras, presets } = workflow;
  const own = ownOptionsOf(tool, Object.keys(parameters)).filter(
    ([name, { key }]) => key !== undefined && !ofEveryCall.includes(name),
  );
  return [
    ...(model ? ["model"] : []),
    ...(loras ? ["loras"] : []),
    ...(Object.keys(presets).length > 0 ? ["quality"] : []),
    ...own.map(([name]) => name),
  ];
}
