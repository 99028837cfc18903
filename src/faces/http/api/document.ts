import type { OpenAPIHono } from "@hono/zod-openapi";
import { version } from "../../../version.ts";
import type { RestEnv, RestParts } from "./parts.ts";

const json = "application/json";

/** This face described by OpenAPI, from the schemas its routes check and the tools' own. */
export function documentRoute(app: OpenAPIHono<RestEnv>, { tools }: RestParts): void {
  app.get("/openapi.json", (c) => {
    const document = app.getOpenAPI31Document({
      openapi: "3.1.0",
      info: { title: "comfy-easel", version },
      servers: [{ url: "/api/v1" }],
    });
    const known = tools(c.get("studio"));
    const schemas = Object.fromEntries(
      known.map(({ name, description, inputSchema }) => [name, { description, ...inputSchema }]),
    );
    const calls = known.map(({ name }) => ({
      type: "object" as const,
      required: ["tool"],
      properties: {
        tool: { const: name },
        arguments: { $ref: `#/components/schemas/${name}` },
        label: { type: "string" as const, maxLength: 200 },
        priority: { type: "integer" as const, minimum: -100, maximum: 100, default: 0 },
      },
    }));
    const create = document.paths?.["/tasks"]?.post?.requestBody;
    const content = create && "content" in create ? create.content[json] : undefined;
    if (content && calls.length > 0) content.schema = { oneOf: calls };
    const components = {
      ...document.components,
      schemas: { ...document.components?.schemas, ...schemas },
    };
    return c.json({ ...document, components });
  });
}
