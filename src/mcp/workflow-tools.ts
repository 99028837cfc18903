import { z } from "zod";
import type { WorkflowState } from "../tasks/workflow-states.ts";
import type { Deps } from "./deps.ts";
import { reading } from "./task-tools.ts";
import type { Tool } from "./tool.ts";

export function listWorkflows(deps: Deps): Tool {
  return {
    name: "list_workflows",
    title: "List workflows",
    description:
      "Which workflows each image tool has, which of them can run on this ComfyUI, and what the others lack.",
    input: z.strictObject({
      tool: z.string().optional().describe("Only workflows of this tool"),
    }),
    annotations: reading,
    async run(args) {
      const { states, problem } = await deps.tasks.workflows();
      const tool = args["tool"];
      const asked = states.filter((state) => tool === undefined || state.workflow.tool === tool);
      const lines = [
        ...(problem ? [`${problem} What can run there is not known.`] : []),
        ...asked.map(line),
      ];
      if (asked.length === 0)
        lines.push(
          `No tool ${JSON.stringify(tool)} has workflows. Tools: ${deps.catalog.tools().join(", ")}.`,
        );
      return { content: [{ type: "text", text: lines.join("\n") }] };
    },
  };
}

function line({ workflow, ready, lacks }: WorkflowState): string {
  const mark = ready === undefined ? "?" : ready ? "ready" : "not ready";
  const what = `${workflow.tool} / ${workflow.name}: ${workflow.title} [${mark}]`;
  return lacks ? `${what} ${lacks}` : what;
}
