import { OpenAPIHono } from "@hono/zod-openapi";
import { catalogRoutes } from "./catalog.ts";
import { documentRoute } from "./document.ts";
import { eventRoutes } from "./events.ts";
import type { RestEnv, RestParts } from "./parts.ts";
import { previewRoute } from "./preview.ts";
import { answerErrors, errorBody, HttpRefusal, needs } from "./refusals.ts";
import { taskListRoutes } from "./task-lists.ts";
import { taskRoutes } from "./tasks.ts";
import { uploadRoutes } from "./uploads.ts";
import { valueRoutes } from "./values.ts";

/** Everything below `/api/v1`. */
export function restApi(parts: RestParts): OpenAPIHono<RestEnv> {
  const app = new OpenAPIHono<RestEnv>({
    defaultHook: (result, c) => {
      if (result.success) return;
      const [issue] = result.error.issues;
      const name = issue?.path.filter((part) => typeof part === "string").join(".") ?? "";
      const unknown = issue?.code === "unrecognized_keys" ? issue.keys.join(", ") : name;
      const message = `${unknown || "body"}: ${issue?.message ?? "cannot be read"}.`;
      return c.json(errorBody("invalid_input", message, unknown || undefined), 400);
    },
  });
  app.onError(answerErrors(parts.log));
  app.use(async (c, next) => {
    await next();
    // Answers are about what is now, and about one caller.
    if (!c.res.headers.has("cache-control")) c.header("Cache-Control", "no-store");
  });
  app.on("POST", ["/tasks", "/tasks/delete"], async (c, next) => {
    const type = c.req.header("content-type") ?? "";
    if (!/^application\/json\s*(;|$)/i.test(type)) {
      throw new HttpRefusal(
        415,
        "unsupported_media_type",
        "The body must be JSON, with Content-Type: application/json.",
      );
    }
    // One that breaks off says why here; the validator would call it malformed.
    await c.req.text();
    await next();
  });
  const reading = needs(parts, "read");
  app.use(async (c, next) => {
    const isOpen = /\/(me|openapi\.json)$/.test(c.req.path);
    return c.req.method === "GET" && !isOpen ? reading(c, next) : next();
  });
  catalogRoutes(app, parts);
  valueRoutes(app, parts);
  taskListRoutes(app, parts);
  taskRoutes(app, parts);
  eventRoutes(app, parts);
  previewRoute(app);
  uploadRoutes(app, parts);
  documentRoute(app, parts);
  app.all("*", (c) => {
    throw new HttpRefusal(
      404,
      "not_found",
      `There is no ${c.req.method} on this address; see /api/v1/openapi.json.`,
    );
  });
  return app;
}
