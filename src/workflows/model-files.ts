import type { ModelNeed } from "./binding.ts";

/** The model files one input of one backend lists; looked up many times per list of workflows. */
export class ModelFiles {
  readonly all: readonly string[];
  readonly #bySlashes: Map<string, string>;
  readonly #byName: Map<string, string>;
  /** By name without its ending; made for the first one that is wanted so. */
  #byStem: Map<string, string> | undefined;
  readonly #best = new Map<string, string | undefined>();

  private constructor(all: readonly string[]) {
    this.all = all;
    this.#bySlashes = firsts(all, slashes);
    this.#byName = firsts(all, baseName);
  }

  /** An answer of `/object_info` is kept for long, so its lists are read once. */
  static of(list: readonly string[]): ModelFiles {
    const known = read.get(list);
    if (known) return known;
    const files = new ModelFiles(list);
    read.set(list, files);
    return files;
  }

  /**
   * As the backend spells it: one on Windows separates folders with a backslash, and a plain name
   * may be in any folder.
   */
  spelling(file: string): string | undefined {
    const wanted = slashes(file);
    return this.#bySlashes.get(wanted) ?? this.#byName.get(wanted);
  }

  /** As `spelling`, for what a caller typed: in any folder, in any case, without its ending. */
  meant(typed: string): string | undefined {
    const name = baseName(typed);
    const found = this.spelling(typed) ?? this.#byName.get(name);
    if (found !== undefined) return found;
    this.#byStem ??= firsts(this.all, withoutEnding);
    return this.#byStem.get(withoutEnding(name));
  }

  /** What suits best; among equals the graph's own file, then the first of the list. */
  best(need: ModelNeed, own: string): string | undefined {
    const key = JSON.stringify([own, need.match, need.avoid]);
    if (!this.#best.has(key)) this.#best.set(key, this.#bestOf(need, own));
    return this.#best.get(key);
  }

  #bestOf(need: ModelNeed, own: string): string | undefined {
    const mine = this.spelling(own);
    const { match, avoid } = rulesOf(need);
    const suited = (wanted: RegExp | undefined, file: string) =>
      (wanted?.test(file) ?? true) && !avoid.some((unwanted) => unwanted.test(file));
    for (const wanted of match.length > 0 ? match : [undefined]) {
      if (mine !== undefined && suited(wanted, mine)) return mine;
      const first = this.all.find((file) => suited(wanted, file));
      if (first !== undefined) return first;
    }
    return undefined;
  }
}

const read = new WeakMap<readonly string[], ModelFiles>();

/** By key, the first file that has it. */
function firsts(all: readonly string[], keyOf: (file: string) => string): Map<string, string> {
  return new Map(all.toReversed().map((file) => [keyOf(file), file]));
}

/** Whether a file's name says that it works in this slot. */
export function suits(need: ModelNeed, file: string): boolean {
  const { match, avoid } = rulesOf(need);
  if (avoid.some((unwanted) => unwanted.test(file))) return false;
  return match.length === 0 || match.some((wanted) => wanted.test(file));
}

interface Rules {
  match: RegExp[];
  avoid: RegExp[];
}

const compiled = new WeakMap<ModelNeed, Rules>();

function rulesOf(need: ModelNeed): Rules {
  const known = compiled.get(need);
  if (known) return known;
  const rules = { match: expressions(need.match), avoid: expressions(need.avoid) };
  compiled.set(need, rules);
  return rules;
}

function expressions(sources: readonly string[] = []): RegExp[] {
  return sources.map((source) => new RegExp(source, "i"));
}

function slashes(file: string): string {
  return file.replaceAll("\\", "/");
}

function baseName(file: string): string {
  const path = slashes(file);
  return path.slice(path.lastIndexOf("/") + 1);
}

function withoutEnding(file: string): string {
  return baseName(file)
    .toLowerCase()
    .replace(/\.(safetensors|gguf|ckpt|pth|pt|bin|sft)$/, "");
}
