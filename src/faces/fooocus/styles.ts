import names from "./style-names.json" with { type: "json" };

/** What a style's name comes to here. */
export interface ReadStyles {
  /** Templates of ours. */
  styles: string[];
  /** Added to the prompt. */
  words: string[];
  warnings: string[];
}

type Entry = { style: string } | { words: string };

const entries = Object.entries(names as Record<string, Entry>);
const byFolded = new Map(entries.map(([name, entry]) => [folded(name), entry]));

/** Fooocus lists these two before those of its files. */
const extension = "Fooocus V2";
const random = "Random Style";

/** As `GET /v1/engines/styles` lists them. */
export const styleNames: readonly string[] = [extension, random, ...Object.keys(names)];

/**
 * Fooocus's styles by the names it has for them. Their texts are its own; where there is a template
 * of ours for the same look it is taken, else what the name says is added to the prompt.
 */
export function readStyles(
  given: readonly string[],
  known: readonly string[],
  seed: number,
): ReadStyles {
  const read: ReadStyles = { styles: [], words: [], warnings: [] };
  for (const name of given) {
    const own = known.find((each) => folded(each) === folded(name));
    if (folded(name) === folded(extension)) read.warnings.push(extensionWarning);
    else if (folded(name) === folded(random)) add(read, drawn(seed));
    else if (own !== undefined) read.styles.push(own);
    else add(read, byFolded.get(folded(name)), name);
  }
  return read;
}

const extensionWarning =
  "style_selections: Fooocus V2 has no effect: the model that adds words to a prompt belongs to Fooocus.";

function add(read: ReadStyles, entry: Entry | undefined, name = ""): void {
  if (!entry)
    read.warnings.push(`style_selections: there is no style ${JSON.stringify(name.slice(0, 60))}.`);
  else if ("style" in entry) read.styles.push(entry.style);
  else if (entry.words !== "") read.words.push(entry.words);
  else
    read.warnings.push(
      `style_selections: ${name} has no effect: it is a negative prompt of Fooocus's.`,
    );
}

function drawn(seed: number): Entry | undefined {
  const fit = entries.filter(([name]) => !name.startsWith("Fooocus"));
  return fit[seed % fit.length]?.[1];
}

function folded(name: string): string {
  return name.toLowerCase().replace(/[^a-z0-9]+/g, "");
}
