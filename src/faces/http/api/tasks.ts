import { createRoute, type OpenAPIHono, z } from "@hono/zod-openapi";
import { AppError } from "../../../errors.ts";
import { nearest } from "../../../words.ts";
import { wordCancel } from "./cancel-words.ts";
import type { RestEnv, RestParts } from "./parts.ts";
import { needs } from "./refusals.ts";
import { answers, deletedSchema, deletedView, taskAnswer, taskSchema } from "./schemas.ts";
import { taskView } from "./task-view.ts";

/** How long a ComfyUI that is being started is waited for; proxies cut an answer that takes longer. */
const patienceMs = 45_000;

const id = z.object({ id: z.string() });

/** One task: made, looked at, stopped, removed. */
export function taskRoutes(app: OpenAPIHono<RestEnv>, parts: RestParts): void {
  const { catalog } = parts;
  app.openapi(
    createRoute({
      method: "post",
      path: "/tasks",
      summary: "Ask for pictures",
      middleware: [needs(parts, "generate")] as const,
      request: {
        headers: z.object({
          "idempotency-key": z
            .string()
            .regex(/^[\x20-\x7e]{1,200}$/, "expected 1 to 200 printable ASCII characters")
            .optional(),
          "x-easel-client": z.string().max(60).optional(),
        }),
        body: {
          required: true,
          content: {
            "application/json": {
              schema: z.strictObject({
                tool: z.string(),
                arguments: z.record(z.string(), z.unknown()).default({}),
                label: z.string().min(1).max(200).optional(),
                priority: z.int().min(-100).max(100).optional(),
              }),
            },
          },
        },
      },
      responses: {
        ...answers("The task that the same key had made", taskAnswer),
        ...answers("The new task", taskAnswer, 202),
      },
    }),
    async (c) => {
      const studio = c.get("studio");
      const body = c.req.valid("json");
      const { "idempotency-key": idempotencyKey, "x-easel-client": given } = c.req.valid("header");
      const tools = parts.tools(studio);
      const tool = tools.find(({ name }) => name === body.tool);
      if (!tool)
        throw unknownTool(
          body.tool,
          tools.map(({ name }) => name),
        );
      const { request, webhookUrl } = tool.read(body.arguments);
      const { task, isNew } = await studio.take(tool.name, request, {
        idempotencyKey,
        label: body.label,
        priority: body.priority,
        webhook: webhookUrl === undefined ? undefined : { url: webhookUrl },
        via: given === "page" ? "page" : "rest",
        client: studio.caller.client ?? given,
        patienceMs,
        signal: c.req.raw.signal,
      });
      c.header("Location", `/api/v1/tasks/${task.id}`);
      return c.json({ task: taskView(task, studio, catalog) }, isNew ? 202 : 200);
    },
  );
  app.openapi(
    createRoute({
      method: "get",
      path: "/tasks/{id}",
      summary: "One task",
      request: { params: id },
      responses: answers("The task", taskAnswer),
    }),
    async (c) => {
      const studio = c.get("studio");
      const task = await studio.get(c.req.valid("param").id);
      return c.json({ task: taskView(task, studio, catalog) }, 200);
    },
  );
  app.openapi(
    createRoute({
      method: "post",
      path: "/tasks/{id}/cancel",
      summary: "Stop a task",
      middleware: [needs(parts, "generate")] as const,
      request: { params: id },
      responses: answers(
        "The task, and what has become of it",
        z.object({ task: taskSchema, message: z.string() }),
      ),
    }),
    async (c) => {
      const studio = c.get("studio");
      const { id: taskId } = c.req.valid("param");
      const before = studio.progress((await studio.get(taskId)).id);
      const report = await studio.cancel(taskId);
      const task = taskView(report.task, studio, catalog);
      return c.json({ task, message: wordCancel(report, before) }, 200);
    },
  );
  app.openapi(
    createRoute({
      method: "delete",
      path: "/tasks/{id}",
      summary: "Remove a task and its pictures",
      middleware: [needs(parts, "delete")] as const,
      request: { params: id },
      responses: answers("What was deleted", deletedSchema),
    }),
    async (c) => {
      const studio = c.get("studio");
      const task = await studio.get(c.req.valid("param").id);
      return c.json(deletedView(await studio.delete({ ids: [task.id] }, false)), 200);
    },
  );
}

function unknownTool(name: string, known: readonly string[]): AppError {
  const close = nearest(name, known);
  const way =
    close.length > 0 ? `Did you mean ${close.join(" or ")}?` : `Tools: ${known.join(", ")}.`;
  return new AppError(
    "invalid_input",
    `tool: there is no ${JSON.stringify(name.slice(0, 60))}. ${way}`,
  );
}
