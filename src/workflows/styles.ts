import { readdir, readFile } from "node:fs/promises";
import path from "node:path";
import { z } from "zod";
import { AppError, messageOf } from "../errors.ts";
import { nearest } from "../words.ts";

/** Where the caller's prompt stands in a template. */
const placeholder = "{prompt}";
const line = z.string().trim().min(1, "is empty");

/** An entry as this product writes it, or as the style lists of Fooocus and SDXL have it. */
const styleSchema = z
  .strictObject({
    name: line.refine((name) => named(name) !== "", "must hold a letter or a digit"),
    title: line.optional(),
    prompt: line
      .refine(
        (text) => text.split(placeholder).length === 2,
        `must hold ${placeholder} exactly once`,
      )
      .default(placeholder),
    negative: z.string().trim().optional(),
    negative_prompt: z.string().trim().optional(),
  })
  .transform(
    ({ name, title, prompt, negative, negative_prompt }): Style => ({
      name: named(name),
      title: title ?? name,
      prompt,
      negative: negative ?? negative_prompt ?? "",
    }),
  );

export interface Style {
  /** snake_case */
  name: string;
  title: string;
  prompt: string;
  negative: string;
  /** The name of its file. */
  group?: string;
}

export interface PromptPair {
  prompt: string;
  negative: string;
}

/** Named templates around a prompt. */
export class Styles {
  readonly #styles: Map<string, Style>;

  /** Of two with one name the later one counts. */
  constructor(styles: readonly Style[]) {
    this.#styles = new Map(styles.map((style) => [style.name, style]));
  }

  names(): string[] {
    return [...this.#styles.keys()].sort(byText);
  }

  /** In the order of their names. */
  all(): Style[] {
    return this.names().flatMap((name) => this.#styles.get(name) ?? []);
  }

  /**
   * The first style wraps the prompt, each further one adds its words to it. A style named twice
   * counts once.
   */
  apply(names: readonly string[], prompt: string, negative: string): PromptPair {
    const styles = [...new Set(names.map((name) => this.#find(name)))];
    return styles.reduce<PromptPair>(
      (pair, style, i) => ({
        prompt:
          i === 0 ? wrapped(style.prompt, pair.prompt) : added(pair.prompt, ownWords(style.prompt)),
        negative: withTerms(pair.negative, style.negative),
      }),
      { prompt, negative },
    );
  }

  /** "Pixel Art" and "pixel-art" mean pixel_art. */
  #find(name: string): Style {
    const wanted = named(name);
    const found = this.#styles.get(wanted);
    if (found) return found;
    const near = nearest(wanted.slice(0, 80), this.names());
    const hint =
      near.length > 0
        ? `Did you mean ${near.join(" or ")}?`
        : `Known: ${this.names().join(", ") || "none"}.`;
    throw new AppError(
      "invalid_input",
      `styles: there is no style "${name.slice(0, 80)}". ${hint}`,
    );
  }
}

export interface LoadedStyles {
  styles: Styles;
  /** What was left out, with its file and the reason. */
  problems: string[];
}

/**
 * Reads every `*.json` of the folders, each a list of styles. A style of a later folder replaces
 * one of an earlier folder. What cannot be used is left out.
 */
export async function loadStyles(dirs: readonly string[]): Promise<LoadedStyles> {
  const styles: Style[] = [];
  const problems: string[] = [];
  for (const dir of dirs) {
    const owners = new Map<string, string>();
    for (const file of await filesOf(dir, problems)) {
      const loaded = await loadFile(file);
      problems.push(...loaded.problems.map((reason) => `${file}: ${reason}`));
      for (const style of loaded.styles) {
        const owner = owners.get(style.name);
        if (owner === undefined) styles.push({ ...style, group: path.basename(file, ".json") });
        else problems.push(`${file}: style "${style.name}" is already in ${owner}; rename one`);
        owners.set(style.name, file);
      }
    }
  }
  return { styles: new Styles(styles), problems };
}

async function filesOf(dir: string, problems: string[]): Promise<string[]> {
  try {
    const files = await readdir(dir);
    return files
      .filter((file) => file.endsWith(".json") && !file.startsWith("."))
      .sort(byText)
      .map((file) => path.join(dir, file));
  } catch (error) {
    problems.push(
      `${dir}: the folder of --styles-dir (EASEL_STYLES_DIR) cannot be read: ${messageOf(error)}`,
    );
    return [];
  }
}

interface LoadedFile {
  styles: Style[];
  problems: string[];
}

async function loadFile(file: string): Promise<LoadedFile> {
  let data: unknown;
  try {
    data = JSON.parse(await readFile(file, "utf8"));
  } catch (error) {
    return { styles: [], problems: [`cannot be read as JSON: ${messageOf(error)}`] };
  }
  if (!Array.isArray(data)) {
    return { styles: [], problems: ["is not a list of styles; write [{ … }]"] };
  }
  const loaded: LoadedFile = { styles: [], problems: [] };
  for (const [i, entry] of data.entries()) {
    const parsed = styleSchema.safeParse(entry);
    if (parsed.success) loaded.styles.push(parsed.data);
    else loaded.problems.push(...parsed.error.issues.map((issue) => reason(issue, entry, i)));
  }
  return loaded;
}

function reason(issue: z.core.$ZodIssue, entry: unknown, index: number): string {
  const name = typeof entry === "object" && entry !== null ? Reflect.get(entry, "name") : undefined;
  const who = typeof name === "string" ? `style "${name}"` : `style ${index + 1} of the list`;
  if (issue.code === "unrecognized_keys") {
    return `${who}: unknown key ${issue.keys.map((key) => `"${key}"`).join(", ")}; remove it`;
  }
  const at = issue.path.length > 0 ? `${issue.path.join(".")} ` : "";
  return `${who}: ${at}${issue.message}`;
}

function wrapped(template: string, prompt: string): string {
  const [before = "", after = ""] = template.split(placeholder);
  const text = prompt.trim();
  // A sentence's own full stop would collide with the comma that follows it in the template.
  const fitted = /^\s*[,.;]/.test(after) ? withoutEnd(text) : text;
  return fitted === "" ? ownWords(template) : `${before}${fitted}${after}`;
}

/** What a template says of itself: of "ink drawing of {prompt}, fine lines" no "of" is left. */
function ownWords(template: string): string {
  const [before = "", after = ""] = template.split(placeholder);
  const head = withoutEnd(before)
    .replace(/(^|\s+)(a|an|the)$/i, "")
    .replace(/(^|\s+)(of|showing|depicting|featuring|with|about)$/i, "");
  const tail = after.replace(/^[\s,.;:]+/, "").trim();
  return added(head, tail);
}

function added(text: string, more: string): string {
  if (text === "" || more === "") return text || more;
  return `${withoutEnd(text)}, ${more}`;
}

/** By hand: an expression for it takes quadratic time on a prompt full of commas. */
function withoutEnd(text: string): string {
  let end = text.length;
  while (end > 0 && /[\s,.;:]/.test(text.charAt(end - 1))) end -= 1;
  return text.slice(0, end);
}

/** The text as it is, then those of the terms that it does not have yet. */
function withTerms(text: string, terms: string): string {
  const known = new Set(termsOf(text).map(fold));
  const fresh = termsOf(terms).filter((term) => {
    const isNew = !known.has(fold(term));
    known.add(fold(term));
    return isNew;
  });
  if (fresh.length === 0) return text;
  return text.trim() === "" ? fresh.join(", ") : `${withoutEnd(text)}, ${fresh.join(", ")}`;
}

/** Split at commas, but not inside a weighted group such as `(blurry, dark:1.2)`. */
function termsOf(text: string): string[] {
  const terms = [""];
  let depth = 0;
  for (const char of text) {
    if (char === "(" || char === "[") depth += 1;
    if (char === ")" || char === "]") depth -= 1;
    if (depth <= 0 && (char === "," || char === "\n")) terms.push("");
    else terms.push(`${terms.pop() ?? ""}${char}`);
  }
  return terms.map((term) => term.trim()).filter((term) => term !== "");
}

function fold(term: string): string {
  return withoutEnd(term).toLowerCase();
}

/** A name by which a style is asked for: "My Look", "my-look" and my_look are one. */
function named(name: string): string {
  return name
    .toLowerCase()
    .split(/[^\p{L}\p{N}]+/u)
    .filter((part) => part !== "")
    .join("_");
}

/** Not by locale: the order is the same on every machine. */
function byText(a: string, b: string): number {
  return a < b ? -1 : Number(a > b);
}
