import path from "node:path";
import sharp from "sharp";
import { expect, test } from "vitest";
import type { Client } from "../support/client.ts";
import {
  call,
  connect,
  pathsIn,
  startApp,
  startEmulator,
  type ToolAnswer,
  taskIdIn,
} from "../support/world.ts";

/** What a model has at hand: the picture of the turn before, and a folder of the user's. */
interface Turn {
  client: Client;
  /** Id of the picture made before. */
  image: string;
  task: string;
  file: string;
  folder: string;
}

type Args = Record<string, unknown>;

interface Request {
  /** What a person says. */
  words: string;
  /** The call that the descriptions alone lead a model to. */
  tool: string;
  args: Args | ((turn: Turn) => Args);
  /** What must be in the answer; without it, that a picture is done. */
  says?: RegExp;
  /** What the answer to the last call must say. */
  lastly?: RegExp;
  /** What the file must be. */
  picture?: Args;
  /** What the task on record must have been asked to do. */
  record?: Args;
  /** The first call was refused, and its words lead to this one. */
  next?: (answer: ToolAnswer, turn: Turn) => [tool: string, args: Args];
}

const small = { width: "128", height: "128" };

const requests: Request[] = [
  {
    words: "Draw me a fox in the snow.",
    tool: "generate_image",
    args: { prompt: "a fox" },
    record: { prompt: "a fox" },
  },
  {
    words: "A wallpaper in 16:9, please.",
    tool: "generate_image",
    args: { prompt: "hills", aspect_ratio: "16:9", width: null, height: null },
    picture: { width: 1360, height: 765 },
  },
  {
    words: "A banner of exactly 1500 by 500.",
    tool: "generate_image",
    args: { prompt: "sea", width: "1500", height: "500" },
    picture: { width: 1500, height: 500 },
  },
  {
    words: "An upright picture for my phone.",
    tool: "generate_image",
    args: { prompt: "a tower", aspect_ratio: "portrait" },
    picture: { width: 864, height: 1152 },
  },
  {
    words: "Four different cats.",
    tool: "generate_image",
    args: { prompt: "a cat", count: "4", ...small },
    says: /4 images[\s\S]*seed \d+[\s\S]*seed \d+/,
  },
  {
    words: "Use SDXL for this one.",
    tool: "generate_image",
    args: { prompt: "a cat", model: "sdxl", ...small },
    says: /Note: model: "sdxl" was read as sd_?xl/i,
  },
  {
    words: "With FLUX schnell.",
    tool: "generate_image",
    args: { prompt: "a cat", model: "flux schnell", ...small },
    says: /workflow flux_schnell/,
  },
  {
    words: "Just a quick draft.",
    tool: "generate_image",
    args: { prompt: "a cat", quality: "draft", ...small },
    record: { quality: "lightning" },
  },
  {
    words: "In the best quality you can.",
    tool: "generate_image",
    args: { prompt: "a cat", quality: "best", ...small },
    record: { quality: "quality" },
  },
  {
    words: "As a watercolour.",
    tool: "generate_image",
    args: { prompt: "a cat", styles: "watercolor", ...small },
    says: /Prompt as drawn: .*watercolou?r/i,
  },
  {
    words: "A red or a blue car, surprise me. Which was it?",
    tool: "generate_image",
    args: { prompt: "a {red|blue} car", ...small },
    says: /Prompt as drawn: a (red|blue) car/,
  },
  {
    words: 'A poster with the words {"OPEN" | "24"}, braces and all.',
    tool: "generate_image",
    args: { prompt: 'a poster that says {"OPEN" | "24"}', ...small },
    says: /^Done(?![\s\S]*Prompt as drawn)/,
    record: { prompt: 'a poster that says {"OPEN" | "24"}' },
  },
  {
    words: "The same picture again, seed 42.",
    tool: "generate_image",
    args: { prompt: "a cat", seed: "42", ...small },
    says: /seed 42\b/,
  },
  {
    words: "No people in it.",
    tool: "generate_image",
    args: { prompt: "a beach", negative_prompt: "people", ...small },
    says: /Note: negative_prompt is not used by flux_dev_gguf: it takes prompt/,
  },
  {
    words: "Save it as a JPEG in my project.",
    tool: "generate_image",
    args: ({ folder }) => ({
      prompt: "a cat",
      output_format: "jpg",
      save_to: path.join(folder, "hero.jpg"),
      overwrite: "true",
      ...small,
    }),
    says: /Saved to .*hero\.jpg/,
  },
  {
    words: "150 steps.",
    tool: "generate_image",
    args: { prompt: "a cat", steps: 150, ...small },
    says: /^steps: .*allowed 1 to (\d+)/,
    next: ({ text }) => [
      "generate_image",
      { prompt: "a cat", steps: /1 to (\d+)/.exec(text)?.[1], ...small },
    ],
    record: { steps: 60 },
  },
  {
    words: "I want twelve of them, num_images 12.",
    tool: "generate_image",
    args: { prompt: "a cat", num_images: 12, ...small },
    says: /^num_images: .*Did you mean count\?/,
    next: () => ["generate_image", { prompt: "a cat", count: 12, ...small }],
    lastly: /^Done: .*12 images/,
  },
  {
    words: "A transparent sticker of a fox.",
    tool: "generate_image",
    args: { prompt: "a sticker of a fox", ...small },
    next: ({ text }) => ["remove_background", { image: taskIdIn(text) }],
    picture: { hasAlpha: true },
  },
  {
    words: "Four variations of the last picture.",
    tool: "img2img",
    args: ({ image }) => ({ image, vary: "subtle", count: 4 }),
    says: /4 images[\s\S]*prompt: left out, so the one on record was used: "a boat"/,
  },
  {
    words: "Something quite different from it, but like it.",
    tool: "img2img",
    args: ({ task }) => ({ image: task, vary: "big", prompt: "" }),
    record: { prompt: "a boat", strength: 0.85 },
  },
  {
    words: "Make it night.",
    tool: "img2img",
    args: ({ image }) => ({ image, prompt: "the boat at night" }),
    says: /workflow flux_kontext/,
    record: { prompt: "the boat at night" },
  },
  {
    words: "Remove the red car.",
    tool: "img2img",
    args: ({ image }) => ({ image, prompt: "remove the red car" }),
    says: /workflow flux_kontext/,
  },
  {
    words: "Inpaint: take the red car out.",
    tool: "inpaint",
    args: ({ image }) => ({ image, prompt: "an empty street", mask: "" }),
    says: /^mask: .*call img2img with the same image and prompt: its workflow flux_kontext/,
    next: (_answer, { image }) => ["img2img", { image, prompt: "remove the red car" }],
    lastly: /^Done: .*workflow flux_kontext/,
  },
  {
    words: "Repaint what I erased in this file.",
    tool: "inpaint",
    args: ({ file }) => ({ image: file, prompt: "a tree" }),
    picture: { width: 128, height: 128, hasAlpha: false },
  },
  {
    words: "Change it a little, keep the sky. Strength 30 %.",
    tool: "img2img",
    args: ({ image }) => ({ image, prompt: "a boat with a sail", strength: "0.3" }),
    record: { strength: 0.3 },
  },
  {
    words: "Make it 1920x1080.",
    tool: "upscale",
    args: ({ image }) => ({ image, width: 1920, height: 1080 }),
    picture: { width: 1920, height: 1080 },
  },
  {
    words: "1920x1080, but don't cut anything off.",
    tool: "upscale",
    args: ({ image }) => ({ image, width: 1920, height: 1080, fit: "contain" }),
    picture: { width: 1920, height: 1080, hasAlpha: true },
  },
  {
    words: "Extend it to 16:9.",
    tool: "outpaint",
    args: ({ image }) => ({ image, aspect_ratio: "16:9", prompt: null }),
    picture: { width: 228, height: 128 },
  },
  {
    words: "Extend it so that it is 640 by 360.",
    tool: "outpaint",
    args: ({ image }) => ({ image, aspect_ratio: "640x360" }),
    picture: { width: 640, height: 360 },
  },
  {
    words: "Twice as large.",
    tool: "upscale",
    args: ({ image }) => ({ image, factor: "2x" }),
    picture: { width: 256, height: 256 },
  },
  {
    words: "Eight times as large.",
    tool: "upscale",
    args: ({ image }) => ({ image, factor: 8 }),
    says: /^factor: .*upscale the result again/,
    next: (_answer, { image }) => ["upscale", { image, factor: 4 }],
    picture: { width: 512, height: 512 },
  },
  {
    words: "Resize it to 512 wide with img2img.",
    tool: "img2img",
    args: ({ image }) => ({ image, prompt: "x", width: 512 }),
    says: /^width: .*upscale with width and height/,
    next: (_answer, { image }) => ["upscale", { image, width: 512 }],
    picture: { width: 512, height: 512 },
  },
  {
    words: "Put a white background behind it.",
    tool: "remove_background",
    args: ({ image }) => ({ image, background: "white", output_format: "JPEG" }),
    picture: { format: "jpeg" },
  },
  {
    words: "What did I make yesterday?",
    tool: "list_tasks",
    args: { since: "yesterday", before: "today" },
    says: /^0 tasks since \d{4}-\d{2}-\d{2} 00:00 \(.+\), before /,
  },
  {
    words: "Continue where we left off.",
    tool: "list_tasks",
    args: { limit: "5", state: "done", tool: "" },
    says: /"a boat", 128x128, .*seed \d+, images t\w+-1/,
  },
  {
    words: "Which models do I have?",
    tool: "list_workflows",
    args: { show: "models" },
    says: /sd_?xl.*\.safetensors: generate_image/i,
  },
  {
    words: "And which styles and LoRAs?",
    tool: "list_workflows",
    args: { show: "styles" },
    says: /watercolor \(/,
    next: () => ["list_workflows", { show: "loras" }],
    lastly: /sdxl_lightning_4step_lora\.safetensors: for SDXL/,
  },
  {
    words: "With the SDXL lightning LoRA.",
    tool: "generate_image",
    args: { prompt: "a cat", loras: "sdxl_lightning_4step_lora", ...small },
    says: /^loras: .*made for SDXL.*It goes with the workflow checkpoint/,
    next: ({ text }) => [
      "generate_image",
      {
        ...{ prompt: "a cat", loras: "sdxl_lightning_4step_lora", ...small },
        workflow: /goes with the workflow (\w+)/.exec(text)?.[1],
      },
    ],
    lastly: /^Done: .*workflow checkpoint/,
  },
  {
    words: "Stop it.",
    tool: "cancel_task",
    args: ({ task }) => ({ task_id: task }),
    says: /^Task t\w+ is completed: 1 image finished before/,
  },
  {
    words: "Show me that picture again, larger.",
    tool: "get_image",
    args: ({ task }) => ({ image_id: task, max_size: "2000" }),
    says: /^Image t\w+-1: 128x128/,
  },
  {
    words: "Is it ready?",
    tool: "task_status",
    args: ({ image }) => ({ task_id: image }),
  },
  {
    words: "What would go if I deleted everything from today?",
    tool: "delete_tasks",
    args: { since: "today", dry_run: "true" },
    says: /^Would delete 1 task and 1 image.* since .*\n- t\w+ completed.*"a boat"/,
  },
  {
    words: "Delete everything.",
    tool: "delete_tasks",
    args: { task_ids: "", tool: null },
    says: /^Say what to delete.*before: "tomorrow"/,
    next: () => ["delete_tasks", { before: "tomorrow" }],
    lastly: /^Deleted 1 task and 1 image/,
  },
  {
    words: "Delete my txt2img pictures.",
    tool: "delete_tasks",
    args: { tool: "txt2img" },
    says: /^tool: there is no "txt2img".*generate_image/,
    next: () => ["delete_tasks", { tool: "generate_image", dry_run: true }],
    lastly: /^Would delete 1 task/,
  },
];

test.for(requests)("$words", async ({ tool, args, says, lastly, picture, record, next }) => {
  const emulator = await startEmulator();
  const { app, deps, dataDir } = await startApp(emulator.url);
  const client = await connect(deps);
  const made = await call(client, "generate_image", { prompt: "a boat", ...small });
  const file = path.join(dataDir, "erased.png");
  await erased(file);
  const task = taskIdIn(made.text);
  const turn = { client, image: `${task}-1`, task, file, folder: dataDir };

  let answer = await call(client, tool, typeof args === "function" ? args(turn) : args);
  expect(answer.text).toMatch(says ?? /^Done/);
  if (next) answer = await call(client, ...next(answer, turn));

  expect(answer.isError, answer.text).toBe(false);
  if (lastly) expect(answer.text).toMatch(lastly);
  if (record) {
    expect((await app.tasks.get(taskIdIn(answer.text))).params).toMatchObject(record);
  }
  if (picture) {
    expect(await sharp(String(pathsIn(answer.text)[0])).metadata()).toMatchObject(picture);
  }
});

test("there are forty of them, and they call every tool", async () => {
  const client = await connect((await startApp((await startEmulator()).url)).deps);
  const { tools } = await client.listTools();
  const called = new Set(requests.map(({ tool }) => tool));

  expect(requests.length).toBeGreaterThanOrEqual(40);
  expect([...called].toSorted()).toEqual(tools.map(({ name }) => name).toSorted());
});

/** A picture with its middle erased. */
async function erased(file: string): Promise<void> {
  const hole = await sharp({
    create: { width: 32, height: 32, channels: 4, background: "white" },
  })
    .png()
    .toBuffer();
  await sharp({ create: { width: 128, height: 128, channels: 4, background: "teal" } })
    .composite([{ input: hole, blend: "dest-out" }])
    .png()
    .toFile(file);
}
