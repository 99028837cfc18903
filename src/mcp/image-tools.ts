import { z } from "zod";
import { maxCount, maxSeed, type TaskRequest } from "../tasks/submission.ts";
import { outputFormats } from "../tasks/task.ts";
import type { Webhook } from "../webhooks/webhook.ts";
import type { Catalog } from "../workflows/catalog.ts";
import { type ToolParameter, toolParameters } from "../workflows/schema.ts";
import type { Deps } from "./deps.ts";
import { follow } from "./follow.ts";
import type { Tool } from "./tool.ts";

/** One tool per tool name the bindings mention. */
export function imageTools(deps: Deps): Tool[] {
  return deps.catalog.tools().map((name) => imageTool(deps, name));
}

function imageTool(deps: Deps, name: string): Tool {
  const parameters = toolParameters(deps.catalog, name);
  const { title, description } = texts(deps.catalog, name);
  return {
    name,
    title,
    description: `${description} Waits up to wait_seconds; when it takes longer you get a task_id for task_status.`,
    input: inputSchema(deps, parameters),
    annotations: {
      readOnlyHint: false,
      destructiveHint: false,
      idempotentHint: false,
      // Image parameters take URLs.
      openWorldHint: parameters.some((parameter) => parameter.type === "image"),
    },
    async run(args, call) {
      const { wait_seconds, ...rest } = args;
      const task = await deps.tasks.submit(name, requestOf(rest), call.signal);
      return follow(deps, task.id, Number(wait_seconds), call, "cancel");
    },
  };
}

function requestOf(args: Record<string, unknown>): TaskRequest {
  const { workflow, count, seed, output_format, aspect_ratio, ...others } = args;
  const { webhook_url, webhook_headers, webhook_secret, ...parameters } = others;
  return {
    ...given("webhook", webhookOf(webhook_url, webhook_headers, webhook_secret)),
    ...given("workflow", workflow),
    ...given("count", count),
    ...given("seed", seed),
    ...given("outputFormat", output_format),
    ...given("aspectRatio", aspect_ratio),
    parameters,
  };
}

function webhookOf(url: unknown, headers: unknown, secret: unknown): Webhook | undefined {
  if (typeof url !== "string") return undefined;
  return {
    url,
    ...(headers ? { headers: headers as Record<string, string> } : {}),
    ...(typeof secret === "string" ? { secret } : {}),
  };
}

/** Leaves out what was not given: an undefined would count as a value. */
function given(key: keyof TaskRequest, value: unknown): Partial<TaskRequest> {
  return value === undefined ? {} : { [key]: value };
}

function inputSchema(deps: Deps, parameters: ToolParameter[]): z.ZodObject {
  const names = new Set(parameters.map((parameter) => parameter.name));
  const shape: Record<string, z.ZodType> = {};
  for (const parameter of parameters) shape[parameter.name] = parameterSchema(parameter);
  if (names.has("width") && names.has("height")) {
    shape["aspect_ratio"] = z
      .string()
      .optional()
      .describe('Instead of width and height: "16:9", "square", "portrait", "landscape", …');
  }
  if (names.has("seed")) {
    shape["count"] = z
      .int()
      .min(1)
      .max(maxCount)
      .optional()
      .describe("How many pictures; each gets the next seed (default 1)");
  }
  return z.strictObject({
    ...shape,
    workflow: z
      .string()
      .optional()
      .describe("A name from list_workflows; left out, the first that can run"),
    output_format: z.enum(outputFormats).optional().describe("File format (default png)"),
    wait_seconds: waitSeconds(deps.waitSeconds),
    webhook_url: z.string().optional().describe("Gets a POST at start, progress and end"),
    webhook_headers: z.record(z.string(), z.string()).optional().describe("Headers for it"),
    webhook_secret: z.string().min(1).optional().describe("Signs it (Standard Webhooks)"),
  });
}

export function waitSeconds(standard: number): z.ZodType {
  return z
    .number()
    .min(0)
    .max(3600)
    .default(standard)
    .describe("Seconds to wait for the result; 0 answers at once");
}

function parameterSchema(parameter: ToolParameter): z.ZodType {
  const schema = describedSchema(parameter).describe(parameter.description);
  return parameter.required ? schema : schema.optional();
}

function describedSchema(parameter: ToolParameter): z.ZodType {
  if (parameter.name === "seed") return z.int().min(0).max(maxSeed);
  const { type, choices, minimum, maximum } = parameter;
  if (choices && choices.length > 0) return z.enum(choices.map(String) as [string, ...string[]]);
  switch (type) {
    case "boolean":
      return z.boolean();
    case "integer":
    case "number": {
      const number = type === "integer" ? z.int() : z.number();
      return number.min(minimum ?? -1e9).max(maximum ?? 1e9);
    }
    default:
      return parameter.required ? z.string().min(1) : z.string();
  }
}

/** The product's own tools have texts of their own; others speak through their first workflow. */
function texts(catalog: Catalog, name: string): { title: string; description: string } {
  const known = ownTexts[name];
  if (known) return known;
  const [first] = catalog.ofTool(name);
  return { title: first?.title ?? name, description: first?.description ?? `Runs ${name}.` };
}

const ownTexts: Record<string, { title: string; description: string }> = {
  generate_image: {
    title: "Generate image",
    description:
      "Make pictures from a text prompt. Only `prompt` is needed: workflow, size and seed are chosen for you.",
  },
  img2img: {
    title: "Change image",
    description:
      "Make a new picture from an existing one and a prompt. `image` takes a file path, URL, data URI, or an image id of an earlier result.",
  },
  remove_background: {
    title: "Remove background",
    description:
      "Cut out the subject of a picture; the result is transparent around it. `image` takes a file path, URL, data URI, or an image id of an earlier result.",
  },
};
