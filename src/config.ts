import { readFileSync } from "node:fs";
import { stat } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import envPaths from "env-paths";
import { readBackends } from "./backends-config.ts";
import type { BlobsPlace } from "./blobs/open.ts";
import { readBlobs } from "./blobs-config.ts";
import type { ComfyTarget } from "./comfy/target.ts";
import { amount, choice, givenBy, isOn, optionalAmount } from "./config-values.ts";
import { messageOf, refusal } from "./errors.ts";
import { type HttpConfig, readHttp } from "./http-config.ts";
import { type LogLevel, logLevels } from "./log.ts";
import { type OptionName, optionLabel } from "./options.ts";

export interface Config {
  /** One or more, by different names. */
  comfyuis: readonly ComfyTarget[];
  /** None was given: the standard one stands for whatever is found on this machine. */
  isComfyuiGuessed: boolean;
  dataDir: string;
  /** Of a PostgreSQL that holds the tasks; undefined: a file of the data folder does. */
  databaseUrl: string | undefined;
  /** Where pictures and inputs are. */
  blobs: BlobsPlace;
  workflowsDir: string | undefined;
  /** Which of the workflows saved in ComfyUI are offered. */
  savedWorkflows: "apps" | "all" | "none";
  stylesDir: string | undefined;
  wildcardsDir: string | undefined;
  waitSeconds: number;
  inputRoots: string[];
  deliverBySocket: boolean;
  /** Whether runs wait in ComfyUI's queue or here; see `HandOver`. */
  handOver: "few" | "all";
  replaceAfterSeconds: number;
  /** Pictures that may wait on one server. */
  mostWaiting: number;
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
  mcpTasks: boolean;
  demo: boolean;
  /** Names of tools; undefined for all. */
  tools: readonly string[] | undefined;
  /** Undefined without `--http`. */
  http: HttpConfig | undefined;
}

/** Enough for a chat in which pictures are made and changed. */
const minimalTools = ["generate_image", "img2img", "task_status", "get_image"];

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
  // The demo has a folder of its own: its tasks are not for a real ComfyUI to finish.
  const dataDir = path.resolve(
    one("dataDir") ?? envPaths(isDemo ? "comfy-easel-demo" : "comfy-easel", { suffix: "" }).data,
  );
  const comfyuis = readBackends(given);
  const isHttp = isOn("http", one("http"));
  return {
    comfyuis,
    isComfyuiGuessed: given.comfyuiUrl === undefined && given.backends === undefined,
    dataDir,
    blobs: readBlobs(given, env, dataDir),
    databaseUrl: databaseIn(one("databaseUrl")),
    workflowsDir: resolved(one("workflowsDir")),
    savedWorkflows:
      choice("savedWorkflows", one("savedWorkflows"), ["apps", "all", "none"]) ?? "apps",
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
    handOver: handOverOf(one("handOver"), isHttp, comfyuis.length),
    replaceAfterSeconds: amount("replaceAfter", one("replaceAfter") ?? "15", 86_400),
    mostWaiting: amount("mostWaiting", one("mostWaiting") ?? "10000", 1e7),
    deliverBySocket: choice("delivery", one("delivery"), ["view", "socket"]) === "socket",
    resultLinks: choice("resultLinks", one("resultLinks"), ["auto", "always", "never"]) ?? "auto",
    resultImages: choice("resultImages", one("resultImages"), ["allow", "omit"]) ?? "allow",
    logLevel: choice("logLevel", one("logLevel"), logLevels) ?? "info",
    mcpTasks: isOn("mcpTasks", one("mcpTasks")),
    demo: isDemo,
    tools: toolsIn(one("tools")),
    http: isHttp ? readHttp(given) : undefined,
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

/** A single caller loses nothing by "all", and its pictures are made while this server is not there. */
function handOverOf(given: string | undefined, isHttp: boolean, count: number): "few" | "all" {
  const standard = isHttp || count > 1 ? "few" : "all";
  return choice("handOver", given, ["few", "all"]) ?? standard;
}

function resolved(folder: string | undefined): string | undefined {
  return folder === undefined ? undefined : path.resolve(folder);
}

function databaseIn(given: string | undefined): string | undefined {
  if (given === undefined) return undefined;
  const text = given.startsWith("@") ? lineIn("databaseUrl", given.slice(1)) : given;
  if (/^postgres(ql)?:\/\//.test(text) && URL.canParse(text)) return text;
  // Not what was given: there may be a password in it.
  throw refusal(
    `${optionLabel("databaseUrl")}: expected an address such as postgres://user:password@host:5432/database.`,
  );
}

function lineIn(name: OptionName, file: string): string {
  try {
    return readFileSync(file, "utf8").trim();
  } catch (error) {
    throw refusal(`${optionLabel(name)}: ${file} cannot be read (${messageOf(error)}).`, error);
  }
}

function toolsIn(value: string | undefined): string[] | undefined {
  const names = (value ?? "all").split(",").map((name) => name.trim());
  if (names.includes("all")) return undefined;
  return names.flatMap((name) => (name === "minimal" ? minimalTools : [name])).filter(Boolean);
}
