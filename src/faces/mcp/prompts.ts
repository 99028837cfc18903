import { AppError, refusal } from "../../errors.ts";
import { isPicture } from "../../images/media.ts";
import { argumentsOf } from "../../studio/task-arguments.ts";
import { imagesOf, isTaskId } from "../../tasks/task.ts";
import { nearest, quoted } from "../../words.ts";
import type { Block } from "./answer.ts";
import type { Deps } from "./deps.ts";
import { type Ask, fill } from "./question.ts";

export interface PromptArgument {
  name: string;
  title: string;
  description: string;
  required: boolean;
  /** What its values are, for completion; undefined for words of one's own. */
  of?: "image" | "workflow" | "style" | "model" | "lora" | undefined;
}

/** A prompt as a person picks it from a client's menu. */
export interface Prompt {
  name: string;
  title: string;
  description: string;
  arguments: readonly PromptArgument[];
  /** What the model is told; the arguments are there, as text. */
  say(args: Readonly<Record<string, string>>, deps: Deps): Promise<Block[]> | Block[];
}

const image: PromptArgument = {
  name: "image",
  title: "Picture",
  description: "Id of an earlier picture, a file path or a URL",
  required: true,
  of: "image",
};
const workflow: PromptArgument = {
  name: "workflow",
  title: "Workflow",
  description: "Which workflow; left out, the first that can run",
  required: false,
  of: "workflow",
};

export const prompts: readonly Prompt[] = [
  {
    name: "generate",
    title: "Make a picture",
    description: "A new picture from words",
    arguments: [
      words("prompt", "What to see", "What the picture shows"),
      { ...optional("style", "Style", "A style's name"), of: "style" },
      workflow,
      { ...optional("model", "Model", "A model file or a family, such as sdxl"), of: "model" },
      { ...optional("lora", "LoRA", "A LoRA file, with its weight as name:0.8"), of: "lora" },
    ],
    say: ({ prompt, style, lora, ...rest }) => [
      text(
        `Make this picture with generate_image, show it to me, and name its image id: ${prompt}`,
        settings({ styles: style, loras: lora, ...rest }),
      ),
    ],
  },
  {
    name: "edit",
    title: "Change a picture",
    description: "An earlier picture, or one of yours, changed as you say",
    arguments: [image, words("change", "Change", "What should be different"), workflow],
    say: async ({ image: id = "", change, ...rest }, deps) => [
      text(
        `Change the picture ${id} with img2img, and show me the result. What should be different: ${change}`,
        settings(rest),
      ),
      ...(await previewOf(deps, id)),
    ],
  },
  {
    name: "sticker",
    title: "Make a sticker",
    description: "A subject cut out of its background, as a transparent PNG",
    arguments: [words("subject", "Subject", "What is on the sticker")],
    say: ({ subject }) => [
      text(
        `Make a sticker of this: ${subject}`,
        "First generate_image with the subject alone, whole, in the middle, with a thick white outline, on a plain light background; then remove_background on that image id. Show me the cut-out.",
      ),
    ],
  },
  {
    name: "upscale",
    title: "Enlarge a picture",
    description: "The same picture with more pixels",
    arguments: [image, optional("factor", "Factor", "2 or 4; left out, 2")],
    say: async ({ image: id = "", factor }, deps) => [
      text(
        `Enlarge the picture ${id} with upscale, and tell me where it is.`,
        settings({ factor }),
      ),
      ...(await previewOf(deps, id)),
    ],
  },
  {
    name: "make-again",
    title: "Make again",
    description: "A picture once more as it was made, or with something changed",
    arguments: [
      { ...image, description: "Id of a picture or a task" },
      optional("change", "Change", "What should be different; left out, nothing"),
    ],
    say: async ({ image: id = "", change }, deps) => {
      const { tool, call } = await callOf(deps, id);
      const wish = change ? `Change this: ${change}` : "Change nothing.";
      return [
        text(`Make the picture ${id} again with ${tool}. ${wish}`, `It was made with: ${call}`),
        ...(await previewOf(deps, id)),
      ];
    },
  },
  {
    name: "workflow",
    title: "Use a workflow",
    description: "A workflow with its own parameters, explained",
    arguments: [
      { ...workflow, name: "name", description: "Its name", required: true },
      optional("wish", "Wish", "What to make with it"),
    ],
    say: ({ name = "", wish }, deps) => {
      const { tool, title, description, guide, parameters } = workflowCalled(deps, name);
      const facts = [
        `Its author says: ${quoted(description, 600)}`,
        ...(guide === undefined ? [] : [`Guide: ${guide}`]),
        `Parameters: ${Object.keys(parameters).join(", ")}.`,
      ];
      const goal = wish ? `Make this with it: ${wish}` : "Ask me what to make with it.";
      return [
        text(`Use ${tool} with workflow ${JSON.stringify(name)} (${title}). ${goal}`, ...facts),
      ];
    },
  },
];

function words(name: string, title: string, description: string): PromptArgument {
  return { name, title, description, required: true };
}

function optional(name: string, title: string, description: string): PromptArgument {
  return { name, title, description, required: false };
}

function text(...lines: string[]): Block {
  return { type: "text", text: lines.filter((line) => line !== "").join("\n") };
}

function settings(given: Readonly<Record<string, string | undefined>>): string {
  const set = Object.entries(given).filter(([, value]) => value !== undefined && value !== "");
  if (set.length === 0) return "";
  return `With ${set.map(([name, value]) => `${name} ${JSON.stringify(value)}`).join(", ")}.`;
}

/**
 * The person at the client is asked for what is missing, where there is one to ask. Throws
 * `invalid_input` for what is missing then, and `not_found` for a prompt or a thing that is not there.
 */
export async function promptBlocks(
  deps: Deps,
  name: string,
  args: Readonly<Record<string, string>>,
  ask: Ask | undefined,
): Promise<{ description: string; blocks: Block[] }> {
  const prompt = promptCalled(name);
  const given = { ...args, ...(ask && (await filledIn(prompt, args, ask))) };
  const [missing] = missingOf(prompt, given);
  if (missing) throw refusal(`${missing.name}: missing. ${missing.description}.`);
  return { description: prompt.description, blocks: await prompt.say(given, deps) };
}

function missingOf(prompt: Prompt, args: Readonly<Record<string, string>>): PromptArgument[] {
  return prompt.arguments.filter(({ name, required }) => required && !args[name]?.trim());
}

async function filledIn(
  prompt: Prompt,
  args: Readonly<Record<string, string>>,
  ask: Ask,
): Promise<Record<string, string>> {
  const fields = missingOf(prompt, args).map(({ name, title, description }) => {
    return [name, { type: "string", title, description }] as const;
  });
  if (fields.length === 0) return {};
  const question = `${prompt.title}: what is missing yet`;
  const filled = await fill(ask, "arguments", question, Object.fromEntries(fields));
  const said = fields.flatMap(([name]) => {
    const value = filled?.[name];
    return typeof value === "string" ? [[name, value] as const] : [];
  });
  return Object.fromEntries(said);
}

/** Throws `not_found`. */
export function promptCalled(name: string): Prompt {
  const prompt = prompts.find((one) => one.name === name);
  if (prompt) return prompt;
  const names = prompts.map((one) => one.name);
  const close = nearest(name, names);
  throw new AppError(
    "not_found",
    `There is no prompt ${JSON.stringify(name.slice(0, 60))}. ${close.length > 0 ? `Did you mean ${close.join(" or ")}?` : `Prompts: ${names.join(", ")}.`}`,
  );
}

function workflowCalled({ catalog }: Deps, name: string) {
  const all = catalog.all();
  const found = all.find((workflow) => workflow.name === name);
  if (found) return found;
  const close = nearest(name, [...new Set(all.map((workflow) => workflow.name))]);
  throw new AppError(
    "not_found",
    `name: there is no workflow ${JSON.stringify(name.slice(0, 60))}. ${close.length > 0 ? `Did you mean ${close.join(" or ")}?` : "list_workflows has them all."}`,
  );
}

/** The tool and the arguments that made a picture, as a call that makes it again. */
async function callOf({ catalog, studio }: Deps, id: string) {
  const task = isTaskId(id) ? await studio.get(id) : (await studio.pictures.image(id)).task;
  const known = catalog.ofTool(task.tool).find(({ name }) => name === task.workflow);
  return { tool: task.tool, call: JSON.stringify(argumentsOf(task, known)) };
}

/** The picture for the model's eyes, where the id is one of ours. */
async function previewOf({ studio, resultImages }: Deps, id: string): Promise<Block[]> {
  if (resultImages === "omit") return [];
  const found = isTaskId(id)
    ? imagesOf(await studio.get(id))[0]
    : await studio.pictures.image(id).then(
        ({ record }) => record,
        () => undefined,
      );
  if (!found || !isPicture(found.mimeType)) return [];
  const { data, mimeType } = await studio.pictures.preview(found.id);
  return [{ type: "image", data: data.toString("base64"), mimeType }];
}
