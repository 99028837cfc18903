import path from "node:path";
import { byText } from "../../../words.ts";

/** How a client starts this server. */
export interface Launch {
  command: string;
  args: readonly string[];
  env: Readonly<Record<string, string>>;
}

/** The machine whose files are meant. */
export interface Machine {
  platform: NodeJS.Platform;
  home: string;
  /** Windows' folder of application data, where it says. */
  appData: string | undefined;
  /** Where commands start: some clients keep their settings in the project. */
  workingDir: string;
}

/** A program that starts MCP servers, and where it is told of them. */
export interface ClientApp {
  /** As `--fix-config` names it. */
  id: string;
  title: string;
  /** The JSON file and the key of it that lists servers; missing where a command of its own does it. */
  file?: (machine: Machine) => string;
  key?: string;
  entry(launch: Launch): Record<string, unknown>;
  /** What adds it from a shell. */
  command?: (launch: Launch) => string;
}

const plain = ({ command, args, env }: Launch) => ({ command, args: [...args], env: { ...env } });
const stdio = (launch: Launch) => ({ type: "stdio", ...plain(launch) });

/** Files and keys as the clients' own documentation has them. */
export const clientApps: readonly ClientApp[] = [
  {
    id: "claude-desktop",
    title: "Claude Desktop",
    file: (machine) => path.join(settingsOf(machine), "Claude", "claude_desktop_config.json"),
    key: "mcpServers",
    entry: plain,
  },
  {
    id: "claude-code",
    title: "Claude Code",
    entry: stdio,
    command: (launch) =>
      `claude mcp add ${name}${variables(launch, "-e")} -- ${commandLine(launch)}`,
  },
  {
    id: "vscode",
    title: "VS Code",
    file: ({ workingDir }) => path.join(workingDir, ".vscode", "mcp.json"),
    key: "servers",
    entry: stdio,
  },
  {
    id: "cursor",
    title: "Cursor",
    file: ({ home }) => path.join(home, ".cursor", "mcp.json"),
    key: "mcpServers",
    entry: plain,
  },
  {
    id: "lm-studio",
    title: "LM Studio",
    file: ({ home }) => path.join(home, ".lmstudio", "mcp.json"),
    key: "mcpServers",
    entry: plain,
  },
  {
    id: "codex",
    title: "Codex",
    entry: plain,
    command: (launch) =>
      `codex mcp add ${name}${variables(launch, "--env")} -- ${commandLine(launch)}`,
  },
  {
    id: "windsurf",
    title: "Windsurf",
    file: ({ home }) => path.join(home, ".codeium", "windsurf", "mcp_config.json"),
    key: "mcpServers",
    entry: plain,
  },
  {
    id: "zed",
    title: "Zed",
    file: (machine) => path.join(zedFolder(machine), "settings.json"),
    key: "context_servers",
    entry: plain,
  },
  {
    id: "gemini",
    title: "Gemini CLI",
    file: ({ home }) => path.join(home, ".gemini", "settings.json"),
    key: "mcpServers",
    entry: plain,
  },
];

/** The name of this server in every client. */
export const name = "comfy-easel";

export function clientIds(): string[] {
  return clientApps.map(({ id }) => id).toSorted(byText);
}

/** What most clients take: the servers under `mcpServers`. */
export function configText(launch: Launch): string {
  return JSON.stringify({ mcpServers: { [name]: plain(launch) } }, null, 2);
}

function settingsOf({ platform, home, appData }: Machine): string {
  if (platform === "win32") return appData ?? path.join(home, "AppData", "Roaming");
  if (platform === "darwin") return path.join(home, "Library", "Application Support");
  return path.join(home, ".config");
}

function zedFolder(machine: Machine): string {
  const isWindows = machine.platform === "win32";
  return isWindows ? path.join(settingsOf(machine), "Zed") : path.join(machine.home, ".config/zed");
}

function variables({ env }: Launch, flag: string): string {
  return Object.entries(env)
    .map(([key, value]) => ` ${flag} ${inShell(`${key}=${value}`)}`)
    .join("");
}

function commandLine({ command, args }: Launch): string {
  return [command, ...args].map(inShell).join(" ");
}

function inShell(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;
}
