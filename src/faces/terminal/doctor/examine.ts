import { accessSync, constants } from "node:fs";
import { mkdir, statfs } from "node:fs/promises";
import { messageOf } from "../../../errors.ts";
import type { BackendState } from "../../../studio/backend-states.ts";
import type { Studio } from "../../../studio/studio.ts";
import type { WorkflowState } from "../../../studio/workflow-states.ts";
import { counted } from "../../../words.ts";
import { addressOfSource } from "../../../workflows/source-address.ts";

/** Whether one thing is as it must be; "note" is for what works and may still surprise. */
export interface Check {
  name: string;
  state: "ok" | "note" | "problem";
  /** What was seen and, where it is not ok, what to do. */
  text: string;
}

/** A file that a workflow lacks. */
export interface Download {
  file: string;
  /** Below ComfyUI's `models/`. */
  folder?: string;
  source?: string;
  /** Where a browser finds it. */
  url?: string;
}

export interface Examination {
  version: string;
  checks: Check[];
  ready: { tool: string; workflow: string; title: string }[];
  /** The least to install first. */
  missing: {
    tool: string;
    workflow: string;
    title: string;
    downloads: Download[];
    packs: string[];
    /** All of it in words. */
    text: string;
  }[];
  /** Whether `generate_image` with a prompt alone gives a picture that is kept. */
  firstPicture: { works: boolean; text: string };
}

export interface ExamineParts {
  version: string;
  node: { version: string; platform: string; arch: string };
  dataDir: string;
  studio: Studio;
  /** By a ComfyUI's own clock, and when it was asked; undefined where it does not say. */
  clock(): Promise<{ there: number; here: number } | undefined>;
}

const gibibyte = 2 ** 30;
/** A picture takes a few MB and its preview less. */
const scarceBytes = 2 * gibibyte;
/** Signed links and tokens are off by that much. */
const clockOffMs = 60_000;

/** Looks at everything that a first picture needs, and changes nothing but an empty data folder. */
export async function examine(parts: ExamineParts): Promise<Examination> {
  const { studio } = parts;
  const [folder, backends, { states, problem }, clock] = await Promise.all([
    checkFolder(parts.dataDir),
    studio.backends("all"),
    studio.workflows(),
    checkClock(parts),
  ]);
  const ready = states.filter((state) => state.ready);
  const missing = states.filter((state) => state.ready === false).toSorted(byEffort);
  const checks = [
    checkNode(parts.node),
    folder,
    await checkDatabase(studio),
    ...backends.map(checkBackend),
    ...clock,
  ];
  const first = ready.find(({ workflow }) => workflow.tool === "generate_image");
  return {
    version: parts.version,
    checks,
    ready: ready.map(({ workflow }) => named(workflow)),
    missing: missing.map(({ workflow, lacks }) => ({
      ...named(workflow),
      downloads: (lacks?.models ?? []).map(download),
      packs: lacks?.packs ?? [],
      text: lacks?.text ?? "",
    })),
    firstPicture: firstPicture(first, problem, folder, missing),
  };
}

function download({ file, folder, source }: Omit<Download, "url">): Download {
  const url = addressOfSource(source);
  return {
    file,
    ...(folder === undefined ? {} : { folder }),
    ...(source === undefined ? {} : { source }),
    ...(url === undefined ? {} : { url }),
  };
}

function named({ tool, name, title }: WorkflowState["workflow"]) {
  return { tool, workflow: name, title };
}

function firstPicture(
  first: WorkflowState | undefined,
  problem: string | undefined,
  folder: Check,
  missing: readonly WorkflowState[],
): Examination["firstPicture"] {
  if (folder.state === "problem") return { works: false, text: folder.text };
  if (problem !== undefined) return { works: false, text: problem };
  if (first) {
    return { works: true, text: `${first.workflow.title} (${first.workflow.name}) makes it.` };
  }
  const least = missing.find(({ workflow }) => workflow.tool === "generate_image");
  const text = least?.lacks?.text ?? "No workflow is there for it.";
  return { works: false, text: `No workflow can make one yet. The least to install: ${text}` };
}

function byEffort(a: WorkflowState, b: WorkflowState): number {
  return effortOf(a) - effortOf(b);
}

function effortOf({ lacks }: WorkflowState): number {
  return (lacks?.files.length ?? 0) + (lacks?.packs.length ?? 0);
}

function checkNode({ version, platform, arch }: ExamineParts["node"]): Check {
  return { name: "Node", state: "ok", text: `${version} on ${platform} ${arch}` };
}

async function checkFolder(dataDir: string): Promise<Check> {
  const name = "data folder";
  try {
    await mkdir(dataDir, { recursive: true, mode: 0o700 });
    accessSync(dataDir, constants.W_OK);
    const { bavail, bsize } = await statfs(dataDir);
    const free = bavail * bsize;
    const text = `${dataDir} (${gigabytes(free)} free)`;
    if (free >= scarceBytes) return { name, state: "ok", text };
    return { name, state: "note", text: `${text}: little room for pictures; see --keep-gb.` };
  } catch (error) {
    const text = `${dataDir} cannot be written (${messageOf(error)}). Name another with --data-dir.`;
    return { name, state: "problem", text };
  }
}

async function checkDatabase(studio: Studio): Promise<Check> {
  const name = "database";
  const { notice } = studio;
  if (notice !== undefined) return { name, state: "problem", text: notice };
  return { name, state: "ok", text: `${counted(await studio.count({}), "task")} on record` };
}

function checkBackend(backend: BackendState): Check {
  const { state, problem, version, gpu, vramFree, vramTotal, running, waiting } = backend;
  const name = `ComfyUI at ${backend.name}`;
  if (state === "away") return { name, state: "problem", text: problem ?? "It does not answer." };
  const memory =
    vramFree === undefined || vramTotal === undefined
      ? []
      : [`${gigabytes(vramFree)} of ${gigabytes(vramTotal)} free`];
  const told = [
    version === undefined ? "version unknown" : `version ${version}`,
    ...(gpu === undefined ? [] : [gpu]),
    ...memory,
    `${running ?? 0} running and ${waiting ?? 0} waiting`,
  ];
  return { name, state: "ok", text: told.join(", ") };
}

async function checkClock({ clock }: ExamineParts): Promise<Check[]> {
  const times = await clock().catch(() => undefined);
  if (!times) return [];
  const off = times.there - times.here;
  if (Math.abs(off) < clockOffMs) return [{ name: "clock", state: "ok", text: "as ComfyUI's" }];
  const way = off > 0 ? "behind" : "ahead of";
  const minutes = Math.round(Math.abs(off) / 60_000);
  const text = `this machine's is ${minutes} min ${way} ComfyUI's: ranges of time such as "yesterday" and the expiry of keys go by this one.`;
  return [{ name: "clock", state: "note", text }];
}

function gigabytes(bytes: number): string {
  return `${(bytes / gibibyte).toFixed(1)} GiB`;
}
