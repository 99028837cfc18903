import { stat } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import envPaths from "env-paths";
import { type ComfyTarget, parseTarget } from "./comfy/target.ts";
import { messageOf, refusal } from "./errors.ts";
import { type LogLevel, logLevels } from "./log.ts";
import { type Option, type OptionName, optionLabel, options } from "./options.ts";

export interface Config {
  comfyui: ComfyTarget;
  dataDir: string;
  workflowsDir: string | undefined;
  stylesDir: string | undefined;
  wildcardsDir: string | undefined;
  waitSeconds: number;
  inputRoots: string[];
  deliverBySocket: boolean;
  lostAfterSeconds: number;
  startPatienceSeconds: number;
  freeAfterSeconds: number | undefined;
  keepDays: number | undefined;
  keepGb: number | undefined;
  allowPrivateUrls: boolean;
  /** Whether answers hold `resource_link` blocks, and previews. */
  resultLinks: "auto" | "always" | "never";
  resultImages: "allow" | "omit";
  logLevel: LogLevel;
  demo: boolean;
}

type Given = Partial<Record<OptionName, string[]>>;

/**
 * Reads flags (every value given to each, a switch as "1"), then variables, then defaults. Throws
 * `invalid_input` naming flag and variable.
 */
export function readConfig(
  flags: Readonly<Record<string, readonly string[] | undefined>>,
  env: NodeJS.ProcessEnv,
): Config {
  const given = givenBy(flags, env);
  const one = (name: OptionName) => given[name]?.at(-1);
  const isDemo = isOn("demo", one("demo"));
  return {
    comfyui: parseTarget(
      one("comfyuiUrl") ?? "http://127.0.0.1:8188",
      given.comfyuiHeader ?? [],
      isOn("comfyuiInsecureTls", one("comfyuiInsecureTls")),
    ),
    // The demo has a folder of its own: its tasks are not for a real ComfyUI to finish.
    dataDir: path.resolve(
      one("dataDir") ?? envPaths(isDemo ? "comfy-easel-demo" : "comfy-easel", { suffix: "" }).data,
    ),
    workflowsDir: resolved(one("workflowsDir")),
    stylesDir: resolved(one("stylesDir")),
    wildcardsDir: resolved(one("wildcardsDir")),
    waitSeconds: amount("waitSeconds", one("waitSeconds") ?? "45", 3600),
    lostAfterSeconds: amount("lostAfter", one("lostAfter") ?? "3600", 30 * 86_400),
    startPatienceSeconds: amount("startPatience", one("startPatience") ?? "300", 86_400),
    freeAfterSeconds: optionalAmount("freeAfter", one("freeAfter")),
    keepDays: optionalAmount("keepDays", one("keepDays")),
    keepGb: optionalAmount("keepGb", one("keepGb")),
    allowPrivateUrls: isOn("allowPrivateUrls", one("allowPrivateUrls")),
    inputRoots: (given.inputRoots ?? [os.homedir()]).map((root) => path.resolve(root)),
    deliverBySocket: choice("delivery", one("delivery"), ["view", "socket"]) === "socket",
    resultLinks: choice("resultLinks", one("resultLinks"), ["auto", "always", "never"]) ?? "auto",
    resultImages: choice("resultImages", one("resultImages"), ["allow", "omit"]) ?? "allow",
    logLevel: choice("logLevel", one("logLevel"), logLevels) ?? "info",
    demo: isDemo,
  };
}

/**
 * What is said of the folders that are read only when a call names something in them. A server
 * starts without them, as without those of workflows and styles, which their loaders tell of.
 */
export async function folderWarnings(config: Config): Promise<string[]> {
  const named: [OptionName, string | undefined][] = [
    ["wildcardsDir", config.wildcardsDir],
    ...config.inputRoots.map((root): [OptionName, string] => ["inputRoots", root]),
  ];
  const warnings: string[] = [];
  for (const [name, folder] of named) {
    const problem = folder === undefined ? undefined : await problemOf(folder);
    if (problem) {
      warnings.push(
        `${optionLabel(name)}: ${problem}. Create it, or name another; nothing is taken from it now.`,
      );
    }
  }
  return warnings;
}

async function problemOf(folder: string): Promise<string | undefined> {
  try {
    return (await stat(folder)).isDirectory() ? undefined : `${folder} is not a folder`;
  } catch (error) {
    const isMissing = error instanceof Error && "code" in error && error.code === "ENOENT";
    if (isMissing) return `the folder ${folder} does not exist`;
    return `the folder ${folder} cannot be read (${messageOf(error)})`;
  }
}

function givenBy(
  flags: Readonly<Record<string, readonly string[] | undefined>>,
  env: NodeJS.ProcessEnv,
): Given {
  const given: Given = {};
  for (const [name, option] of Object.entries<Option & { env: string }>(options)) {
    const values = flags[option.flag];
    const variable = env[option.env]?.trim();
    if (values) given[name as OptionName] = [...values];
    else if (variable)
      given[name as OptionName] = option.multiple ? split(name, variable) : [variable];
  }
  return given;
}

function split(name: string, text: string): string[] {
  const separator = name === "inputRoots" ? path.delimiter : "\n";
  return text.split(separator).filter((part) => part.trim() !== "");
}

function resolved(folder: string | undefined): string | undefined {
  return folder === undefined ? undefined : path.resolve(folder);
}

function isOn(name: OptionName, value: string | undefined): boolean {
  if (value === undefined || /^(0|false|no|off)$/i.test(value)) return false;
  if (/^(1|true|yes|on)$/i.test(value)) return true;
  throw refused(name, value, "1 or 0");
}

function optionalAmount(name: OptionName, value: string | undefined): number | undefined {
  return value === undefined ? undefined : amount(name, value, 1e6);
}

function amount(name: OptionName, value: string, most: number): number {
  const number = Number(value);
  if (value.trim() !== "" && number >= 0 && number <= most) return number;
  throw refused(name, value, `a number from 0 to ${most}`);
}

function choice<T extends string>(
  name: OptionName,
  value: string | undefined,
  allowed: readonly T[],
): T | undefined {
  if (value === undefined) return undefined;
  const found = allowed.find((word) => word === value);
  if (found) return found;
  throw refused(name, value, allowed.join(" or "));
}

function refused(name: OptionName, value: string, expected: string) {
  return refusal(`${optionLabel(name)}: expected ${expected}, got ${JSON.stringify(value)}`);
}
