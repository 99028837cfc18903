#!/usr/bin/env node
import path from "node:path";
import { type App, createApp } from "./app.ts";
import { ComfyClient } from "./comfy/client.ts";
import { parseTarget } from "./comfy/target.ts";
import { type Config, type ExtraOptions, optionsHelp, readCommandLine } from "./config.ts";
import { AppError, messageOf } from "./errors.ts";
import { serveStdio } from "./faces/mcp/stdio.ts";
import { generate } from "./faces/terminal/generate.ts";
import { checkWorkflow, initWorkflow } from "./faces/terminal/workflow.ts";
import { createLog } from "./log.ts";
import { owner } from "./studio/caller.ts";
import { version } from "./version.ts";
import { type OutputFormat, outputFormats, type TaskRequest } from "./workflows/request.ts";

const help = `comfy-easel ${version}: an MCP server that gives AI assistants a picture studio on ComfyUI

  comfy-easel [options]                     serve MCP on stdin and stdout
  comfy-easel --demo                        the same with the embedded emulator as its ComfyUI
  comfy-easel generate "a fox in the snow"  make a picture; its path goes to stdout
      [--out FILE] [--workflow NAME] [--width N] [--height N] [--aspect-ratio R] [--seed N]
      [--count N] [--steps N] [--guidance X] [--negative-prompt TEXT] [--output-format png|jpeg|webp]
  comfy-easel emulator [--port N] [--host ADDRESS] [--node-ms N] [--step-ms N]
                                            the emulator alone (default 127.0.0.1:8188)
  comfy-easel workflow check FILE           what an API export's parameters are, and what ComfyUI lacks
  comfy-easel workflow init FILE [--force]  write NAME.binding.json beside it, to be edited

Options (each also an environment variable):
${optionsHelp()}
`;

const generateOptions = {
  out: { type: "string" },
  workflow: { type: "string" },
  width: { type: "string" },
  height: { type: "string" },
  "aspect-ratio": { type: "string" },
  seed: { type: "string" },
  count: { type: "string" },
  steps: { type: "string" },
  guidance: { type: "string" },
  "negative-prompt": { type: "string" },
  "output-format": { type: "string" },
} as const satisfies ExtraOptions;

const workflowOptions = { force: { type: "boolean" } } as const satisfies ExtraOptions;

const emulatorOptions = {
  port: { type: "string" },
  host: { type: "string" },
  "node-ms": { type: "string" },
  "step-ms": { type: "string" },
} as const satisfies ExtraOptions;

/** Slow enough to watch a sampler, quick enough to wait for. */
const demoTiming = { nodeMs: 20, stepMs: 80, loadMs: 150 };

async function main(args: string[]): Promise<void> {
  if (args.includes("--help") || args.includes("-h")) return void process.stdout.write(help);
  if (args.includes("--version")) return void process.stdout.write(`${version}\n`);
  const [command, ...rest] = args;
  if (command === "generate") return runGenerate(rest);
  if (command === "workflow") return runWorkflow(rest);
  if (command === "emulator") return runEmulator(rest);
  return runStdio(args);
}

async function runStdio(args: string[]): Promise<void> {
  const { config, positionals } = readCommandLine(args, process.env);
  if (positionals.length > 0) {
    throw new AppError(
      "invalid_input",
      `There is no command ${JSON.stringify(positionals[0])}. Commands: generate, workflow, emulator; without one it serves MCP.`,
    );
  }
  await withApp(config, async (app) => {
    const stop = new Promise<void>((resolve) => {
      process.once("SIGINT", resolve);
      process.once("SIGTERM", resolve);
    });
    const deps = {
      catalog: app.catalog,
      studio: app.studio(owner),
      log: createLog(config.logLevel),
      waitSeconds: config.waitSeconds,
      resultLinks: config.resultLinks,
      resultImages: config.resultImages,
    };
    await Promise.race([serveStdio(deps), stop]);
  });
}

async function runGenerate(args: string[]): Promise<void> {
  const { config, extra, positionals } = readCommandLine(args, process.env, generateOptions);
  const prompt = positionals.join(" ").trim();
  if (prompt === "") {
    throw new AppError(
      "invalid_input",
      'prompt: missing. Try: comfy-easel generate "a fox in the snow"',
    );
  }
  const request = requestFrom(prompt, extra);
  const out = extra["out"];
  if (out !== undefined) {
    // Whoever has a shell may write wherever the shell may.
    config.inputRoots = [path.parse(path.resolve(out)).root];
    const isFolder = /[\\/]$/.test(out);
    request.saveTo = path.resolve(out) + (isFolder ? path.sep : "");
    request.overwrite = true;
  }
  await withApp(config, async (app) => {
    const paths = await generate(app.studio(owner), request);
    process.stdout.write(`${paths.join("\n")}\n`);
  });
}

function requestFrom(prompt: string, extra: Record<string, string | undefined>): TaskRequest {
  const parameters: Record<string, unknown> = { prompt };
  for (const name of ["width", "height", "steps", "guidance"]) {
    if (extra[name] !== undefined) parameters[name] = numberOf(name, extra[name]);
  }
  if (extra["negative-prompt"] !== undefined)
    parameters["negative_prompt"] = extra["negative-prompt"];
  const request: TaskRequest = { parameters };
  if (extra["workflow"]) request.workflow = extra["workflow"];
  if (extra["aspect-ratio"]) request.aspectRatio = extra["aspect-ratio"];
  if (extra["seed"]) request.seed = numberOf("seed", extra["seed"]);
  if (extra["count"]) request.count = numberOf("count", extra["count"]);
  const format = extra["output-format"];
  if (format) request.outputFormat = formatOf(format);
  return request;
}

function numberOf(flag: string, text: string): number {
  const number = Number(text);
  if (text.trim() !== "" && Number.isFinite(number)) return number;
  throw new AppError("invalid_input", `--${flag}: expected a number, got ${JSON.stringify(text)}`);
}

function formatOf(text: string): OutputFormat {
  const format = outputFormats.find((known) => known === text);
  if (format) return format;
  throw new AppError(
    "invalid_input",
    `--output-format: expected ${outputFormats.join(", ")}, got ${JSON.stringify(text)}`,
  );
}

async function runWorkflow(args: string[]): Promise<void> {
  const { config: given, extra, positionals } = readCommandLine(args, process.env, workflowOptions);
  const [action, file, ...more] = positionals;
  if ((action !== "check" && action !== "init") || file === undefined || more.length > 0) {
    throw new AppError(
      "invalid_input",
      "workflow: expected check or init and one file. Try: comfy-easel workflow check my-export.json",
    );
  }
  await withBackend(given, async ({ comfyui }) => {
    const client = new ComfyClient(comfyui);
    const objectInfo = () => client.objectInfo();
    try {
      if (action === "init") {
        const force = extra["force"] !== undefined;
        const written = await initWorkflow(file, { force, objectInfo });
        return void process.stdout.write(`${written}\n`);
      }
      const { report, ok } = await checkWorkflow(file, { url: comfyui.url, objectInfo });
      process.stdout.write(`${report}\n`);
      if (!ok) throw new AppError("workflow_invalid", `${file} cannot run as it is.`);
    } finally {
      await client.close();
    }
  });
}

async function runEmulator(args: string[]): Promise<void> {
  const { extra } = readCommandLine(args, process.env, emulatorOptions);
  const { Emulator } = await import("./emulator/emulator.ts");
  const ms = (flag: string) => (extra[flag] === undefined ? 0 : numberOf(flag, extra[flag]));
  const port = extra["port"] === undefined ? 8188 : numberOf("port", extra["port"]);
  const emulator = await Emulator.start({
    port,
    ...(extra["host"] ? { host: extra["host"] } : {}),
    timing: { nodeMs: ms("node-ms"), stepMs: ms("step-ms"), loadMs: ms("node-ms") },
    control: true,
  }).catch((error) => {
    throw new AppError(
      "invalid_input",
      `--port: ${port} cannot be listened on (${messageOf(error)}). Choose another; 0 takes any free one.`,
      { cause: error },
    );
  });
  process.stdout.write(`${emulator.url}\n`);
  await new Promise<void>((resolve) => {
    process.once("SIGINT", resolve);
    process.once("SIGTERM", resolve);
  });
  await emulator.close();
}

/** Builds the app (and, for a demo, its ComfyUI), and takes it all down again. */
function withApp(given: Config, work: (app: App) => Promise<void>): Promise<void> {
  return withBackend(given, async (config) => {
    const app = await createApp(config, createLog(config.logLevel));
    try {
      await work(app);
    } finally {
      await app.close();
    }
  });
}

/** A demo's ComfyUI is the embedded emulator, for as long as the work lasts. */
async function withBackend(config: Config, work: (config: Config) => Promise<void>): Promise<void> {
  if (!config.demo) return work(config);
  const { Emulator } = await import("./emulator/emulator.ts");
  const emulator = await Emulator.start({ timing: demoTiming });
  try {
    const comfyui = { ...parseTarget(emulator.url), name: "the embedded emulator" };
    await work({ ...config, comfyui });
  } finally {
    await emulator.close();
  }
}

/** Whatever still holds the process after an orderly end (a stuck socket) does not hold it long. */
function leave(code: number): void {
  process.exitCode = code;
  setTimeout(() => process.exit(code), 3_000).unref();
}

main(process.argv.slice(2)).then(
  () => leave(0),
  (error) => {
    const known = error instanceof AppError;
    process.stderr.write(`${known ? messageOf(error) : (error?.stack ?? error)}\n`);
    leave(known && error.code === "invalid_input" ? 2 : 1);
  },
);
