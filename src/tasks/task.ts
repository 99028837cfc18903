import { randomBytes } from "node:crypto";
import type { NodeErrors, NodeOutput } from "../comfy/protocol.ts";
import type { ErrorCode } from "../errors.ts";
import type { ResultMimeType } from "../images/media.ts";
import type { Webhook } from "../webhooks/webhook.ts";
import type { Lora } from "../workflows/loras.ts";
import type { Choices } from "../workflows/recipe.ts";
import type { OutputFormat } from "../workflows/request.ts";
import type { Size } from "../workflows/sizes.ts";
import type { Priority } from "./priority.ts";
import { isTerminal, type TaskState } from "./state.ts";

/** A picture of a task, or a film, sound or 3D model, kept as a file under its id. */
export interface ImageRecord {
  /** `<task id>-<n>`: the task is found by it, and so is the file. */
  id: string;
  mimeType: ResultMimeType;
  /** Of a film's still; 0, as is the height, of what shows nothing. */
  width: number;
  height: number;
  /** Size of the file in bytes. */
  bytes: number;
  hasAlpha: boolean;
  sha256: string;
  /** `#rrggbb`, for whoever lays out a place for it; missing on older records. */
  meanColor?: string;
  seed?: number;
  /** The output node it is of; missing where a graph has one alone. */
  node?: string;
}

/** An input picture, kept under its hash. */
export interface InputRecord {
  sha256: string;
  mimeType: ResultMimeType;
  /** 0, as is the height, of what is no picture. */
  width: number;
  height: number;
  /** Where the caller had it from, in a few words. */
  origin: string;
}

/** Which ComfyUI makes a run, decided before the POST and stored with the prompt id. */
export interface Placement {
  /** The backend's URL without credentials, or its name. */
  backend: string;
  /** Its spelling of each model file, by slot. */
  choices: Choices;
  /** Its version, where it says. */
  comfyui?: string;
}

/** One execution of one graph in ComfyUI; a task has one per picture asked for. */
export interface Run {
  /** Chosen and stored before the POST, so that a lost answer or process can be made good. */
  promptId: string;
  /** Missing where the workflow has no seed. */
  seed?: number;
  state: TaskState;
  /** Missing until it is placed. */
  at?: Placement;
  images: ImageRecord[];
  /** ComfyUI had run this very graph before and sent the picture it had. */
  cached?: true;
  error?: TaskError;
  /** What wildcards and styles made of the prompt for this picture. */
  prompt?: string;
  negativePrompt?: string;
  /** Of a graph that was handed in: what its nodes showed, with files by their names here. */
  outputs?: Record<string, NodeOutput>;
  /** And its milestones as ComfyUI told them: type and data, the last one its end. */
  messages?: [type: string, data: Record<string, unknown>][];
}

/** What came with a graph that was handed in. */
export interface PromptRecord {
  /** The caller's id of it; what a run is posted under is the run's own. */
  id: string;
  /** Its place among the caller's own, lower first. */
  number: number;
  /** What it asked to be put before: by number, or before all. */
  order?: { number: number } | { front: true };
  /** The socket its events go to. */
  clientId?: string;
}

/** What is done with a picture after ComfyUI has made it. */
export type Finish =
  | { kind: "keep_unmasked"; original: InputRecord; mask: InputRecord }
  /** The transparency of the picture that was changed. */
  | { kind: "keep_alpha"; original: InputRecord }
  | { kind: "background"; image?: InputRecord; color?: string };

export interface TaskError {
  code: ErrorCode;
  message: string;
  /** What ComfyUI said, up to 4,000 characters. */
  detail?: string;
  /** What can be mended by another call. */
  reason?: "out_of_memory" | "missing_choice";
  /** What ComfyUI refused a graph for, in its own words. */
  nodeErrors?: NodeErrors;
}

/** What was asked for, with its results: the record that is stored, JSON through and through. */
export interface Task {
  id: string;
  tool: string;
  workflow: string;
  /** Hash under which the recipe is stored. */
  recipe: string;
  /** Whose it is: only this caller sees it. */
  caller: string;
  /** The program that asked, as it calls itself. */
  client?: string;
  /** The face it came through: `mcp`, `rest`, `page`, `shell`; missing on older records. */
  via?: string;
  /** The caller's own word for it. */
  label?: string;
  /** What the face it came through needs to show it in its own words again; JSON. */
  call?: Readonly<Record<string, unknown>>;
  /** Missing where it is 0. */
  priority?: Priority;
  /** Of the call that made it, so that the same call again finds it. */
  idempotency?: { key: string; digest: string };
  /** The ComfyUIs of the server that took it; only servers with one of these go on with it. */
  backends: string[];
  state: TaskState;
  /** The server that works on it. */
  server?: string;
  /** Its deletion has begun: not shown any more, files and record about to go. */
  deletedAt?: string;
  /** ISO 8601, UTC, with milliseconds; so are the other times. */
  createdAt: string;
  startedAt?: string;
  finishedAt?: string;
  /** Every resolved parameter but the seed, which is per run, and the pictures, which are inputs. */
  params: Record<string, unknown>;
  inputs: Record<string, InputRecord>;
  /** What was made of the inputs for ComfyUI, by parameter. */
  uploads: Record<string, InputRecord>;
  loras?: Lora[];
  /** Pixels of the picture handed over, where it must differ from what comes out. */
  deliver?: Size;
  /** How a picture of another shape is brought to it; left out, what is over is cut. */
  fit?: "fit";
  /** What was asked for where the graph may make another size, to be told apart. */
  asked?: Size;
  finish?: Finish;
  /** Where the pictures are also put: absolute, and checked against the folders it must be in. */
  saveTo?: { path: string; within: readonly string[]; overwrite: boolean };
  /** Where the pictures were also put. */
  savedTo?: string[];
  /** Unset: as it was made. */
  outputFormat?: OutputFormat;
  /** Node packs the recipe uses; with `run.at.comfyui` what the picture depends on beside it. */
  packs?: string[];
  /** Only of a graph that was handed in. */
  prompt?: PromptRecord;
  runs: Run[];
  /** What a task of 0.1.0 has instead of a recipe, until it is gone on with. */
  before?: {
    choices: Choices;
    render?: Size | null;
    saveTo?: { target: string; overwrite: boolean } | null;
  };
  warnings: string[];
  error?: TaskError;
  /** What its pictures take on disk. */
  resultBytes?: number;
  webhook?: Webhook;
}

/** 80 random bits in base 32, so that ids can be neither guessed nor walked. */
export function newTaskId(): string {
  const alphabet = "0123456789abcdefghjkmnpqrstvwxyz";
  return `t${[...randomBytes(16)].map((byte) => alphabet[byte & 31]).join("")}`;
}

const taskIdPattern = /^t[0-9a-z]{16}$/;
const imageIdPattern = /^(t[0-9a-z]{16})-(\d{1,4})$/;

export function isTaskId(text: string): boolean {
  return taskIdPattern.test(text);
}

/** Under which an input picture can be given again. */
export function inputIdOf(sha256: string): string {
  return `u${sha256}`;
}

/** The hash an input id stands for; undefined when it is no input id. */
export function inputHashOf(id: string): string | undefined {
  return /^u([0-9a-f]{64})$/.exec(id)?.[1];
}

/** The task an image id belongs to; undefined when it is no image id. */
export function taskIdOf(imageId: string): string | undefined {
  return imageIdPattern.exec(imageId)?.[1];
}

/** The first picture of run i of n is number i + 1; further ones follow in steps of n. */
export function imageIdFor(task: Task, run: Run, file: number): string {
  return `${task.id}-${task.runs.indexOf(run) + 1 + file * task.runs.length}`;
}

export function imagesOf(task: Task): ImageRecord[] {
  return task.runs.flatMap((run) => run.images);
}

/** The record for other eyes: of its webhook only the host, for the path may be the secret. */
export function withoutSecrets({ webhook, idempotency, ...rest }: Task): Task {
  return webhook ? { ...rest, webhook: { url: `${new URL(webhook.url).origin}/…` } } : rest;
}

/** A task fails with its first failed run, though the pictures of the others stay. */
export function stateOf({ runs }: Pick<Task, "runs">): TaskState {
  const states = runs.map((run) => run.state);
  if (states.every(isTerminal)) {
    if (states.includes("failed")) return "failed";
    return states.includes("cancelled") ? "cancelled" : "completed";
  }
  return states.every((state) => state === "queued") ? "queued" : "running";
}

export function openRuns(task: Task): Run[] {
  return task.runs.filter((run) => !isTerminal(run.state));
}

/** Every picture under its hash that the task needs to be made, or made again. */
export function keptInputs({ inputs, uploads, finish }: Task): InputRecord[] {
  const finishing = finish?.kind === "keep_unmasked" ? [finish.original, finish.mask] : [];
  if (finish?.kind === "keep_alpha") finishing.push(finish.original);
  if (finish?.kind === "background" && finish.image) finishing.push(finish.image);
  return [...Object.values(inputs), ...Object.values(uploads), ...finishing];
}
