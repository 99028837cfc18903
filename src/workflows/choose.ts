import type { ObjectInfo } from "../comfy/protocol.ts";
import { AppError } from "../errors.ts";
import type { Catalog } from "./catalog.ts";
import { effort, explainMissing } from "./explain.ts";
import { fitting } from "./model-choice.ts";
import { type Readiness, readiness } from "./readiness.ts";
import { reduced } from "./reduce.ts";
import type { Workflow } from "./workflow.ts";

export interface Chosen {
  workflow: Workflow;
  /** The backend's model file for each model slot, for `bind`. */
  choices: Record<string, string>;
  /** How the wish for a model was read, where it named no file. */
  note?: string;
}

export interface Wishes {
  /** A model file, as the caller typed it. */
  model?: string | undefined;
  /**
   * Parameters that were given and should count, such as `strength`: the first ready workflow that
   * takes them all goes before the first that is ready.
   */
  taking?: readonly string[] | undefined;
  /** Every parameter that was given: what only others use is bypassed. */
  given?: readonly string[] | undefined;
}

/** More than two ways to get going are no help. */
const mostExplained = 2;

/** The workflow asked for, or the first one this backend can run. Throws `not_ready`. */
export function chooseWorkflow(
  catalog: Catalog,
  tool: string,
  asked: string | undefined,
  objectInfo: ObjectInfo,
  { model, taking = [], given = [] }: Wishes = {},
): Chosen {
  const listed = catalog.ofTool(tool).map((workflow) => reduced(workflow, given));
  if (listed.length === 0) {
    throw new AppError("not_found", `No workflow serves the tool "${tool}".`);
  }
  const named = asked === undefined ? undefined : reduced(catalog.get(tool, asked), given);
  const workflows = named?.unlisted === true ? [...listed, named] : listed;
  const candidates: Candidate[] =
    model === undefined || model === ""
      ? workflows.map((workflow) => ({ workflow }))
      : fitting(workflows, named, model, objectInfo);
  const stateOf = ({ workflow, chosen, note }: Candidate): State => ({
    workflow,
    state: readiness(workflow, objectInfo, chosen),
    ...(note === undefined ? {} : { note }),
  });
  if (named) {
    const own = candidates.find(({ workflow }) => workflow === named);
    if (!own) throw new Error(`workflow "${named.name}" is not among its own candidates`);
    const asked = stateOf(own);
    return chosenOf(asked) ?? refuse(tool, asked, candidates.map(stateOf));
  }
  const states = candidates.map(stateOf);
  const ready = states.flatMap((state) => chosenOf(state) ?? []);
  const wanted = ready.find(({ workflow }) => taking.every((name) => takes(workflow, name)));
  const first = wanted ?? ready[0];
  if (first) return first;
  throw new AppError("not_ready", nothingReady(tool, states));
}

interface Candidate {
  workflow: Workflow;
  /** The file the caller wants, by slot. */
  chosen?: Readonly<Record<string, string>>;
  note?: string;
}

interface State {
  workflow: Workflow;
  state: Readiness;
  note?: string;
}

function takes(workflow: Workflow, name: string): boolean {
  return Object.hasOwn(workflow.parameters, name);
}

function chosenOf({ workflow, state, note }: State): Chosen | undefined {
  if (!state.ready) return undefined;
  return { workflow, choices: state.choices, ...(note === undefined ? {} : { note }) };
}

function refuse(tool: string, { workflow, state }: State, states: readonly State[]): never {
  const ready = states.filter((each) => each.state.ready).map((each) => each.workflow.name);
  const instead =
    ready.length > 0
      ? `Ready now: ${ready.join(", ")}.`
      : `No other workflow of ${tool} is ready either.`;
  throw new AppError("not_ready", `${explainMissing(workflow, state)} ${instead}`);
}

function nothingReady(tool: string, states: readonly State[]): string {
  const efforts = states.map(({ workflow, state }) => effort(workflow, state));
  const least = Math.min(...efforts);
  const easiest = states.filter((_, i) => efforts[i] === least).slice(0, mostExplained);
  const ways = easiest.map(({ workflow, state }) => explainMissing(workflow, state)).join(" Or: ");
  return `No workflow of ${tool} can run on this ComfyUI yet. ${ways} Install that, restart ComfyUI if nodes were added, and try again.`;
}
