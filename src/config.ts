import os from "node:os";
import path from "node:path";
import { type ParseArgsConfig, parseArgs } from "node:util";
import envPaths from "env-paths";
import { type ComfyTarget, parseTarget } from "./comfy/target.ts";
import { AppError, messageOf } from "./errors.ts";
import { type LogLevel, logLevels } from "./log.ts";

export interface Config {
  comfyui: ComfyTarget;
  dataDir: string;
  workflowsDir: string | undefined;
  stylesDir: string | undefined;
  wildcardsDir: string | undefined;
  /** Seconds an image tool waits before it answers with a task id. */
  waitSeconds: number;
  /** Folders from which image paths may be read. */
  inputRoots: string[];
  deliverBySocket: boolean;
  /** Seconds after which a run whose ComfyUI is away has failed. */
  lostAfterSeconds: number;
  keepDays: number | undefined;
  keepGb: number | undefined;
  /** Image URLs and webhooks may name private addresses. */
  allowPrivateUrls: boolean;
  /** Whether answers hold `resource_link` blocks, and previews. */
  resultLinks: "auto" | "always" | "never";
  resultImages: "allow" | "omit";
  logLevel: LogLevel;
  demo: boolean;
}

interface Option {
  flag: string;
  env: string;
  /** What follows the flag; missing for a switch. */
  value?: string;
  multiple?: true;
  help: string;
}

/** Every option once: its flag, its variable, its help. */
export const options = {
  comfyuiUrl: {
    flag: "comfyui-url",
    env: "COMFYUI_URL",
    value: "URL",
    help: "the ComfyUI to use; https, a path prefix and user:password@ work (default http://127.0.0.1:8188)",
  },
  comfyuiHeader: {
    flag: "comfyui-header",
    env: "COMFYUI_HEADER",
    value: '"NAME: VALUE"',
    multiple: true,
    help: "a header for every request to ComfyUI, for one behind a proxy; repeatable, one per line in the variable",
  },
  comfyuiInsecureTls: {
    flag: "comfyui-insecure-tls",
    env: "COMFYUI_INSECURE_TLS",
    help: "accept any certificate from ComfyUI's proxy",
  },
  dataDir: {
    flag: "data-dir",
    env: "EASEL_DATA_DIR",
    value: "FOLDER",
    help: "where tasks and pictures are kept (default: this platform's data folder)",
  },
  workflowsDir: {
    flag: "workflows-dir",
    env: "EASEL_WORKFLOWS_DIR",
    value: "FOLDER",
    help: "your own workflows: API exports dropped there become tools or choices without a restart",
  },
  stylesDir: {
    flag: "styles-dir",
    env: "EASEL_STYLES_DIR",
    value: "FOLDER",
    help: "more styles: JSON files like those in styles/; one of the same name replaces the shipped one",
  },
  wildcardsDir: {
    flag: "wildcards-dir",
    env: "EASEL_WILDCARDS_DIR",
    value: "FOLDER",
    help: "text files for __name__ in prompts, one entry a line, drawn from the seed",
  },
  waitSeconds: {
    flag: "wait-seconds",
    env: "EASEL_WAIT_SECONDS",
    value: "N",
    help: "how long a tool waits for its picture before it answers with a task id, 0-3600 (default 45)",
  },
  inputRoots: {
    flag: "input-roots",
    env: "EASEL_INPUT_ROOTS",
    value: "FOLDER",
    multiple: true,
    help: "folders from which image paths may be read and into which save_to may write; repeatable, separated as in PATH in the variable (default: your home without hidden files)",
  },
  delivery: {
    flag: "delivery",
    env: "EASEL_DELIVERY",
    value: "view|socket",
    help: "how pictures come from ComfyUI: by /view, which leaves them in its output folder, or by socket, which leaves no file there (default view)",
  },
  lostAfter: {
    flag: "lost-after",
    env: "EASEL_LOST_AFTER",
    value: "SECONDS",
    help: "how long a task waits for a ComfyUI that is away before it fails (default 3600)",
  },
  keepDays: {
    flag: "keep-days",
    env: "EASEL_KEEP_DAYS",
    value: "N",
    help: "delete ended tasks and their pictures after so many days (default: keep them)",
  },
  keepGb: {
    flag: "keep-gb",
    env: "EASEL_KEEP_GB",
    value: "N",
    help: "delete the oldest ended tasks while pictures take more than so many gigabytes (default: keep them)",
  },
  allowPrivateUrls: {
    flag: "allow-private-urls",
    env: "EASEL_ALLOW_PRIVATE_URLS",
    help: "let image URLs and webhooks name private and loopback addresses",
  },
  resultLinks: {
    flag: "result-links",
    env: "EASEL_RESULT_LINKS",
    value: "auto|always|never",
    help: "resource_link blocks in answers: auto sends them to clients known to take them, as others break on them (default auto)",
  },
  resultImages: {
    flag: "result-images",
    env: "EASEL_RESULT_IMAGES",
    value: "allow|omit",
    help: "previews in answers; omit them for a model without eyes, which would read them as text (default allow)",
  },
  demo: {
    flag: "demo",
    env: "EASEL_DEMO",
    help: "use the embedded emulator instead of a ComfyUI: no GPU, no model, pictures that say so",
  },
  logLevel: {
    flag: "log-level",
    env: "EASEL_LOG_LEVEL",
    value: logLevels.join("|"),
    help: "what is told on stderr (default info)",
  },
} as const satisfies Record<string, Option>;

type OptionName = keyof typeof options;
type Given = Partial<Record<OptionName, string[]>>;

/** Flags of one command beside the common ones. */
export type ExtraOptions = NonNullable<ParseArgsConfig["options"]>;

export interface CommandLine {
  config: Config;
  extra: Record<string, string | undefined>;
  positionals: string[];
}

/** Reads flags, then variables, then defaults. Throws `AppError` naming flag and variable. */
export function readCommandLine(
  args: string[],
  env: NodeJS.ProcessEnv,
  extra: ExtraOptions = {},
): CommandLine {
  const { values, positionals } = parse(args, extra);
  return {
    config: readConfig(givenBy(values, env)),
    extra: Object.fromEntries(
      Object.keys(extra).map((flag) => [flag, values[flag]?.at(-1)?.toString()]),
    ),
    positionals,
  };
}

function readConfig(given: Given): Config {
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

export function optionsHelp(): string {
  return Object.values<Option>(options)
    .map(({ flag, env, value, help }) => {
      const usage = `--${flag}${value ? ` ${value}` : ""}`;
      return `  ${usage}\n      ${help} [${env}]`;
    })
    .join("\n");
}

type Values = Record<string, (string | boolean)[] | undefined>;

function parse(args: string[], extra: ExtraOptions): { values: Values; positionals: string[] } {
  const common = Object.values<Option>(options).map(({ flag, value }) => [flag, value] as const);
  try {
    const parsed = parseArgs({
      args,
      allowPositionals: true,
      options: {
        ...Object.fromEntries(
          common.map(([flag, value]) => [flag, { type: value ? "string" : "boolean" } as const]),
        ),
        ...extra,
      },
      tokens: true,
    });
    const values: Values = {};
    for (const token of parsed.tokens) {
      if (token.kind === "option") {
        values[token.name] = [...(values[token.name] ?? []), token.value ?? true];
      }
    }
    return { values, positionals: parsed.positionals };
  } catch (error) {
    throw new AppError(
      "invalid_input",
      `${messageOf(error)}. comfy-easel --help lists the options.`,
      { cause: error },
    );
  }
}

function givenBy(values: Values, env: NodeJS.ProcessEnv): Given {
  const given: Given = {};
  for (const [name, { flag, env: variable, multiple }] of Object.entries<Option>(options)) {
    const flags = values[flag]?.map(String);
    const fromEnv = env[variable]?.trim();
    if (flags) given[name as OptionName] = flags;
    else if (fromEnv) given[name as OptionName] = multiple ? split(name, fromEnv) : [fromEnv];
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

function refused(name: OptionName, value: string, expected: string): AppError {
  const { flag, env } = options[name];
  return new AppError(
    "invalid_input",
    `--${flag} (${env}): expected ${expected}, got ${JSON.stringify(value)}`,
  );
}
