import type { PromptPair, Styles } from "./styles.ts";
import { resolveWildcards, type Wildcards } from "./wildcards.ts";

export interface PromptRequest extends PromptPair {
  styles: readonly string[];
  /** Of the picture: each picture of a task draws for itself. */
  seed: number;
  /** The line of each wildcard to take, instead of drawing one. */
  line?: number;
}

export interface PromptSources {
  styles: Styles;
  wildcards?: Wildcards | undefined;
}

/** What goes into the graph. Styles come last: their own braces are not alternatives. */
export async function composePrompt(
  { prompt, negative, styles, seed, line }: PromptRequest,
  sources: PromptSources,
): Promise<PromptPair> {
  const { wildcards } = sources;
  return sources.styles.apply(
    styles,
    await resolveWildcards(prompt, wildcards, seed, "prompt", line),
    await resolveWildcards(negative, wildcards, seed, "negative_prompt", line),
  );
}
