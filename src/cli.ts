#!/usr/bin/env node
import { Console } from "node:console";
import { once } from "node:events";
import os from "node:os";
import { fileURLToPath } from "node:url";
import type { App } from "./app.ts";
import { openBlobs } from "./blobs/open.ts";
import { Backend } from "./comfy/backend.ts";
import { ComfyClient } from "./comfy/client.ts";
import { Pool } from "./comfy/pool.ts";
import { type Config, folderWarnings, readConfig } from "./config.ts";
import { AppError, messageOf, refusal } from "./errors.ts";
import type { Deps } from "./faces/mcp/deps.ts";
import { checkNames } from "./faces/mcp/offer.ts";
import { serveStdio } from "./faces/mcp/stdio.ts";
import { allTools } from "./faces/mcp/tools.ts";
import { backends } from "./faces/terminal/backends.ts";
import { type Flags, type Invocation, readCommandLine } from "./faces/terminal/command-line.ts";
import { convertWorkflow } from "./faces/terminal/convert.ts";
import { doctor, fixConfig } from "./faces/terminal/doctor/doctor.ts";
import { launchOf } from "./faces/terminal/doctor/launch.ts";
import { generate } from "./faces/terminal/generate.ts";
import { checkTool, generateCall, numberOf } from "./faces/terminal/generate-request.ts";
import { greet } from "./faces/terminal/greeting.ts";
import { checkWorkflow, initWorkflow } from "./faces/terminal/workflow.ts";
import type { PortOption } from "./http-config.ts";
import { createLog } from "./log.ts";
import { optionLabel } from "./options.ts";
import { ownerOf } from "./studio/caller.ts";
import { version } from "./version.ts";
import { withApp, withBackend } from "./with-app.ts";

async function main(args: string[]): Promise<void> {
  // What a library says must not get between the lines of MCP.
  globalThis.console = new Console(process.stderr);
  const read = readCommandLine(args, version);
  if ("text" in read) return void process.stdout.write(read.text);
  switch (read.command) {
    case "serve":
      return runServer(read);
    case "generate":
      return runGenerate(read);
    case "emulator":
      return runEmulator(read);
    case "doctor":
      return runDoctor(read);
    case "migrate":
      return runMigrate(read);
    case "backends":
      return runBackends(read);
    case "workflow check":
    case "workflow convert":
    case "workflow init":
      return runWorkflow(read);
  }
}

async function runServer({ flags }: Invocation): Promise<void> {
  const stop = new AbortController();
  for (const signal of ["SIGINT", "SIGTERM"]) process.once(signal, () => stop.abort());
  const given = readConfig(flags, process.env);
  await warnOfFolders(given);
  await withApp(given, async (app, config) => {
    const log = createLog(config.logLevel);
    const { catalog, studio, secret } = app;
    const { waitSeconds, tools } = config;
    const { resultLinks, resultImages, mcpTasks } = config;
    const offer = { operator: tools };
    const mcp = { catalog, log, waitSeconds, offer, resultLinks, resultImages, mcpTasks };
    const owner = studio(ownerOf({ roots: config.inputRoots }, "mcp"));
    app.lookForSaved();
    warnOfTools({ ...mcp, studio: owner });
    if (config.http) {
      // A client that starts this on stdin waits for no router.
      const { serveHttp } = await import("./faces/http/serve.ts");
      const server = await serveHttp({
        config: config.http,
        studio,
        secret,
        mcp,
        log,
        demo: config.demo,
      });
      process.stderr.write(
        `comfy-easel ${version} serves ${server.url}/ (the page) and ${server.url}/mcp\n`,
      );
      for (const [option, url] of Object.entries(server.own)) {
        process.stderr.write(`  ${optionLabel(option as PortOption)}: ${url}\n`);
      }
      if (!stop.signal.aborted) await once(stop.signal, "abort");
      return server.close();
    }
    const greeting = process.stdin.isTTY ? greetOn(config) : undefined;
    await serveStdio({ ...mcp, studio: owner }, stop.signal);
    await greeting?.close();
  });
}

/** The question to ComfyUI goes on in the background; the server does not wait for it. */
function greetOn({ comfyuis, dataDir }: Config): { close(): Promise<void> } {
  const clients = comfyuis.map((target) => new ComfyClient(target));
  let isClosed = false;
  void greet({
    version,
    dataDir,
    comfyuis: comfyuis.map(({ url, name }, i) => ({
      name: name ? `${url} (${name})` : url,
      ask: async () => (await clients[i]?.systemStats())?.system.comfyui_version,
    })),
    write: (text) => {
      if (!isClosed) process.stderr.write(text);
    },
  });
  return {
    async close() {
      isClosed = true;
      await Promise.all(clients.map((client) => client.close()));
    },
  };
}

async function runGenerate({ flags, operands }: Invocation): Promise<void> {
  const config = readConfig(flags, process.env);
  const call = generateCall(flags, operands, process.cwd());
  await warnOfFolders({ ...config, inputRoots: [] });
  await withApp(config, async ({ catalog, studio }) => {
    checkTool(call.tool, catalog.tools());
    // Whoever has a shell may read and write wherever the shell may.
    const caller = ownerOf({ roots: call.folders, base: process.cwd() }, "shell");
    const paths = await generate(studio(caller), call, process.stderr);
    process.stdout.write(`${paths.join("\n")}\n`);
  });
}

async function runDoctor({ flags }: Invocation): Promise<void> {
  const given = readConfig(flags, process.env);
  const terminal = { stdin: process.stdin, stdout: process.stdout };
  const launch = launchOf(flags, process.env, fileURLToPath(import.meta.url));
  const client = flags["fix-config"]?.at(-1);
  if (client !== undefined) {
    const machine = {
      platform: process.platform,
      home: os.homedir(),
      appData: process.env["APPDATA"],
      workingDir: process.cwd(),
    };
    return fixConfig(client, launch, machine, terminal, flags["yes"] !== undefined);
  }
  const work = async ({ studio }: App, config: Config) => {
    const asked = config.comfyuis.map((target) => new ComfyClient(target));
    try {
      const parts = {
        version,
        node: process,
        dataDir: config.dataDir,
        studio: studio(ownerOf({ roots: [] }, "shell")),
        clock: async () => {
          const there = await Promise.any(asked.map((client) => client.clock()));
          return there === undefined ? undefined : { there, here: Date.now() };
        },
      };
      // For scripts: a failure of the examined, not of the examination.
      if (!(await doctor(parts, flags, launch, terminal))) process.exitCode = 1;
    } finally {
      await Promise.all(asked.map((client) => client.close()));
    }
  };
  await withApp({ ...given, logLevel: "silent" }, work, { onlyLooks: true });
}

async function runMigrate({ flags }: Invocation): Promise<void> {
  const [to, from] = [flags["to"]?.at(-1), flags["from"]?.at(-1)];
  const config = readConfig({ ...flags, ...(to ? { "database-url": [to] } : {}) }, process.env);
  const { dataDir, databaseUrl, logLevel } = config;
  if (databaseUrl === undefined) throw refusal("--to: missing. Name the PostgreSQL to move into.");
  const { migrate } = await import("./migrate.ts");
  const isMoved = flags["blobs"] ?? process.env["EASEL_BLOBS"];
  const report = await migrate({
    from: from ?? dataDir,
    to: databaseUrl,
    blobs: isMoved ? openBlobs(config.blobs) : undefined,
    log: createLog(logLevel),
    progress: (line) => process.stderr.write(`${line}\n`),
  });
  for (const problem of report.problems) process.stderr.write(`problem: ${problem}\n`);
  process.stdout.write(
    `${report.rows} rows and ${report.blobs} pictures and inputs (${report.bytes} bytes) are there and verified.\n`,
  );
  if (report.problems.length > 0) process.exitCode = 1;
}

async function runBackends({ flags, operands }: Invocation): Promise<void> {
  const work = async ({ studio }: App) => {
    const owner = studio(ownerOf({ roots: [] }, "shell"));
    const shown = await backends(owner, operands, flags["json"] !== undefined);
    process.stdout.write(`${shown}\n`);
  };
  await withApp(readConfig(flags, process.env), work, { onlyLooks: true });
}

async function runWorkflow({ command, flags, operands }: Invocation): Promise<void> {
  const [file = ""] = operands;
  await withBackend(readConfig(flags, process.env), async ({ comfyuis, logLevel }) => {
    const log = createLog(logLevel);
    const pool = new Pool(comfyuis.map((target) => new Backend(target, log)));
    const url = comfyuis.map((target) => target.url).join(", ");
    const backend = { url, objectInfo: () => pool.objectInfo() };
    try {
      if (command === "workflow init") {
        const force = flags["force"] !== undefined;
        const written = await initWorkflow(file, { force, ...backend });
        return void process.stdout.write(`${written}\n`);
      }
      if (command === "workflow convert") {
        const complete = flags["complete"] !== undefined;
        const { json, notes } = await convertWorkflow(file, backend, { complete });
        for (const note of notes) process.stderr.write(`note: ${note}\n`);
        return void process.stdout.write(`${json}\n`);
      }
      const { report, ok } = await checkWorkflow(file, backend);
      process.stdout.write(`${report}\n`);
      if (!ok) throw new AppError("workflow_invalid", `${file} cannot run as it is.`);
    } finally {
      await pool.close();
    }
  });
}

async function runEmulator({ flags }: Invocation): Promise<void> {
  const port = whole(flags, "port", 8188, 65_535);
  const nodeMs = whole(flags, "node-ms", 0, 3_600_000);
  const stepMs = whole(flags, "step-ms", 0, 3_600_000);
  const host = flags["host"]?.at(-1);
  const { Emulator } = await import("./emulator/emulator.ts");
  const emulator = await Emulator.start({
    port,
    ...(host ? { host } : {}),
    timing: { nodeMs, stepMs, loadMs: nodeMs },
    control: true,
  }).catch((error) => {
    throw refusal(
      `--port: ${port} cannot be listened on (${messageOf(error)}). Choose another; 0 takes any free one.`,
      error,
    );
  });
  process.stdout.write(`${emulator.url}\n`);
  await new Promise<void>((resolve) => {
    process.once("SIGINT", resolve);
    process.once("SIGTERM", resolve);
  });
  await emulator.close();
}

function whole(flags: Flags, flag: string, standard: number, most: number): number {
  const given = flags[flag]?.at(-1);
  const number = given === undefined ? standard : numberOf(flag, given);
  if (Number.isInteger(number) && number >= 0 && number <= most) return number;
  throw refusal(`--${flag}: ${given} is not a whole number from 0 to ${most}.`);
}

async function warnOfFolders(config: Config): Promise<void> {
  const log = createLog(config.logLevel);
  for (const warning of await folderWarnings(config)) log.warn(warning);
}

/** A tool that is not there now may come with a workflow. */
function warnOfTools(deps: Deps): void {
  const known = allTools(deps).map(({ name }) => name);
  try {
    checkNames(optionLabel("tools"), deps.offer.operator ?? [], known);
  } catch (error) {
    deps.log.warn(messageOf(error));
  }
}

/** Whatever still holds the process after an orderly end (a stuck socket) does not hold it long. */
function leave(code: number): void {
  process.exitCode = code;
  setTimeout(() => process.exit(code), 3_000).unref();
}

main(process.argv.slice(2)).then(
  () => leave(Number(process.exitCode ?? 0)),
  (error) => {
    const known = error instanceof AppError;
    process.stderr.write(`${known ? messageOf(error) : (error?.stack ?? error)}\n`);
    leave(known && error.code === "invalid_input" ? 2 : 1);
  },
);
