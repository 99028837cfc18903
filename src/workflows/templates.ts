import { parseLenient } from "./carried.ts";
import { isRecord, type Json } from "./editor/json.ts";

/** A workflow of ComfyUI's template gallery, as its index describes it. */
export interface Template {
  name: string;
  title: string;
  description: string;
  tags: string[];
  /** Families, not files. */
  models: string[];
  /** What it is for, as the gallery's categories say: "Image", "Video Generation". */
  tasks: string[];
  /** It runs on a partner's machines, for money. */
  isPaid: boolean;
  /** Node packs it needs, by their names in ComfyUI's registry. */
  packs: string[];
  /** The first ComfyUI it is for. */
  comfyui?: string;
  /** How often it is used; 0 where the index does not say. */
  usage: number;
  /** Its words as a search compares them, with what a hit there counts. */
  folded: { weight: number; text: string }[];
}

type Unfolded = Omit<Template, "folded">;

/** What a template's own name may be, so that it is one of the gallery's files and nothing else. */
const nameForm = /^[A-Za-z0-9][A-Za-z0-9._-]{0,200}$/;

export function isTemplateName(name: string): boolean {
  return nameForm.test(name);
}

/**
 * Reads `templates/index.json`: categories of templates, leniently, for each release adds a field.
 * A template of several categories comes once.
 */
export function templatesIn(text: string): Template[] {
  const data = parseLenient(text);
  const found = new Map<string, Unfolded>();
  for (const category of Array.isArray(data) ? data.filter(isRecord) : []) {
    const tasks = [category["title"], category["type"]].filter(isText);
    const entries = category["templates"];
    for (const entry of Array.isArray(entries) ? entries.filter(isRecord) : []) {
      const template = templateOf(entry, tasks);
      const known = template && found.get(template.name);
      if (known) known.tasks.push(...tasks.filter((task) => !known.tasks.includes(task)));
      else if (template) found.set(template.name, template);
    }
  }
  return [...found.values()].map((each) => ({ ...each, folded: foldedFields(each) }));
}

/** Those that node packs bring along: `PACK/NAME`, of which no index says more than that. */
export function templatesOfPacks(packs: Readonly<Record<string, readonly string[]>>): Template[] {
  return Object.entries(packs).flatMap(([pack, names]) =>
    names.map((name) => {
      const title = name.replace(/[_\s]+/g, " ").trim();
      const template = {
        ...{ name: `${pack}/${name}`, title, description: `An example of the node pack ${pack}.` },
        ...{ tags: [], models: [], tasks: [pack], packs: [], isPaid: false, usage: 0 },
      };
      return { ...template, folded: foldedFields(template) };
    }),
  );
}

function templateOf(entry: Json, tasks: readonly string[]): Unfolded | undefined {
  const { name, title, description, minComfyUIVersion, usage, status } = entry;
  if (typeof name !== "string" || !isTemplateName(name) || status === "archived") return undefined;
  return {
    name,
    title: isText(title) ? title : name,
    description: isText(description) ? description : "",
    tags: texts(entry["tags"]),
    models: texts(entry["models"]),
    tasks: [...tasks],
    // It was spelled with a capital in 2025.
    isPaid: entry["openSource"] === false || entry["OpenSource"] === false,
    packs: texts(entry["requiresCustomNodes"]),
    ...(isText(minComfyUIVersion) && { comfyui: minComfyUIVersion }),
    usage: typeof usage === "number" ? usage : 0,
  };
}

function texts(value: unknown): string[] {
  return Array.isArray(value) ? value.filter(isText) : [];
}

function isText(value: unknown): value is string {
  return typeof value === "string" && value !== "";
}

/** How much a word counts where it stands. */
const weights = { name: 4, title: 4, models: 3, tags: 3, tasks: 2, description: 1 } as const;

/**
 * Those that have every word of the query, best first, the more used before; where none has them
 * all, those that have some.
 */
export function searchTemplates(templates: readonly Template[], query: string): Template[] {
  const words = wordsOf(query);
  if (words.length === 0) return [];
  const scored = templates
    .map((template) => ({ template, ...scoreOf(template, words) }))
    .filter(({ hits }) => hits > 0);
  const most = Math.max(0, ...scored.map(({ hits }) => hits));
  return scored
    .filter(({ hits }) => hits === most)
    .sort((a, b) => b.score - a.score || b.template.usage - a.template.usage)
    .map(({ template }) => template);
}

function foldedFields(template: Unfolded): Template["folded"] {
  return Object.entries(weights).map(([field, weight]) => {
    const value = template[field as keyof typeof weights];
    return { weight, text: folded(typeof value === "string" ? value : value.join(" ")) };
  });
}

function scoreOf({ folded }: Template, words: readonly string[]): { hits: number; score: number } {
  const scores = words.map((word) =>
    folded.reduce((sum, { weight, text }) => sum + (text.includes(word) ? weight : 0), 0),
  );
  const hits = scores.filter((score) => score > 0).length;
  return { hits, score: scores.reduce((sum, score) => sum + score, 0) };
}

/** "Qwen-Image" and "qwen image" are the same words. */
function wordsOf(query: string): string[] {
  return folded(query.slice(0, 200)).split(" ").filter(Boolean);
}

function folded(text: string): string {
  return text
    .normalize("NFKC")
    .toLowerCase()
    .replace(/[^\p{L}\p{N}.]+/gu, " ");
}
