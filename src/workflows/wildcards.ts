import { createHash } from "node:crypto";
import { readdir, readFile, realpath, stat } from "node:fs/promises";
import path from "node:path";
import { AppError, messageOf } from "../errors.ts";
import { nearest } from "../words.ts";
import { bracesAndBars } from "./alternatives.ts";

/** Lists that draw from lists, counted in files. */
const mostNested = 5;
/** Alternatives inside alternatives. */
const mostBraces = 20;
const shownNames = 20;

/** The .txt files of a folder: one entry a line, `#` starts a comment line. */
export class Wildcards {
  readonly #dir: string;
  readonly #read = new Map<string, { mtimeMs: number; size: number; entries: string[] }>();

  /** The folder need not be there yet. */
  constructor(dir: string) {
    this.#dir = path.resolve(dir);
  }

  /** Read again when the file has changed. Undefined when the folder has no such list. */
  async entries(name: string): Promise<readonly string[] | undefined> {
    const file = await this.#file(name);
    if (file === undefined) return undefined;
    const { mtimeMs, size } = await stat(file);
    const read = this.#read.get(file);
    if (read && read.mtimeMs === mtimeMs && read.size === size) return read.entries;
    const entries = await readEntries(name, file);
    this.#read.set(file, { mtimeMs, size, entries });
    return entries;
  }

  /** With `/` between folders everywhere, without links and hidden files; none of no folder. */
  async names(): Promise<string[]> {
    const found = await readdir(this.#dir, { recursive: true, withFileTypes: true }).catch(
      () => [],
    );
    return found
      .filter((entry) => entry.isFile() && entry.name.endsWith(".txt"))
      .map((entry) => path.relative(this.#dir, path.join(entry.parentPath, entry.name)))
      .map((file) => slashes(file).slice(0, -".txt".length))
      .filter((name) => !name.split("/").some((part) => part.startsWith(".")))
      .sort();
  }

  /** The real path, which neither `..` nor a link can lead out of the folder. */
  async #file(name: string): Promise<string | undefined> {
    const parts = slashes(name).split("/");
    if (parts.some((part) => part === "" || part.startsWith("."))) return undefined;
    try {
      const root = await realpath(this.#dir);
      const file = await realpath(`${path.join(root, ...parts)}.txt`);
      const isFile = (await stat(file)).isFile();
      return isFile && file.startsWith(root.endsWith(path.sep) ? root : root + path.sep)
        ? file
        : undefined;
    } catch {
      return undefined;
    }
  }
}

async function readEntries(name: string, file: string): Promise<string[]> {
  try {
    const text = new TextDecoder("utf-8", { fatal: true }).decode(await readFile(file));
    return text
      .split(/\r\n|\r|\n/)
      .map((line) => line.trim())
      .filter((line) => line !== "" && !line.startsWith("#"));
  } catch (error) {
    throw new AppError(
      "invalid_input",
      `The wildcard __${name}__ cannot be read (${messageOf(error)}). Save its file as UTF-8 text.`,
      { cause: error },
    );
  }
}

/**
 * Draws an entry for each `__name__` and an option for each `{a|b}`, always the same for the same
 * seed, text and files. Braces of JSON or code stay as they are. `parameter` is what errors name, and sets the draws of two texts of one
 * picture apart; `line` is taken of every list instead of a drawn one. Without wildcards a `__name__` is text like any other: few people write
 * underscores like that and mean them, but those who have no lists do. A `\` before a brace or
 * bar makes it text; a brace without a bar is text anyway.
 */
export async function resolveWildcards(
  text: string,
  wildcards: Wildcards | undefined,
  seed: number,
  parameter = "prompt",
  line?: number,
): Promise<string> {
  const drawing: Drawing = { wildcards, seed, parameter, line };
  const parts = parse(text, parameter);
  // A misspelt name is refused whichever option the seed takes.
  for (const name of wildcards ? namesIn(parts) : []) await listOf(name, drawing);
  return await drawn(parts, drawing, "", []);
}

interface Drawing {
  wildcards: Wildcards | undefined;
  seed: number;
  parameter: string;
  line: number | undefined;
}

/** `place` numbers the draws, so that text between them and draws inside others change none. */
async function drawn(
  parts: readonly Part[],
  drawing: Drawing,
  place: string,
  chain: readonly string[],
): Promise<string> {
  let text = "";
  let draws = 0;
  for (const part of parts) {
    if (typeof part === "string") {
      text += part;
      continue;
    }
    draws += 1;
    const at = `${place}.${draws}`;
    text +=
      "options" in part
        ? await drawn(pick(part.options, drawing, at, "{}"), drawing, at, chain)
        : await drawnEntry(part, drawing, at, chain);
  }
  return text;
}

async function drawnEntry(
  { name, raw }: WildcardPart,
  drawing: Drawing,
  place: string,
  chain: readonly string[],
): Promise<string> {
  if (!drawing.wildcards) return raw;
  const inside = [...chain, name];
  const steps = inside.map((each) => `__${each}__`).join(" → ");
  if (chain.includes(name)) {
    throw refused(drawing, `the wildcards draw from each other without end: ${steps}. Change one`);
  }
  if (inside.length > mostNested) {
    throw refused(drawing, `wildcards are nested deeper than ${mostNested}: ${steps}. Join some`);
  }
  const entries = await listOf(name, drawing);
  const { line } = drawing;
  const inOrder = line === undefined ? undefined : entries[line % entries.length];
  const entry = inOrder ?? pick(entries, drawing, place, name);
  return await drawn(parse(entry, drawing.parameter), drawing, place, inside);
}

async function listOf(name: string, drawing: Drawing): Promise<readonly string[]> {
  const entries = await drawing.wildcards?.entries(name);
  if (entries && entries.length > 0) return entries;
  if (entries) {
    throw refused(drawing, `the wildcard __${name}__ has no entries; write one a line in its file`);
  }
  const known = (await drawing.wildcards?.names().catch(() => [])) ?? [];
  const near = nearest(name.slice(0, 80), known);
  const listed = near.length > 0 ? near : known.slice(0, shownNames);
  const names = listed.map((each) => `__${each}__`).join(", ");
  const hint = near.length > 0 ? `Nearest: ${names}` : `Known: ${names || "none, add .txt files"}`;
  throw refused(drawing, `there is no wildcard __${name.slice(0, 80)}__. ${hint}`);
}

/** A hash rather than a sequence: neighbouring seeds have nothing in common. */
function pick<T>(items: readonly T[], drawing: Drawing, place: string, what: string): T {
  const key = `${drawing.seed}|${drawing.parameter}${place}|${what}`;
  const number = createHash("sha256").update(key).digest().readUIntBE(0, 6);
  const item = items[number % items.length];
  if (item === undefined) throw new Error(`nothing to draw from at ${place}`);
  return item;
}

interface Alternatives {
  options: Part[][];
}

interface WildcardPart {
  name: string;
  raw: string;
}

type Part = string | Alternatives | WildcardPart;

function parse(text: string, parameter: string): Part[] {
  const root: Part[] = [];
  const open: { group: Alternatives; around: Part[] }[] = [];
  let parts = root;
  let from = 0;
  for (const at of bracesAndBars(text)) {
    for (const part of textParts(text.slice(from, at))) parts.push(part);
    from = at + 1;
    const sign = text[at];
    if (sign === "{") {
      const first: Part[] = [];
      const group = { options: [first] };
      parts.push(group);
      open.push({ group, around: parts });
      if (open.length > mostBraces) throw tooDeep(parameter);
      parts = first;
    } else if (sign === "|") {
      parts = [];
      open.at(-1)?.group.options.push(parts);
    } else {
      parts = open.pop()?.around ?? root;
    }
  }
  for (const part of textParts(text.slice(from))) parts.push(part);
  return root;
}

function textParts(text: string): (string | WildcardPart)[] {
  const parts: (string | WildcardPart)[] = [];
  let from = 0;
  for (const match of text.matchAll(/__(?!_)([\p{L}\p{M}\p{N}._/\\-]+?)__/gu)) {
    const [raw, name = ""] = match;
    parts.push(unescaped(text.slice(from, match.index)), { name: slashes(name), raw });
    from = match.index + raw.length;
  }
  return [...parts, unescaped(text.slice(from))];
}

/** A pair of backslashes stays, as in ComfyUI's editor. */
function unescaped(text: string): string {
  return text.replace(/\\([\\{}|])/g, (pair, char: string) => (char === "\\" ? pair : char));
}

function namesIn(parts: readonly Part[]): string[] {
  const names = parts.flatMap((part) => {
    if (typeof part === "string") return [];
    return "options" in part ? part.options.flatMap(namesIn) : [part.name];
  });
  return [...new Set(names)];
}

function slashes(name: string): string {
  return name.replaceAll("\\", "/");
}

function tooDeep(parameter: string): AppError {
  return new AppError(
    "invalid_input",
    `${parameter}: alternatives such as {a|b} are nested deeper than ${mostBraces}. Write \\{ for a brace that is text.`,
  );
}

function refused({ parameter }: Drawing, problem: string): AppError {
  return new AppError("invalid_input", `${parameter}: ${problem}.`);
}
