import { z } from "zod";
import { AppError } from "../../errors.ts";
import { isPicture } from "../../tasks/guests.ts";
import type { Task } from "../../tasks/task.ts";
import type { Catalog } from "../../workflows/catalog.ts";
import { requestFrom } from "../../workflows/own-options.ts";
import type { Deps } from "./deps.ts";
import { submitAndFollow } from "./follow.ts";
import { effortCalled, imageToolSchema } from "./image-schema.ts";
import { choose } from "./question.ts";
import type { Call, Tool } from "./tool.ts";
import { seeing } from "./view.ts";

/** One tool per tool name the bindings mention. */
export function imageTools(deps: Deps): Tool[] {
  return deps.catalog.tools().map((name) => imageTool(deps, name));
}

function imageTool(deps: Deps, name: string): Tool {
  const { title, description } = texts(deps.catalog, name);
  const { input, pictures, unlisted } =
    deps.schemas?.image(name) ?? imageToolSchema(deps.catalog, name, deps.waitSeconds);
  return {
    name,
    title,
    description,
    input,
    pictures,
    unlisted,
    // A picture brings the prompt it was made from.
    relaxed: ({ workflow }) =>
      isPicture(String(workflow)) && "prompt" in input.shape
        ? input.extend({ prompt: z.string().optional() })
        : undefined,
    annotations: {
      readOnlyHint: false,
      destructiveHint: false,
      idempotentHint: false,
      // Image parameters take URLs.
      openWorldHint: "image" in input.shape,
    },
    run: (args, call) =>
      submitAndFollow(
        deps,
        (signal) => submit(deps, name, args, call, signal),
        Number(args["wait_seconds"]),
        seeing(call, args["previews"]),
      ),
    begin: (args, call) => submit(deps, name, args, call, call.signal),
  };
}

/** Where a name could mean several models, the person at the client may choose; nothing is made before. */
async function submit(
  deps: Deps,
  name: string,
  args: Record<string, unknown>,
  call: Call,
  signal: AbortSignal,
): Promise<Task> {
  try {
    return await submitOnce(deps, name, args, call, signal);
  } catch (error) {
    if (!(call.ask && error instanceof AppError && error.choices)) throw error;
    const { parameter, given, values } = error.choices;
    const question = `Which ${parameter} is meant by ${given}?`;
    const chosen = await choose(call.ask, parameter, question, values);
    if (chosen === undefined) throw error;
    return submitOnce(deps, name, { ...args, [parameter]: chosen }, call, signal);
  }
}

function submitOnce(
  { studio }: Deps,
  name: string,
  { wait_seconds, webhook_url, previews, ...args }: Record<string, unknown>,
  { webhook: given, label, idempotencyKey, client }: Call,
  signal: AbortSignal,
): Promise<Task> {
  const request = requestFrom(args);
  const effort = effortCalled(args["quality"]);
  if (effort !== undefined) request.quality = effort;
  const url = webhook_url ?? given?.url;
  const webhook = typeof url === "string" ? { ...given, url } : undefined;
  const patienceMs = Number(wait_seconds) * 1_000;
  // The page in a chat shows the picture while it is painted.
  const options = { webhook, label, idempotencyKey, patienceMs, signal, previews: client.apps };
  return studio.submit(name, request, options);
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
      "Make pictures from a text prompt. Only `prompt` is needed: workflow, size and seed are chosen for you. Backgrounds are opaque; for a transparent sticker or logo call remove_background on the result. If it takes longer than wait_seconds you get a task_id for task_status; so do the other image tools.",
  },
  img2img: {
    title: "Change image",
    description:
      'Change a whole picture as a prompt says, or make variations of it. For an edit in words ("remove the red car") use this; with a mask use inpaint.',
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
      "Enlarge a picture, or give it an exact size, with an upscale model where one is installed; the result says if none was. With `prompt` a checkpoint repaints its detail: slow.",
  },
  remove_background: {
    title: "Remove background",
    description:
      "Cut out the subject of a picture; around it the result is transparent, or `background`.",
  },
};
