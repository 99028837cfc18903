import { randomBytes } from "node:crypto";
import type { ErrorCode } from "../errors.ts";
import type { ImageMimeType } from "../images/sniff.ts";
import type { Webhook } from "../webhooks/webhook.ts";
import type { Lora } from "../workflows/loras.ts";
import type { TaskState } from "./state.ts";

/** A picture of a task, kept as a file under its id. */
export interface ImageRecord {
  /** `<task id>-<n>`: the task is found by it, and so is the file. */
  id: string;
  mimeType: ImageMimeType;
  width: number;
  height: number;
  /** Size of the file in bytes. */
  bytes: number;
  hasAlpha: boolean;
  sha256: string;
  seed?: number;
}

/** An input picture, kept under its hash. */
export interface InputRecord {
  sha256: string;
  mimeType: ImageMimeType;
  width: number;
  height: number;
  /** Where the caller had it from, in a few words. */
  origin: string;
}

/** One execution of one graph in ComfyUI; a task has one per picture asked for. */
export interface Run {
  /** Chosen and stored before the POST, so that a lost answer or process can be made good. */
  promptId: string;
  /** Missing where the workflow has no seed. */
  seed?: number;
  state: TaskState;
  images: ImageRecord[];
  /** ComfyUI had run this very graph before and sent the picture it had. */
  cached?: true;
  error?: TaskError;
  /** What wildcards and styles made of the prompt for this picture. */
  prompt?: string;
  negativePrompt?: string;
}

/** What is done with a picture after ComfyUI has made it. */
export type Finish =
  | { kind: "keep_unmasked"; original: InputRecord; mask: InputRecord }
  | { kind: "background"; image?: InputRecord; color?: string };

export interface TaskError {
  code: ErrorCode;
  message: string;
}

export interface Size {
  width: number;
  height: number;
}

/** What was asked for, with its results: the record that is stored, JSON through and through. */
export interface Task {
  id: string;
  tool: string;
  workflow: string;
  graphHash: string;
  /** URL of the ComfyUI, without credentials. */
  backend: string;
  state: TaskState;
  /** The server process that works on it. */
  owner?: string;
  /** Somebody wants it cancelled; remembered while ComfyUI cannot be told. */
  cancelAskedAt?: string;
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
  /** Model files chosen on that backend, by slot. */
  choices: Record<string, string>;
  /** Pixels of the rendering, where the workflow has a size. */
  render?: Size;
  /** Pixels of the picture handed over, where it must differ from what comes out. */
  deliver?: Size;
  /** How a picture of another shape is brought to it; left out, what is over is cut. */
  fit?: "fit";
  finish?: Finish;
  saveTo?: { target: string; overwrite: boolean };
  /** Where the pictures were also put. */
  savedTo?: string[];
  outputFormat: OutputFormat;
  runs: Run[];
  warnings: string[];
  error?: TaskError;
  /** What its pictures take on disk. */
  resultBytes?: number;
  webhook?: Webhook;
}

export const outputFormats = ["png", "jpeg", "webp"] as const;
export type OutputFormat = (typeof outputFormats)[number];

/** 80 random bits in base 32, so that ids can be neither guessed nor walked. */
export function newTaskId(): string {
  const alphabet = "0123456789abcdefghjkmnpqrstvwxyz";
  return `t${[...randomBytes(16)].map((byte) => alphabet[byte & 31]).join("")}`;
}

const taskIdPattern = /^t[0-9a-z]{16}$/;
const imageIdPattern = /^(t[0-9a-z]{16})-(\d{1,3})$/;

export function isTaskId(text: string): boolean {
  return taskIdPattern.test(text);
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
export function withoutSecrets(task: Task): Task {
  const { webhook, ...rest } = task;
  return webhook ? { ...rest, webhook: { url: `${new URL(webhook.url).origin}/…` } } : rest;
}

/** Every picture under its hash that the task needs to be made, or made again. */
export function keptInputs({ inputs, uploads, finish }: Task): InputRecord[] {
  const finishing = finish?.kind === "keep_unmasked" ? [finish.original, finish.mask] : [];
  if (finish?.kind === "background" && finish.image) finishing.push(finish.image);
  return [...Object.values(inputs), ...Object.values(uploads), ...finishing];
}
