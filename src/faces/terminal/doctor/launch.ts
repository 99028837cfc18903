import path from "node:path";
import { type Option, type OptionName, options } from "../../../options.ts";
import type { Flags } from "../command-line.ts";
import type { Launch } from "./clients.ts";

/** What makes the pictures and where they are; the rest is for a person to choose. */
const carried = [
  "comfyuiUrl",
  "comfyuiHeader",
  "comfyuiInsecureTls",
  "backends",
  "dataDir",
  "workflowsDir",
  "savedWorkflows",
  "stylesDir",
  "wildcardsDir",
  "inputRoots",
  "delivery",
  "demo",
] as const satisfies readonly OptionName[];

/**
 * How a client starts this server as it was started now: the same ComfyUI and folders, as
 * variables. A package that npm has put there is named, a checkout by its file.
 */
export function launchOf(flags: Flags, variables: NodeJS.ProcessEnv, cli: string): Launch {
  const env: Record<string, string> = {};
  for (const name of carried) {
    const { flag, env: variable, value: kind }: Option & { env: string } = options[name];
    const given = flags[flag];
    if (given === undefined) {
      const value = variables[variable];
      if (value) env[variable] = value;
    } else if (kind === "FOLDER" || kind === "FILE") {
      // A client starts it elsewhere.
      env[variable] = given.map((folder) => path.resolve(folder)).join(path.delimiter);
    } else env[variable] = given.join("\n");
  }
  const isPackage = cli.split(path.sep).includes("node_modules");
  return isPackage
    ? { command: "npx", args: ["-y", "comfy-easel"], env }
    : { command: "node", args: [cli], env };
}
