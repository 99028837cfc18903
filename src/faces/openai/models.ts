import type { FaceContext } from "../shared/env.ts";
import { Refused } from "./problems.ts";

interface Model {
  id: string;
  object: "model";
  /** When it was added is not known of a workflow. */
  created: 0;
  owned_by: "comfy-easel";
  title: string;
  /** What it is for, as tools are called here. */
  tools: string[];
}

/** `GET /models`: the workflows that can run; all of them while no ComfyUI can be asked. */
export async function listModels(c: FaceContext): Promise<Response> {
  return c.json({ object: "list", data: await modelsOf(c) });
}

/** `GET /models/ID` */
export async function oneModel(c: FaceContext): Promise<Response> {
  const id = c.req.param("id") ?? "";
  const model = (await modelsOf(c)).find((each) => each.id === id);
  if (model) return c.json(model);
  throw new Refused(`The model '${id.slice(0, 60)}' does not exist.`, "model", {
    status: 404,
    code: "model_not_found",
  });
}

const tools: readonly string[] = ["generate_image", "img2img", "inpaint"];

async function modelsOf(c: FaceContext): Promise<Model[]> {
  const studio = c.get("studio");
  studio.demand("read");
  const { states } = await studio.workflows();
  const models = new Map<string, Model>();
  for (const tool of tools) {
    for (const { workflow, ready } of states) {
      if (workflow.tool !== tool || ready === false) continue;
      const known = models.get(workflow.name);
      if (known) known.tools.push(tool);
      else models.set(workflow.name, modelOf(workflow.name, workflow.title, tool));
    }
  }
  return [...models.values()];
}

function modelOf(id: string, title: string, tool: string): Model {
  return { id, object: "model", created: 0, owned_by: "comfy-easel", title, tools: [tool] };
}
