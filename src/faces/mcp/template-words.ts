import { messageOf } from "../../errors.ts";
import type { WorkflowState } from "../../studio/workflow-states.ts";
import { plain } from "../../words.ts";
import type { Template } from "../../workflows/templates.ts";
import type { Deps } from "./deps.ts";

/** Below 2,000 tokens at four characters each, however many workflows there are. */
const longestList = 7_600;
const mostTemplates = 20;
const hint =
  "A template is run as the workflow of an image tool; list_workflows with workflow says what it lacks.";

/** What has the words of a search: workflows of this server, then templates of the gallery. */
export async function found(
  { studio }: Deps,
  states: readonly WorkflowState[],
  query: string,
): Promise<string> {
  const words = query.toLowerCase().split(/\s+/).filter(Boolean);
  const own = states.filter(({ workflow: { name, tool, title, description } }) => {
    const text = `${name} ${tool} ${title} ${description}`.toLowerCase();
    return words.every((word) => text.includes(word));
  });
  const templates = await searched(studio, query);
  const lines = [...own.map(ownLine), ...templates];
  if (lines.length === 0) return `Nothing here or in ComfyUI's gallery has ${plain(query, 60)}.`;
  return withinRoom([...lines, ...(templates.length > 0 ? [hint] : [])]);
}

/** A ComfyUI without a gallery, or that does not answer, hides no workflow of ours. */
async function searched(studio: Deps["studio"], query: string): Promise<string[]> {
  try {
    const templates = await studio.search(query);
    const more = templates.length - mostTemplates;
    return [
      ...templates.slice(0, mostTemplates).map(templateLine),
      ...(more > 0 ? [`… ${more} templates more; add a word.`] : []),
    ];
  } catch (error) {
    return [`ComfyUI's gallery could not be read: ${messageOf(error)}`];
  }
}

function ownLine({ workflow: { tool, name, title }, ready }: WorkflowState): string {
  const mark = ready === undefined ? "" : ready ? ", ready" : ", lacks something";
  return `${tool}/${name} (${title})${mark}`;
}

function templateLine(template: Template): string {
  const { name, title, tasks, tags, models, isPaid, packs, comfyui } = template;
  const about = [...new Set([...tasks, ...tags])].slice(0, 4).join(", ");
  const with_ = models.length > 0 ? `; ${models.slice(0, 3).join(", ")}` : "";
  const needs = [
    ...(isPaid ? ["paid partner nodes: not run from here"] : []),
    ...(packs.length > 0 ? [`needs ${packs.slice(0, 3).join(", ")}`] : []),
    ...(comfyui === undefined ? [] : [`ComfyUI ${comfyui} or newer`]),
  ];
  const rest = needs.length > 0 ? `. ${needs.join("; ")}` : "";
  return plain(`template:${name}: ${title} [${about}${with_}]${rest}`, 300);
}

/** As many lines as an answer has room for. */
export function withinRoom(lines: string[]): string {
  const kept: string[] = [];
  let length = 0;
  for (const [i, line] of lines.entries()) {
    const cut = line.length > 1_500 ? `${line.slice(0, 1_499)}…` : line;
    length += cut.length + 1;
    if (length > longestList) {
      kept.push(`… ${lines.length - i} lines more; ask for one tool or search.`);
      break;
    }
    kept.push(cut);
  }
  return kept.join("\n");
}
