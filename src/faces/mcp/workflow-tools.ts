import { z } from "zod";
import { AppError } from "../../errors.ts";
import type { WorkflowState } from "../../studio/workflow-states.ts";
import { isTemplate } from "../../tasks/guests.ts";
import { nearest, plain, quoted } from "../../words.ts";
import type { Deps } from "./deps.ts";
import { wordInstalled } from "./installed-words.ts";
import { reading } from "./task-tools.ts";
import { found, withinRoom } from "./template-words.ts";
import type { Tool } from "./tool.ts";

export function listWorkflows(deps: Deps): Tool {
  return {
    name: "list_workflows",
    title: "List workflows",
    description:
      "Which workflows each image tool has, which can run on this ComfyUI, and what others lack; or models, LoRAs, styles.",
    input: z.strictObject({
      tool: z.string().optional().describe("Only this tool's"),
      workflow: z.string().optional().describe("One name: parameters, prompting, what it lacks"),
      search: z.string().optional().describe("Words; ComfyUI's templates too"),
      show: z
        .enum(["workflows", "models", "loras", "styles"])
        .optional()
        .describe("Default workflows"),
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
      const name = args["workflow"];
      if (typeof name === "string" && isTemplate(name)) {
        const text = inFull(await deps.studio.template(name));
        return { content: [{ type: "text", text }] };
      }
      const { states, problem, notes = [] } = await deps.studio.workflows();
      const note = problem ? `${problem} What can run there is not known.\n` : "";
      if (typeof args["search"] === "string") {
        const text = await found(deps, states, args["search"]);
        return { content: [{ type: "text", text: `${note}${text}` }] };
      }
      const asked = narrowed(states, args["tool"], name);
      const text = name === undefined ? listed(asked, notes) : asked.map(inFull).join("\n\n");
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
function listed(states: WorkflowState[], notes: readonly string[]): string {
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
  if (notes.length > 0) lines.push("", ...notes.map((text) => `Left out: ${plain(text, 300)}`));
  return withinRoom(lines);
}

function briefly({ workflow, lacks }: WorkflowState): string {
  const files = lacks?.files ?? [];
  const more = files.length > 2 ? `, +${files.length - 2}` : "";
  const needs = [...(lacks?.packs ?? []), ...files.slice(0, 2)].join(", ");
  return `${workflow.tool}/${workflow.name}: ${needs}${more}`;
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
