import { createHash, timingSafeEqual } from "node:crypto";
import { refusal } from "../../errors.ts";
import { type Scope, scopes, scopesWithImplied } from "../../studio/caller.ts";
import { nearest } from "../../words.ts";
import { linesOf } from "./given-lines.ts";
import type { Identity, KeyLimits } from "./identity.ts";

const option = "--auth-token (EASEL_AUTH_TOKEN)";
const form = "NAME:TOKEN, NAME:TOKEN:read,generate or NAME:TOKEN:read,generate:tasks=2,gb=5";
/** Nobody guesses that many characters. */
const shortestToken = 16;

interface Key extends Identity {
  digest: Buffer;
}

/** The keys of this server; their tokens are not kept. */
export class Keys {
  readonly #keys: readonly Key[];

  private constructor(keys: readonly Key[]) {
    this.#keys = keys;
  }

  /**
   * Reads `NAME:TOKEN[:SCOPES[:LIMITS]]`; `@FILE` stands for the lines of a file. Throws
   * `invalid_input` with the name of the key, never with its token.
   */
  static async read(given: readonly string[], standard: KeyLimits): Promise<Keys> {
    const lines: string[] = [];
    for (const entry of given) {
      lines.push(...(entry.startsWith("@") ? await linesOf(entry.slice(1), option) : [entry]));
    }
    const keys = lines.map((line) => keyIn(line, standard));
    const twice = keys.find((key, i) => keys.findIndex(({ name }) => name === key.name) !== i);
    if (twice) throw refused(`the name ${twice.name} is given twice`);
    return new Keys(keys);
  }

  get size(): number {
    return this.#keys.length;
  }

  /** Takes the same time whichever key it is, and if it is none. */
  find(token: string): Identity | undefined {
    const digest = digestOf(token);
    let found: Key | undefined;
    for (const key of this.#keys) {
      if (timingSafeEqual(key.digest, digest)) found = key;
    }
    return found;
  }
}

function keyIn(line: string, standard: KeyLimits): Key {
  const [name = "", token = "", scopeList, limitList, ...rest] = line.trim().split(":");
  if (!/^[\w.@-]{1,64}$/.test(name) || token === "" || rest.length > 0) {
    throw refused(
      `expected ${form}, the name in up to 64 letters, digits or . @ _ -, no colon in a token`,
    );
  }
  if (token.length < shortestToken || !/^[\x21-\x7e]+$/.test(token)) {
    throw refused(
      `the token of ${name} is too easy to guess or holds odd characters; take ${shortestToken} or more, such as openssl rand -hex 24 prints`,
    );
  }
  return {
    name,
    digest: digestOf(token),
    scopes: scopesWithImplied(scopeList ? scopesIn(name, scopeList) : ["generate", "delete"]),
    limits: { ...standard, ...(limitList ? limitsIn(name, limitList) : {}) },
  };
}

function scopesIn(name: string, list: string): Scope[] {
  return list.split(",").map((word) => {
    const scope = scopes.find((known) => known === word.trim());
    if (scope) return scope;
    const close = nearest(word, scopes);
    const hint = close.length > 0 ? ` Did you mean ${close.join(" or ")}?` : "";
    throw refused(
      `${name} has the scope ${JSON.stringify(word.slice(0, 40))}; there are ${scopes.join(", ")}.${hint}`,
    );
  });
}

const limitNames = { requests: "requestsPerMinute", tasks: "tasksAtOnce", gb: "keptGb" } as const;

function limitsIn(name: string, list: string): KeyLimits {
  const limits: KeyLimits = {};
  for (const part of list.split(",")) {
    const [word = "", text = ""] = part.split("=");
    const known = Object.entries(limitNames).find(([limit]) => limit === word.trim());
    const number = Number(text);
    if (!known || text.trim() === "" || !(number >= 0)) {
      throw refused(
        `${name} has the limit ${JSON.stringify(part.slice(0, 40))}; expected requests=N (a minute), tasks=N (at once) or gb=N (kept)`,
      );
    }
    limits[known[1]] = number;
  }
  return limits;
}

function digestOf(token: string): Buffer {
  return createHash("sha256").update(token).digest();
}

function refused(problem: string) {
  return refusal(`${option}: ${problem}`);
}
