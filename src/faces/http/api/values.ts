import { createRoute, type OpenAPIHono, z } from "@hono/zod-openapi";
import { AppError } from "../../../errors.ts";
import type { Installed } from "../../../studio/installed.ts";
import type { Studio } from "../../../studio/studio.ts";
import type { Catalog } from "../../../workflows/catalog.ts";
import { suits } from "../../../workflows/model-files.ts";
import { backendView } from "./backend-view.ts";
import type { RestEnv, RestParts } from "./parts.ts";
import { answers, backendSchema } from "./schemas.ts";

const named = z.object({ name: z.string() });

/** Values that arguments can have, and the ComfyUIs that have them. */
export function valueRoutes(app: OpenAPIHono<RestEnv>, { catalog }: RestParts): void {
  app.openapi(
    createRoute({
      method: "get",
      path: "/styles",
      summary: "Values of styles",
      responses: answers(
        "By name",
        z.object({
          styles: z.array(named.extend({ title: z.string(), group: z.string().nullable() })),
        }),
      ),
    }),
    (c) => {
      const styles = c.get("studio").styles();
      const shown = styles.map(({ name, title, group }) => ({ name, title, group: group ?? null }));
      return c.json({ styles: shown }, 200);
    },
  );
  app.openapi(
    createRoute({
      method: "get",
      path: "/models",
      summary: "Values of model",
      responses: answers(
        "Model files, and the workflows that take each; none while ComfyUI cannot be asked",
        z.object({
          models: z.array(
            named.extend({ folder: z.string().nullable(), workflows: z.array(z.string()) }),
          ),
        }),
      ),
    }),
    async (c) => {
      const { models } = await installedOn(c.get("studio"));
      return c.json({ models: byFile(models, catalog) }, 200);
    },
  );
  app.openapi(
    createRoute({
      method: "get",
      path: "/loras",
      summary: "Values of loras",
      responses: answers(
        "LoRA files; none while ComfyUI cannot be asked",
        z.object({ loras: z.array(named) }),
      ),
    }),
    async (c) => {
      const { loras } = await installedOn(c.get("studio"));
      return c.json({ loras: loras.map((name) => ({ name })) }, 200);
    },
  );
  app.openapi(
    createRoute({
      method: "get",
      path: "/backends",
      summary: "The ComfyUIs, and how they are",
      responses: answers("Each of them", z.object({ backends: z.array(backendSchema) })),
    }),
    async (c) => {
      const backends = await c.get("studio").backends("all");
      return c.json({ backends: backends.map(backendView) }, 200);
    },
  );
  for (const [action, isDrained, summary] of drainings) {
    app.openapi(
      createRoute({
        method: "post",
        path: `/backends/{name}/${action}`,
        summary,
        request: { params: z.object({ name: z.string() }) },
        responses: answers("How it is now", z.object({ backend: backendSchema })),
      }),
      async (c) => {
        const backend = await c.get("studio").drain(c.req.valid("param").name, isDrained);
        return c.json({ backend: backendView(backend) }, 200);
      },
    );
  }
}

const drainings = [
  ["drain", true, "Give a ComfyUI nothing new; what it has goes on"],
  ["undrain", false, "Let a drained ComfyUI take part again"],
] as const;

type Files = Pick<Installed, "models" | "loras">;

async function installedOn(studio: Studio): Promise<Files> {
  try {
    return await studio.installed();
  } catch (error) {
    if (error instanceof AppError && error.code === "comfy_unreachable") {
      return { models: [], loras: [] };
    }
    throw error;
  }
}

interface ModelFile {
  name: string;
  folder: string | null;
  workflows: string[];
}

/** A file is named with the workflows it suits; one that suits none, with those that could load it. */
function byFile(models: Installed["models"], catalog: Catalog): ModelFile[] {
  const loaders = new Map<string, Loader[]>();
  for (const { tool, workflow: name, files } of models) {
    const workflow = catalog.ofTool(tool).find((each) => each.name === name);
    const need = workflow?.models.find(({ slot }) => slot === workflow.model?.text);
    for (const file of files) {
      const suited = need === undefined || suits(need, file);
      loaders.set(file, [...(loaders.get(file) ?? []), { name, folder: need?.folder, suited }]);
    }
  }
  return [...loaders].map(([name, all]) => {
    const suited = all.filter((each) => each.suited);
    const named = suited.length > 0 ? suited : all;
    const folder = all.find((each) => each.folder !== undefined)?.folder ?? null;
    return { name, folder, workflows: [...new Set(named.map((each) => each.name))] };
  });
}

interface Loader {
  name: string;
  folder: string | undefined;
  suited: boolean;
}
