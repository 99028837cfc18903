import { existsSync } from "node:fs";
import path from "node:path";
import { AppError, refusal } from "../../errors.ts";
import { isPicture } from "../../tasks/guests.ts";
import { nearest } from "../../words.ts";
import { requestFrom } from "../../workflows/own-options.ts";
import { outputFormats, type TaskRequest } from "../../workflows/request.ts";
import type { Flags } from "./command-line.ts";
import { type GenerateOption, generateOptions } from "./generate-options.ts";

export interface GenerateCall {
  tool: string;
  request: TaskRequest;
  /** Folders the call reads from and writes to. */
  folders: string[];
}

/**
 * What a shell asks for, as a tool's call. Relative paths start at `cwd`. Throws `invalid_input`
 * that names the flag.
 */
export function generateCall(flags: Flags, operands: readonly string[], cwd: string): GenerateCall {
  const tool = flags["tool"]?.at(-1) ?? standardTool(flags);
  const args: Record<string, unknown> = {};
  for (const option of generateOptions) {
    const given = flags[option.flag];
    if (given === undefined || option.flag === "tool") continue;
    refuseOtherTool(option, tool);
    args[option.parameter] = readValue(option, given);
  }
  const prompt = operands.join(" ").trim();
  if (prompt !== "") args["prompt"] = prompt;
  else if (tool === "generate_image" && !isPicture(String(args["workflow"]))) {
    throw refusal('prompt: missing. Try: comfy-easel generate "a fox in the snow"');
  }
  const folders = resolvePaths(args, cwd);
  return { tool, request: requestFrom(args), folders };
}

/**
 * Makes paths absolute, and returns the folders they lie in: whoever has a shell may read and
 * write wherever the shell may, in hidden folders too.
 */
function resolvePaths(args: Record<string, unknown>, cwd: string): string[] {
  const folders = [path.parse(cwd).root];
  for (const name of ["image", "mask", "background", "save_to"]) {
    const value = args[name];
    if (typeof value !== "string" || !isPath(value)) continue;
    const file = path.resolve(cwd, value);
    folders.push(path.parse(file).root, existing(path.dirname(file)));
    if (name === "save_to") args[name] = file + (/[\\/]$/.test(value) ? path.sep : "");
  }
  return [...new Set(folders)];
}

function existing(folder: string): string {
  const parent = path.dirname(folder);
  return parent === folder || existsSync(folder) ? folder : existing(parent);
}

/** Refuses a tool that is not among the `known`, with near names. */
export function checkTool(tool: string, known: readonly string[]): void {
  if (known.includes(tool)) return;
  const close = nearest(tool, known);
  const hint =
    close.length > 0 ? `Did you mean ${close.join(" or ")}?` : `Tools: ${known.join(", ")}.`;
  throw refusal(`--tool: there is no tool ${JSON.stringify(tool.slice(0, 60))}. ${hint}`);
}

/** A refusal for whoever typed flags: tools name their parameters. */
export function inFlags(error: unknown): unknown {
  if (!(error instanceof AppError)) return error;
  const [start = "", name = ""] = /^(\w+): /.exec(error.message) ?? [];
  const option = generateOptions.find(({ parameter }) => parameter === name);
  const rest = error.message.slice(start.length).replaceAll("overwrite: true", "--overwrite");
  const message = option ? `--${option.flag}: ${rest}` : error.message;
  return new AppError(error.code, message, { cause: error });
}

function standardTool(flags: Flags): string {
  if (flags["mask"]) return "inpaint";
  return flags["image"] ? "img2img" : "generate_image";
}

function refuseOtherTool({ flag, tools }: GenerateOption, tool: string): void {
  if (tools === undefined || tools.includes(tool)) return;
  throw refusal(`--${flag}: ${tool} does not take it; it goes with --tool ${tools.join(" or ")}.`);
}

function readValue({ flag, kind, parameter }: GenerateOption, given: readonly string[]): unknown {
  const last = given.at(-1) ?? "";
  if (kind === "list") return given;
  if (kind === "switch") return true;
  if (kind === "number") return numberOf(flag, last);
  if (parameter === "output_format") {
    const known = outputFormats.find((format) => format === last);
    if (known) return known;
    throw refusal(
      `--${flag}: expected ${outputFormats.join(", ")}, got ${JSON.stringify(last.slice(0, 60))}`,
    );
  }
  return last;
}

/** Throws `invalid_input` that names the flag. */
export function numberOf(flag: string, text: string): number {
  const number = Number(text);
  if (text.trim() !== "" && Number.isFinite(number)) return number;
  throw refusal(`--${flag}: expected a number, got ${JSON.stringify(text.slice(0, 60))}`);
}

function isPath(text: string): boolean {
  return text.length < 4096 && !/^[a-z][a-z0-9+.-]+:/i.test(text);
}
