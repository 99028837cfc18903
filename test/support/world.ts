import { mkdtemp, rm } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import type { Progress } from "@modelcontextprotocol/sdk/types.js";
import { inject, onTestFinished } from "vitest";
import { type App, type AppOptions, createApp } from "../../src/app.ts";
import { Backend } from "../../src/comfy/backend.ts";
import { parseTarget } from "../../src/comfy/target.ts";
import type { Config } from "../../src/config.ts";
import { Emulator, type EmulatorOptions } from "../../src/emulator/emulator.ts";
import type { Deps } from "../../src/faces/mcp/deps.ts";
import { createLog, type Log } from "../../src/log.ts";
import { shipped } from "../../src/shipped.ts";
import { ownerOf } from "../../src/studio/caller.ts";
import type { WorkflowFolder } from "../../src/workflows/load-folder.ts";
import { shippedFolder } from "../../src/workflows/shipped-folder.ts";
import {
  type Client,
  type ClientOptions,
  connectBy,
  memoryTransport,
  pipeTransport,
  type Way,
} from "./client.ts";
import { connectOverHttp } from "./http.ts";

/** Everything here is taken down when the test that asked for it has finished. */

export async function tempDir(): Promise<string> {
  const dir = await mkdtemp(path.join(os.tmpdir(), "comfy-easel-test-"));
  onTestFinished(() => rm(dir, { recursive: true, force: true, maxRetries: 5 }));
  return dir;
}

export async function startEmulator(options: EmulatorOptions = {}): Promise<Emulator> {
  const emulator = await Emulator.start(options);
  onTestFinished(() => emulator.close());
  return emulator;
}

/** A log that keeps its lines. */
export function quietLog(): Log & { lines: string[] } {
  const lines: string[] = [];
  return { ...createLog("debug", (line) => lines.push(line)), lines };
}

export function startBackend(url: string): Backend {
  const backend = new Backend(parseTarget(url), quietLog());
  onTestFinished(() => backend.close());
  return backend;
}

export interface World {
  app: App;
  deps: Deps;
  log: Log & { lines: string[] };
  dataDir: string;
}

/** @param url of a ComfyUI, or of several */
export async function startApp(
  url: string | readonly string[],
  overrides: Partial<Config> = {},
  options: AppOptions = {},
): Promise<World> {
  const world = await openApp(url, overrides.dataDir ?? (await tempDir()), overrides, options);
  onTestFinished(() => world.app.close());
  return world;
}

/** Frozen, and the same for every app. */
let shippedWorkflows: Promise<WorkflowFolder> | undefined;

/** As `startApp`, for whoever closes it. */
export async function openApp(
  url: string | readonly string[],
  dataDir: string,
  overrides: Partial<Config> = {},
  options: AppOptions = {},
): Promise<World> {
  const log = quietLog();
  shippedWorkflows ??= shippedFolder(shipped.workflows, shipped.compiledWorkflows);
  const app = await createApp(
    {
      comfyuis: [url].flat().map((each) => parseTarget(each)),
      isComfyuiGuessed: false,
      dataDir,
      databaseUrl: undefined,
      blobs: { dir: dataDir },
      workflowsDir: undefined,
      savedWorkflows: "apps",
      stylesDir: undefined,
      wildcardsDir: undefined,
      waitSeconds: 45,
      inputRoots: [dataDir],
      deliverBySocket: false,
      handOver: [url].flat().length > 1 ? "few" : "all",
      replaceAfterSeconds: 15,
      mostWaiting: 10_000,
      lostAfterSeconds: 3600,
      startPatienceSeconds: 300,
      freeAfterSeconds: undefined,
      keepDays: undefined,
      keepGb: undefined,
      allowPrivateUrls: false,
      resultLinks: "auto",
      resultImages: "allow",
      mcpTasks: false,
      logLevel: "debug",
      demo: false,
      tools: undefined,
      http: undefined,
      ...overrides,
    },
    log,
    { shippedWorkflows: await shippedWorkflows, ...options },
  );
  const deps: Deps = {
    catalog: app.catalog,
    studio: app.studio(ownerOf({ roots: overrides.inputRoots ?? [dataDir], base: dataDir })),
    log,
    waitSeconds: overrides.waitSeconds ?? 45,
    resultLinks: overrides.resultLinks ?? "auto",
    resultImages: overrides.resultImages ?? "allow",
    mcpTasks: overrides.mcpTasks ?? false,
    offer: { operator: overrides.tools },
  };
  return { app, deps, log, dataDir };
}

declare module "vitest" {
  interface ProvidedContext extends Way {}
}

/** All ways in which a client comes. */
export const allWays = (["memory", "stdio", "http"] as const).flatMap((transport) =>
  (["2025-11-25", "2026-07-28"] as const).map((revision): Way => ({ transport, revision })),
);

function wayOfProject(): Way {
  return { transport: inject("transport"), revision: inject("revision") };
}

/** Clients come over HTTP without sessions, where a lost connection is a cancel. */
export function isStateless(): boolean {
  const { transport, revision } = wayOfProject();
  return transport === "http" && revision === "2026-07-28";
}

/** A real SDK client, over a transport and of a revision. */
export async function connect(deps: Deps, options: string | ClientOptions = {}): Promise<Client> {
  const wish = typeof options === "string" ? { name: options } : options;
  const { transport, revision } = wish.way ?? wayOfProject();
  if (transport === "http") return connectOverHttp(deps, wish);
  const end = transport === "stdio" ? pipeTransport(deps) : memoryTransport(deps);
  const client = await connectBy(revision, end, wish);
  onTestFinished(() => client.close());
  return client;
}

export interface ToolAnswer {
  isError: boolean;
  /** The first text block. */
  text: string;
  content: { type: string; [key: string]: unknown }[];
  structured: Record<string, unknown> | undefined;
  progress: Progress[];
}

export interface CallOptions {
  signal?: AbortSignal;
  timeout?: number;
  onprogress?: (progress: Progress) => void;
}

export async function call(
  client: Client,
  name: string,
  args: Record<string, unknown> = {},
  options: CallOptions = {},
): Promise<ToolAnswer> {
  const progress: Progress[] = [];
  const result = await client.callTool(
    { name, arguments: args },
    {
      ...options,
      onprogress: (event) => {
        progress.push(event);
        options.onprogress?.(event);
      },
    },
  );
  const content = result.content as ToolAnswer["content"];
  return {
    isError: result.isError === true,
    text: String(content.find((block) => block.type === "text")?.["text"] ?? ""),
    content,
    structured: result.structuredContent as Record<string, unknown> | undefined,
    progress,
  };
}

/** The task id an answer names. */
export function taskIdIn(text: string): string {
  const id = /\bt[0-9a-z]{16}\b/.exec(text)?.[0];
  if (!id) throw new Error(`no task id in: ${text}`);
  return id;
}

export function imageIdsIn(text: string): string[] {
  return [...text.matchAll(/image (t[0-9a-z]{16}-\d+)/g)].map((match) => String(match[1]));
}

/** The paths a result names, one a picture. */
export function pathsIn(text: string): string[] {
  return [...text.matchAll(/\n {2}(\/\S.*)/g)].map((match) => String(match[1]));
}
