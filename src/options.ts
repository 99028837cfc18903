import { httpOptions } from "./http-options.ts";
import { logLevels } from "./log.ts";

/** One option of the command line. */
export interface Option {
  flag: string;
  /** The variable that stands for it. */
  env?: string;
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
    multiple: true,
    help: "the ComfyUI to use; https, a path prefix and user:password@ work; repeatable, one per line in the variable: pictures go to the one where they are done first (default: the one that answers on this machine at 8188, 8000 or 18188)",
  },
  backends: {
    flag: "backends",
    env: "EASEL_BACKENDS",
    value: "FILE",
    help: 'more ComfyUIs, as JSON: {"backends": [{"url": …, "name": …, "weight": 2, "headers": {…}, "labels": {…}, "insecure_tls": true}]}, where weight is how fast it is beside the others',
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
  databaseUrl: {
    flag: "database-url",
    env: "EASEL_DATABASE_URL",
    value: "postgres://…",
    help: "keep tasks in a PostgreSQL, which several servers may share, instead of a file of the data folder; @FILE names a file that holds the address",
  },
  blobs: {
    flag: "blobs",
    env: "EASEL_BLOBS",
    value: "FOLDER|s3://BUCKET/PREFIX",
    help: "keep pictures and inputs there instead of in the data folder; of a bucket, AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_REGION and AWS_ENDPOINT_URL (for MinIO, Garage and the like) say the rest",
  },
  presignedLinks: {
    flag: "presigned-links",
    env: "EASEL_PRESIGNED_LINKS",
    value: "auto|URL",
    help: "send whoever fetches a picture from /files on to the bucket, by a link that is good for five minutes; URL is the bucket's endpoint as clients reach it, auto that of the server (default: send the bytes)",
  },
  workflowsDir: {
    flag: "workflows-dir",
    env: "EASEL_WORKFLOWS_DIR",
    value: "FOLDER",
    help: "your own workflows: API exports dropped there become tools or choices without a restart",
  },
  savedWorkflows: {
    flag: "saved-workflows",
    env: "EASEL_SAVED_WORKFLOWS",
    value: "apps|all|none",
    help: "which workflows saved in ComfyUI are offered: apps are those made in App Mode and those in a folder named easel (default apps)",
  },
  stylesDir: {
    flag: "styles-dir",
    env: "EASEL_STYLES_DIR",
    value: "FOLDER",
    help: "more styles: JSON files like those in styles/, or style lists of Fooocus; one of the same name replaces the shipped one",
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
  handOver: {
    flag: "hand-over",
    env: "EASEL_HAND_OVER",
    value: "few|all",
    help: "few: each ComfyUI has what it runs and one more, and the rest waits here, where callers take turns and priorities count; all: everything goes to ComfyUI's queue at once (default all over stdio with one ComfyUI, else few)",
  },
  replaceAfter: {
    flag: "replace-after",
    env: "EASEL_REPLACE_AFTER",
    value: "SECONDS",
    help: "with several ComfyUIs: how long one may be away before what only waited there, and cannot have run, goes to another (default 15)",
  },
  mostWaiting: {
    flag: "most-waiting",
    env: "EASEL_MOST_WAITING",
    value: "N",
    help: "pictures that may wait at once, whoever's; more are refused (default 10000)",
  },
  lostAfter: {
    flag: "lost-after",
    env: "EASEL_LOST_AFTER",
    value: "SECONDS",
    help: "how long a task waits for a ComfyUI that is away before it fails (default 3600)",
  },
  startPatience: {
    flag: "start-patience",
    env: "EASEL_START_PATIENCE",
    value: "SECONDS",
    help: "how long a ComfyUI that sleeps behind its proxy may take to start before it is called unreachable (default 300)",
  },
  freeAfter: {
    flag: "free-after",
    env: "EASEL_FREE_AFTER",
    value: "SECONDS",
    help: "ask an idle ComfyUI to give its GPU memory back so many seconds after the last picture (default: leave it)",
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
  mcpTasks: {
    flag: "mcp-tasks",
    env: "EASEL_MCP_TASKS",
    help: "offer image tools as MCP's experimental tasks of 2025-11-25 too; clients that know them poll instead of waiting",
  },
  tools: {
    flag: "tools",
    env: "EASEL_TOOLS",
    value: "all|minimal|NAME,NAME",
    help: "the tools that clients are offered; none of them can ask for more (default all)",
  },
  ...httpOptions,
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
} as const satisfies Record<string, Option & { env: string }>;

export type OptionName = keyof typeof options;

/** `--data-dir (EASEL_DATA_DIR)`: an option as messages name it. */
export function optionLabel(name: OptionName): string {
  const { flag, env } = options[name];
  return `--${flag} (${env})`;
}

/** The reference of the options that all commands share. */
export function optionsHelp(): string {
  return Object.values<Option>(options)
    .map((option) => `  ${optionUsage(option)}\n      ${option.help} [${option.env}]`)
    .join("\n");
}

/** `--data-dir FOLDER` */
export function optionUsage({ flag, value }: Option): string {
  return `--${flag}${value ? ` ${value}` : ""}`;
}
