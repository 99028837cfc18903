import { createRoute, type OpenAPIHono, z } from "@hono/zod-openapi";
import { AppError } from "../../../errors.ts";
import { taskStates } from "../../../tasks/state.ts";
import type { TaskFilter } from "../../../tasks/store/store.ts";
import type { RestEnv, RestParts } from "./parts.ts";
import { needs } from "./refusals.ts";
import { answers, deletedSchema, deletedView, taskSchema } from "./schemas.ts";
import { taskView } from "./task-view.ts";

const time = z
  .union([z.iso.datetime({ offset: true }), z.iso.date()], {
    error: "expected an ISO 8601 time such as 2026-05-01T12:00:00Z",
  })
  .transform((text) => new Date(text).toISOString());
const several = (text: string) => text.split(",").map((part) => part.trim());
const states = z
  .string()
  .transform(several)
  .pipe(z.array(z.enum(taskStates)))
  .openapi({ type: "string", example: "queued,running" });

/** Many tasks: listed, removed. */
export function taskListRoutes(app: OpenAPIHono<RestEnv>, parts: RestParts): void {
  app.openapi(
    createRoute({
      method: "get",
      path: "/tasks",
      summary: "Tasks, newest first",
      request: {
        query: z.object({
          limit: z.coerce.number().int().min(1).max(100).default(50),
          cursor: z.string().optional(),
          state: states.optional(),
          tool: z.string().optional(),
          via: z.string().transform(several).optional().openapi({ type: "string" }),
          q: z.string().trim().min(1).max(500).optional(),
          since: time.optional().openapi({ type: "string", format: "date-time" }),
          before: time.optional().openapi({ type: "string", format: "date-time" }),
        }),
      },
      responses: answers(
        "A page of tasks",
        z.object({ tasks: z.array(taskSchema), next_cursor: z.string().nullable() }),
      ),
    }),
    async (c) => {
      const studio = c.get("studio");
      const { limit, cursor, state, q, ...rest } = c.req.valid("query");
      const filter = filterOf({ ...rest, states: state, text: q });
      const page = await studio.list(filter, limit, cursor);
      const tasks = page.tasks.map((task) => taskView(task, studio, parts.catalog));
      return c.json({ tasks, next_cursor: page.cursor ?? null }, 200);
    },
  );
  app.openapi(
    createRoute({
      method: "post",
      path: "/tasks/delete",
      summary: "Remove many tasks and their pictures",
      middleware: [needs(parts, "delete")] as const,
      request: {
        body: {
          required: true,
          content: {
            "application/json": {
              schema: z.strictObject({
                filter: z.strictObject({
                  ids: z.array(z.string()).min(1).max(500).optional(),
                  state: states.optional(),
                  tool: z.string().optional(),
                  since: time.optional().openapi({ type: "string", format: "date-time" }),
                  before: time.optional().openapi({ type: "string", format: "date-time" }),
                }),
                dry_run: z.boolean().default(false),
              }),
            },
          },
        },
      },
      responses: answers(
        "What was deleted, or would be",
        deletedSchema.extend({ dry_run: z.boolean(), unknown_ids: z.array(z.string()) }),
      ),
    }),
    async (c) => {
      const studio = c.get("studio");
      const { filter: given, dry_run: dryRun } = c.req.valid("json");
      const { state, ...rest } = given;
      const filter = filterOf({ ...rest, states: state });
      if (Object.keys(filter).length === 0) {
        throw new AppError(
          "invalid_input",
          "filter: say what to delete: ids, state, tool, since or before.",
        );
      }
      const { ids = [] } = filter;
      const found = ids.length > 0 ? (await studio.list({ ids }, ids.length)).tasks : [];
      const known = new Set(found.map((task) => task.id));
      const report = await studio.delete(filter, dryRun);
      const unknown = ids.filter((each) => !known.has(each));
      return c.json({ ...deletedView(report), dry_run: dryRun, unknown_ids: unknown }, 200);
    },
  );
}

type Given = { [key in keyof TaskFilter]?: TaskFilter[key] | undefined };

function filterOf(given: Given): TaskFilter {
  return Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined));
}
