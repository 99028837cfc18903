import type { Installed } from "../../studio/installed.ts";
import { plain, quoted } from "../../words.ts";
import { type LoraFacts, nothingKnown } from "../../workflows/lora-facts.ts";

/** Below 2,000 tokens at four characters each, however much is installed. */
const longestList = 7_600;

/** What is there to be named in `model`, `loras` or `styles`, one a line. */
export function wordInstalled(
  { models, loras, loraFacts, styles }: Installed,
  show: "models" | "loras" | "styles",
  tool: unknown,
): string {
  switch (show) {
    case "models":
      return modelWords(models.filter((each) => tool === undefined || each.tool === tool));
    case "loras":
      return listed(
        `LoRAs, for loras as "name:weight"; what their files say of themselves`,
        loras.map((file) => loraWords(file, loraFacts.get(file))),
        "models/loras is empty",
      );
    case "styles":
      return listed(
        "Styles, for styles",
        styles.map((style) => `${style.name} (${plain(style.title, 60)})`),
        "there are none",
      );
  }
}

/** Many workflows read one folder, so each list of files is said once. */
function modelWords(models: Installed["models"]): string {
  const takers = new Map<string, Set<string>>();
  for (const { tool, files } of models) {
    for (const file of files) takers.set(file, (takers.get(file) ?? new Set()).add(tool));
  }
  const lines = [...takers].map(([file, tools]) => `${name(file)}: ${[...tools].join(", ")}`);
  const none = "this ComfyUI lists no model files for these tools";
  return listed("Model files, for model; which tools load their folder", lines, none);
}

function loraWords(file: string, known: LoraFacts = nothingKnown): string {
  const { family, triggers, tags } = known;
  const words = (list: readonly string[]) => list.map((word) => quoted(word, 60)).join(", ");
  const facts = [
    ...(family ? [`for ${family.title}`] : []),
    ...(triggers.length > 0 ? [`trigger words ${words(triggers)}`] : []),
    ...(tags.length > 0 ? [`trained on ${words(tags)}`] : []),
  ];
  return facts.length > 0 ? `${name(file)}: ${facts.join("; ")}` : name(file);
}

function listed(heading: string, entries: readonly string[], none: string): string {
  if (entries.length === 0) return `${heading}: ${none}.`;
  const kept: string[] = [];
  let length = 0;
  for (const entry of entries) {
    length += entry.length + 1;
    if (length > longestList) break;
    kept.push(entry);
  }
  const more = entries.length - kept.length;
  return [`${heading}:`, ...kept, ...(more > 0 ? [`… ${more} more.`] : [])].join("\n");
}

/** A file's name as it is used, unless it holds what nobody could type. */
function name(file: string): string {
  return plain(file, 200);
}
