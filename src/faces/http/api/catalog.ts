import path from "node:path";
import { createRoute, type OpenAPIHono, z } from "@hono/zod-openapi";
import { version } from "../../../version.ts";
import type { RestEnv, RestParts } from "./parts.ts";
import { answers, toolSchema, workflowSchema } from "./schemas.ts";
import { workflowView } from "./workflow-view.ts";

type Rest = OpenAPIHono<RestEnv>;

/** What this server is and can do. */
export function catalogRoutes(app: Rest, parts: RestParts): void {
  app.openapi(
    createRoute({
      method: "get",
      path: "/me",
      summary: "Who asks, and whom",
      responses: answers(
        "The caller and the server",
        z.object({
          name: z.string().nullable(),
          scopes: z.array(z.string()),
          version: z.string(),
          demo: z.boolean(),
          mcp_url: z.string(),
        }),
      ),
    }),
    (c) => {
      const { caller } = c.get("studio");
      const about = {
        name: parts.nameOf(caller),
        scopes: [...parts.scopesOf(caller)],
        version,
        demo: parts.demo,
        mcp_url: parts.mcpUrl(c.req.raw),
      };
      return c.json(about, 200);
    },
  );
  app.openapi(
    createRoute({
      method: "get",
      path: "/tools",
      summary: "What can be asked for",
      responses: answers("The tools of this key", z.object({ tools: z.array(toolSchema) })),
    }),
    async (c) => {
      const studio = c.get("studio");
      if (!parts.scopesOf(studio.caller).includes("generate")) return c.json({ tools: [] }, 200);
      const { states } = await studio.workflows();
      const tools = parts.tools(studio).map(({ name, title, description, inputSchema }) => {
        const own = states.filter(({ workflow }) => workflow.tool === name);
        const isKnown = own.some(({ ready }) => ready !== undefined);
        return {
          name,
          title,
          description,
          ready: isKnown ? own.some(({ ready }) => ready === true) : null,
          input_schema: inputSchema,
          workflows: own.map(({ workflow }) => workflow.name),
        };
      });
      return c.json({ tools }, 200);
    },
  );
  app.openapi(
    createRoute({
      method: "get",
      path: "/workflows",
      summary: "What each tool can be done with",
      responses: answers(
        "In order of choice per tool",
        z.object({
          problem: z.string().nullable(),
          workflows: z.array(workflowSchema),
          faults: z.array(z.object({ file: z.string(), reason: z.string() })),
        }),
      ),
    }),
    async (c) => {
      const studio = c.get("studio");
      const { states, problem, faults = [] } = await studio.workflows();
      return c.json(
        {
          problem: problem ?? null,
          workflows: states.map((state) => workflowView(state, studio.pace)),
          faults: faults.map(({ file, reason }) => ({ file: path.basename(file), reason })),
        },
        200,
      );
    },
  );
}
