import { z } from "zod";
import { AppError } from "../../errors.ts";
import { taskStates } from "../../tasks/state.ts";
import type { TaskFilter } from "../../tasks/store/store.ts";
import { readMoment } from "../../tasks/when.ts";
import { nearest } from "../../words.ts";
import type { Deps } from "./deps.ts";

/** The parameters that narrow what is on record. */
export const filterSchema = {
  state: z.enum(taskStates).optional().describe("Only tasks in this state"),
  tool: z.string().optional().describe("Only tasks of this tool"),
  since: z
    .string()
    .optional()
    .describe('Created at or after: ISO 8601, "yesterday", "2 hours ago"'),
  before: z.string().optional().describe("Created before, as since"),
};

export interface Narrowed {
  filter: TaskFilter;
  /** How the times were understood, in words; "" without any. */
  understood: string;
}

/** Parameters in MCP's spelling to a filter. Refuses a tool that never was. */
export async function narrowed(
  deps: Deps,
  args: Readonly<Record<string, unknown>>,
): Promise<Narrowed> {
  const filter: TaskFilter = {};
  const state = taskStates.find((word) => word === args["state"]);
  if (state) filter.states = [state];
  if (typeof args["tool"] === "string") filter.tool = await knownTool(deps, args["tool"]);
  const understood: string[] = [];
  for (const name of ["since", "before"] as const) {
    const value = args[name];
    if (typeof value !== "string") continue;
    const { at, local } = readMoment(name, value);
    filter[name] = at;
    understood.push(`${name} ${local}`);
  }
  return { filter, understood: understood.join(", ") };
}

/** A tool that left with its workflow may still have tasks; one that has none, never was. */
async function knownTool(deps: Deps, name: string): Promise<string> {
  const known = deps.catalog.tools();
  if (known.includes(name) || (await deps.studio.count({ tool: name })) > 0) return name;
  const close = nearest(name, known);
  throw new AppError(
    "invalid_input",
    `tool: there is no ${JSON.stringify(name.slice(0, 60))} that makes pictures, and no task of one. ${close.length > 0 ? `Did you mean ${close.join(" or ")}?` : `Known: ${known.join(", ")}.`}`,
  );
}
