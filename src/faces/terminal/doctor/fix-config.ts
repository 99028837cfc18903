import { copyFile, mkdir, readFile, realpath, rename, writeFile } from "node:fs/promises";
import path from "node:path";
import { applyEdits, modify, type ParseError, parse, printParseErrorCode } from "jsonc-parser";
import { AppError, messageOf, refusal } from "../../../errors.ts";
import { nearest } from "../../../words.ts";
import {
  type ClientApp,
  clientApps,
  clientIds,
  type Launch,
  type Machine,
  name,
} from "./clients.ts";

/** What `fixConfig` would do, to be shown before it is asked for. */
export interface ConfigChange {
  file: string;
  /** Of the whole file, comments kept. */
  before: string | undefined;
  after: string;
  /** The entry alone. */
  entry: string;
}

/** Throws `invalid_input` for a client that is not known, or that has a command of its own for it. */
export function clientNamed(id: string): ClientApp {
  const known = clientApps.find((app) => app.id === id.trim().toLowerCase());
  if (known) return known;
  const [close] = nearest(id, clientIds());
  const hint =
    close === undefined ? `Clients: ${clientIds().join(", ")}.` : `Did you mean ${close}?`;
  throw refusal(`--fix-config: there is no client ${JSON.stringify(id.slice(0, 60))}. ${hint}`);
}

/** Reads the client's file and puts this server into it, in memory. Throws for one that is no JSON. */
export async function configChange(
  app: ClientApp,
  launch: Launch,
  machine: Machine,
): Promise<ConfigChange> {
  if (!app.file || !app.key) {
    throw refusal(
      `--fix-config: ${app.title} keeps its settings itself. Run: ${app.command?.(launch)}`,
    );
  }
  const file = app.file(machine);
  const before = await readFile(file, "utf8").catch((error) => {
    if (error.code === "ENOENT") return undefined;
    throw new AppError("storage", `${file} cannot be read (${messageOf(error)}).`);
  });
  const text = before?.trim() ? before : "{}\n";
  const problems: ParseError[] = [];
  parse(text, problems, { allowTrailingComma: true });
  const [problem] = problems;
  if (problem) {
    throw refusal(
      `--fix-config: ${file} is no valid JSON (${printParseErrorCode(problem.error)} at character ${problem.offset}). Mend it first; it was left as it is.`,
    );
  }
  const entry = app.entry(launch);
  const edits = modify(text, [app.key, name], entry, {
    formattingOptions: { insertSpaces: true, tabSize: 2 },
  });
  const after = applyEdits(text, edits);
  return { file, before, after, entry: JSON.stringify({ [name]: entry }, null, 2) };
}

/** Writes the change as a whole, and keeps what was there under NAME.bak. Returns that name. */
export async function writeChange({
  file,
  before,
  after,
}: ConfigChange): Promise<string | undefined> {
  try {
    await mkdir(path.dirname(file), { recursive: true });
    const kept = before === undefined ? undefined : `${file}.bak`;
    if (kept !== undefined) await copyFile(file, kept);
    // Settings are often a link into a folder of their own.
    const target = before === undefined ? file : await realpath(file);
    const fresh = `${target}.${process.pid}.tmp`;
    await writeFile(fresh, after, { mode: 0o600 });
    await rename(fresh, target);
    return kept;
  } catch (error) {
    throw new AppError("storage", `${file} cannot be written (${messageOf(error)}).`);
  }
}
