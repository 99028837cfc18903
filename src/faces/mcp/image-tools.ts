import type { Catalog } from "../../workflows/catalog.ts";
import { requestFrom } from "../../workflows/own-options.ts";
import type { Deps } from "./deps.ts";
import { submitAndFollow } from "./follow.ts";
import { imageToolSchema } from "./image-schema.ts";
import type { Tool } from "./tool.ts";

/** One tool per tool name the bindings mention. */
export function imageTools(deps: Deps): Tool[] {
  return deps.catalog.tools().map((name) => imageTool(deps, name));
}

function imageTool(deps: Deps, name: string): Tool {
  const { title, description } = texts(deps.catalog, name);
  const input = deps.schemas?.image(name) ?? imageToolSchema(deps.catalog, name, deps.waitSeconds);
  return {
    name,
    title,
    description,
    input,
    annotations: {
      readOnlyHint: false,
      destructiveHint: false,
      idempotentHint: false,
      // Image parameters take URLs.
      openWorldHint: "image" in input.shape,
    },
    async run({ wait_seconds, webhook_url, ...args }, call) {
      const request = requestFrom(args);
      const url = webhook_url ?? call.webhook?.url;
      const webhook = typeof url === "string" ? { ...call.webhook, url } : undefined;
      const { label, idempotencyKey } = call;
      const patienceMs = Number(wait_seconds) * 1_000;
      const options = { webhook, label, idempotencyKey, patienceMs };
      return submitAndFollow(
        deps,
        (signal) => deps.studio.submit(name, request, { ...options, signal }),
        Number(wait_seconds),
        call,
      );
    },
  };
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
      "Make pictures from a text prompt. Only `prompt` is needed: workflow, size and seed are chosen for you. If it takes longer than wait_seconds you get a task_id for task_status; so do the other image tools.",
  },
  img2img: {
    title: "Change image",
    description:
      "Make a new picture from an existing one and a prompt that says what it should become or what to change.",
  },
  inpaint: {
    title: "Repaint part of an image",
    description:
      "Repaint the masked part of a picture as the prompt says; the rest stays as it is.",
  },
  outpaint: {
    title: "Extend image",
    description:
      "Paint on beyond the edges of a picture, by pixels on each side or to an aspect ratio.",
  },
  upscale: {
    title: "Upscale image",
    description:
      "Enlarge a picture, adding detail with an upscale model where one is installed; the result says if none was.",
  },
  remove_background: {
    title: "Remove background",
    description:
      "Cut out the subject of a picture; around it the result is transparent, or `background`.",
  },
};
