import { z } from "@hono/zod-openapi";
import { activities } from "../../../tasks/activity.ts";
import type { DeleteReport } from "../../../tasks/deletion.ts";
import { taskStates } from "../../../tasks/state.ts";

/** What the answers look like; the document at `openapi.json` is made of these. */

const time = z.iso.datetime();

export const errorSchema = z
  .object({
    error: z.object({
      code: z.string(),
      message: z.string(),
      parameter: z.string().optional(),
    }),
  })
  .openapi("Error");

export const progressSchema = z
  .object({
    phase: z.enum(["queued", "waiting", "running"]),
    activity: z.enum(activities).nullable(),
    fraction: z.number().min(0).max(1),
    done: z.int(),
    count: z.int(),
    step: z.int().nullable(),
    steps: z.int().nullable(),
    ahead: z.int().nullable(),
    message: z.string(),
    seconds_left: z.number().nullable(),
  })
  .openapi("Progress");

const url = z
  .string()
  .nullable()
  .openapi({ description: "Needs no key until it expires; the same for half that time" });

const imageSchema = z
  .object({
    id: z.string().openapi({ example: "t0123456789abcdef-1" }),
    width: z.int(),
    height: z.int(),
    seed: z.int().nullable(),
    color: z.string().nullable().openapi({ description: "Mean colour, 6 hex digits" }),
    mime_type: z.string(),
    bytes: z.int(),
    has_alpha: z.boolean(),
    prompt: z.string().nullable(),
    cached: z.boolean(),
    url,
  })
  .openapi("Image");

const inputSchema = z
  .object({
    id: z.string(),
    width: z.int(),
    height: z.int(),
    mime_type: z.string(),
    origin: z.string(),
    url,
  })
  .openapi("Input");

export const taskSchema = z
  .object({
    id: z.string().openapi({ example: "t0123456789abcdef" }),
    tool: z.string(),
    workflow: z.string(),
    workflow_title: z.string().nullable(),
    state: z.enum(taskStates),
    client: z.string().nullable(),
    via: z.string().nullable(),
    label: z.string().nullable(),
    priority: z.int(),
    created_at: time,
    started_at: time.nullable(),
    finished_at: time.nullable(),
    prompt: z.string().nullable(),
    count: z.int(),
    width: z.int().nullable(),
    height: z.int().nullable(),
    arguments: z.record(z.string(), z.unknown()).openapi({ description: "Makes the same again" }),
    backend: z.string().nullable(),
    images: z.array(imageSchema),
    inputs: z.record(z.string(), inputSchema),
    progress: progressSchema.nullable(),
    warnings: z.array(z.string()),
    error: z
      .object({
        code: z.string(),
        message: z.string(),
        detail: z.string().optional().openapi({ description: "What ComfyUI said" }),
        ways: z
          .array(z.object({ label: z.string(), set: z.record(z.string(), z.unknown()) }))
          .openapi({ description: "Arguments to change; null leaves one out" }),
      })
      .nullable(),
  })
  .openapi("Task");

export const taskAnswer = z.object({ task: taskSchema });

export const deletedSchema = z
  .object({ tasks: z.int(), images: z.int(), bytes: z.int(), cancelled: z.int() })
  .openapi("Deleted");

export function deletedView({ tasks, images, bytes, cancelled }: DeleteReport) {
  return { tasks, images, bytes, cancelled };
}

export const backendSchema = z
  .object({
    name: z.string(),
    state: z.enum(["ready", "painting", "draining", "away"]),
    gpu: z.string().nullable(),
    vram_total: z.number().nullable(),
    vram_free: z.number().nullable(),
    running: z.int().nullable(),
    waiting: z.int().nullable(),
    version: z.string().nullable(),
    problem: z.string().nullable(),
    drained: z.boolean().openapi({ description: "It is given nothing new" }),
    given: z.int().openapi({ description: "Pictures of this server that it has" }),
    loaded: z.string().nullable().openapi({ description: "Model files of the last picture" }),
    step_ms: z.record(z.string(), z.number()).openapi({ description: "By workflow, as learnt" }),
    weight: z.number().nullable(),
    labels: z.record(z.string(), z.string()),
  })
  .openapi("Backend");

export const toolSchema = z
  .object({
    name: z.string(),
    title: z.string(),
    description: z.string(),
    ready: z.boolean().nullable(),
    input_schema: z.record(z.string(), z.unknown()),
    workflows: z.array(z.string()),
  })
  .openapi("Tool");

export const workflowSchema = z
  .object({
    name: z.string(),
    tool: z.string(),
    title: z.string(),
    description: z.string(),
    ready: z.boolean().nullable(),
    parameters: z.array(
      z.object({
        name: z.string(),
        type: z.string(),
        default: z.union([z.string(), z.number(), z.boolean()]).nullable(),
        minimum: z.number().nullable(),
        maximum: z.number().nullable(),
        choices: z.array(z.union([z.string(), z.number(), z.boolean()])).nullable(),
      }),
    ),
    takes: z.array(z.string()),
    lacks: z
      .object({
        text: z.string(),
        files: z.array(
          z.object({
            file: z.string(),
            folder: z.string().nullable(),
            source: z.string().nullable(),
            url: z.string().nullable(),
          }),
        ),
        nodes: z.array(
          z.object({
            class: z.string(),
            pack: z.string().nullable(),
            source: z.string().nullable(),
            url: z.string().nullable(),
          }),
        ),
      })
      .nullable(),
    seconds: z.number().nullable(),
  })
  .openapi("Workflow");

export const uploadSchema = z
  .object({
    id: z.string(),
    width: z.int(),
    height: z.int(),
    mime_type: z.string(),
    bytes: z.int(),
    url,
  })
  .openapi("Upload");

/** The answer 200, or another, and every refusal in its one shape. */
export function answers<Schema extends z.ZodType, Status extends 200 | 201 | 202 = 200>(
  description: string,
  schema: Schema,
  status: Status = 200 as Status,
) {
  const json = <S extends z.ZodType>(content: S) => ({ "application/json": { schema: content } });
  return {
    [status]: { description, content: json(schema) },
    default: { description: "Refused", content: json(errorSchema) },
  } as {
    [key in Status]: { description: string; content: { "application/json": { schema: Schema } } };
  } & {
    default: {
      description: string;
      content: { "application/json": { schema: typeof errorSchema } };
    };
  };
}
