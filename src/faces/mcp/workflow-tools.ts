import { z } from "zod";
import { AppError } from "../../errors.ts";
import type { WorkflowState } from "../../studio/workflow-states.ts";
import { nearest, plain, quoted } from "../../words.ts";
import type { Deps } from "./deps.ts";
import { wordInstalled } from "./installed-words.ts";
import { reading } from "./task-tools.ts";
import type { Tool } from "./tool.ts";

/** Below 2,000 tokens at four characters each, however many workflows there are. */
const longestList = 7_600;

export function listWorkflows(deps: Deps): Tool {
  return {
    name: "list_workflows",
    title: "List workflows",
    description:
      "Which workflows each image tool has, which can run on this ComfyUI, and what the others lack; or the models, LoRAs or styles there are.",
    input: z.strictObject({
      tool: z.string().optional().describe("Only this tool's"),
      workflow: z
        .string()
        .optional()
        .describe("One name: parameters, how to prompt it, what to install"),
      show: z
        .enum(["workflows", "models", "loras", "styles"])
        .optional()
        .describe("What to list (default workflows)"),
    }),
    annotations: reading,
    async run(args) {
      const { show } = args;
      if (args["tool"] !== undefined) refuseUnknown("tool", args["tool"], deps.catalog.tools());
      if (show === "models" || show === "loras" || show === "styles") {
        const installed = await deps.studio.installed({ withHeaders: show === "loras" });
        const text = wordInstalled(installed, show, args["tool"]);
        return { content: [{ type: "text", text }] };
      }
      const { states, problem } = await deps.studio.workflows();
      const asked = narrowed(states, args["tool"], args["workflow"]);
      const text = args["workflow"] === undefined ? listed(asked) : asked.map(inFull).join("\n\n");
      const note = problem ? `${problem} What can run there is not known.\n` : "";
      return { content: [{ type: "text", text: `${note}${text}` }] };
    },
  };
}

function narrowed(states: WorkflowState[], tool: unknown, name: unknown): WorkflowState[] {
  const found = states.filter(
    ({ workflow }) =>
      (tool === undefined || workflow.tool === tool) &&
      (name === undefined || workflow.name === name),
  );
  if (found.length > 0) return found;
  const names = new Set(states.map(({ workflow }) => workflow.name));
  throw unknown("workflow", name, [...names]);
}

function refuseUnknown(parameter: string, value: unknown, known: readonly string[]): void {
  if (!known.includes(String(value))) throw unknown(parameter, value, known);
}

function unknown(parameter: string, value: unknown, names: readonly string[]): AppError {
  const close = nearest(String(value), names);
  return new AppError(
    "not_found",
    `${parameter}: there is no ${JSON.stringify(String(value).slice(0, 60))}. ${close.length > 0 ? `Did you mean ${close.join(" or ")}?` : `Known: ${names.slice(0, 40).join(", ")}.`}`,
  );
}

/** What runs first; then what the others lack, in names, as far as the room goes. */
function listed(states: WorkflowState[]): string {
  const tools = [...new Set(states.map(({ workflow }) => workflow.tool))];
  const ready = tools.map((tool) => {
    const can = states.filter((state) => state.workflow.tool === tool && state.ready !== false);
    const names = can.map(({ workflow }) => `${workflow.name} (${workflow.title})`);
    return `${tool}: ${names.join(", ") || "none is ready"}`;
  });
  const others = states.filter((state) => state.ready === false).map(briefly);
  const known = states.every((state) => state.ready !== undefined);
  const lines = [`${known ? "Can run" : "On record"}, first choice first:`, ...ready];
  if (others.length > 0) lines.push("", "Lack something:", ...others);
  return withinRoom(lines);
}

function briefly({ workflow, lacks }: WorkflowState): string {
  const files = lacks?.files ?? [];
  const more = files.length > 2 ? `, +${files.length - 2}` : "";
  const needs = [...(lacks?.packs ?? []), ...files.slice(0, 2)].join(", ");
  return `${workflow.tool}/${workflow.name}: ${needs}${more}`;
}

function withinRoom(lines: string[]): string {
  const kept: string[] = [];
  let length = 0;
  for (const [i, line] of lines.entries()) {
    const cut = line.length > 1_500 ? `${line.slice(0, 1_499)}…` : line;
    length += cut.length + 1;
    if (length > longestList) {
      kept.push(`… ${lines.length - i} lines more; ask for one tool.`);
      break;
    }
    kept.push(cut);
  }
  return kept.join("\n");
}

function inFull({ workflow, ready, lacks }: WorkflowState): string {
  const parameters = Object.values(workflow.parameters).map(({ name, default: standard }) =>
    standard === undefined || standard === "" ? name : `${name} (${plain(String(standard), 80)})`,
  );
  const mark = ready === undefined ? "readiness unknown" : ready ? "ready" : "not ready";
  const { guide } = workflow;
  return [
    `${workflow.tool}/${workflow.name}: ${workflow.title}, ${mark}. Its author says: ${quoted(workflow.description, 600)}`,
    ...(guide === undefined ? [] : [`Guide: ${guide}`]),
    `Parameters: ${parameters.join(", ")}.`,
    ...(lacks ? [lacks.text] : []),
  ].join("\n");
}
