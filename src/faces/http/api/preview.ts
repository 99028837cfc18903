import { createRoute, type OpenAPIHono, z } from "@hono/zod-openapi";
import type { RestEnv } from "./parts.ts";
import { errorSchema } from "./schemas.ts";

/** The picture on its way, as ComfyUI shows it between two steps. */
export function previewRoute(app: OpenAPIHono<RestEnv>): void {
  const picture = { schema: z.string().openapi({ format: "binary" }) };
  app.openapi(
    createRoute({
      method: "get",
      path: "/tasks/{id}/preview",
      summary: "The newest preview frame",
      request: {
        params: z.object({ id: z.string() }),
        query: z.object({ frame: z.string().optional() }),
      },
      responses: {
        200: {
          description: "The frame",
          content: { "image/jpeg": picture, "image/png": picture },
        },
        204: { description: "There is none now: it has not begun, or it has ended" },
        default: {
          description: "Refused",
          content: { "application/json": { schema: errorSchema } },
        },
      },
    }),
    async (c) => {
      const { id } = c.req.valid("param");
      const preview = await c.get("studio").pictures.livePreview(id);
      // No error: whoever was told of a frame may ask when the picture has just ended.
      if (!preview) return c.body(null, 204);
      return c.body(new Uint8Array(preview.bytes), 200, {
        "Content-Type": preview.mimeType,
        "Cache-Control": "no-store",
      });
    },
  );
}
