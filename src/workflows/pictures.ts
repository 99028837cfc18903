import { randomInt } from "node:crypto";
import { composePrompt, type PromptSources } from "./prompt.ts";
import { maxSeed, type TaskRequest } from "./request.ts";
import type { Workflow } from "./workflow.ts";

/** What one picture of a task has to itself. */
export interface Picture {
  /** Missing where neither the graph nor a wildcard has a use for it. */
  seed?: number;
  /** What wildcards and styles made of the prompt for this picture. */
  prompt?: string;
  negativePrompt?: string;
}

/** Picture i uses seed + i, so that each can be made again alone. */
export async function picturesOf(
  sources: PromptSources,
  workflow: Workflow,
  request: TaskRequest,
  values: Readonly<Record<string, unknown>>,
): Promise<Picture[]> {
  const first = request.seed ?? randomInt(2 ** 32);
  const pictures: Picture[] = [];
  for (let i = 0; i < (request.count ?? 1); i += 1) {
    const seed = request.sameSeed === true ? first : (first + i) % (maxSeed + 1);
    const picture: Picture = {};
    // Wildcards are drawn from it too, so it is on record even where the graph has no seed.
    const prompts = await promptsFor(sources, request, values, { seed, index: i });
    if (workflow.parameters["seed"] || prompts.drawn) picture.seed = seed;
    if (prompts.prompt !== (values["prompt"] ?? "")) picture.prompt = prompts.prompt;
    if (workflow.parameters["negative_prompt"] && prompts.negative !== values["negative_prompt"]) {
      picture.negativePrompt = prompts.negative;
    }
    pictures.push(picture);
  }
  return pictures;
}

async function promptsFor(
  sources: PromptSources,
  { styles = [], parameters, prompts, wildcardsInOrder }: TaskRequest,
  values: Readonly<Record<string, unknown>>,
  { seed, index }: { seed: number; index: number },
) {
  const text = (value: unknown) => (typeof value === "string" ? value : "");
  const prompt = prompts?.[index % prompts.length] ?? text(values["prompt"]);
  const negative = text(values["negative_prompt"] ?? parameters["negative_prompt"]);
  const composed = await composePrompt(
    { prompt, negative, styles, seed, ...(wildcardsInOrder === true && { line: index }) },
    sources,
  );
  return { ...composed, drawn: /__.+__|\{.*\|.*\}/s.test(prompt + negative) };
}
