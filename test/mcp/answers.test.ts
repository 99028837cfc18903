import sharp from "sharp";
import { describe, expect, test } from "vitest";
import type { Config } from "../../src/config.ts";
import { Connection } from "../../src/faces/mcp/connection.ts";
import {
  call,
  connect,
  imageIdsIn,
  pathsIn,
  startApp,
  startEmulator,
  taskIdIn,
} from "../support/world.ts";

async function studio(overrides: Partial<Config> = {}, client = "test") {
  const emulator = await startEmulator();
  const world = await startApp(emulator.url, overrides);
  return { ...world, emulator, client: await connect(world.deps, client) };
}

const small = { width: 128, height: 128 };

describe("resource_link", () => {
  test.for<[links: Config["resultLinks"], client: string, sent: boolean]>([
    ["auto", "some-agent-framework", false],
    ["auto", "inspector-cli", true],
    ["always", "some-agent-framework", true],
    ["never", "inspector-cli", false],
  ])("with --result-links %s, %s gets one: %s", async ([resultLinks, name, sent]) => {
    const { client } = await studio({ resultLinks }, name);
    const made = await call(client, "generate_image", { prompt: "x", ...small });
    const answers = [
      made,
      await call(client, "task_status", { task_id: taskIdIn(made.text) }),
      await call(client, "get_image", { image_id: imageIdsIn(made.text)[0] }),
    ];

    for (const { content, text } of answers) {
      expect(content.some(({ type }) => type === "resource_link")).toBe(sent);
      expect(text).toContain(`comfy://images/${imageIdsIn(made.text)[0]}`);
    }
  });

  test("a revision of MCP that does not have it never gets one", async () => {
    const { deps } = await studio();
    const sent: unknown[] = [];
    const connection = new Connection(deps, async (message) => void sent.push(message));
    const ask = async (id: number, method: string, params: Record<string, unknown>) => {
      connection.receive({ jsonrpc: "2.0", id, method, params });
      await expect
        .poll(() => sent.find((each) => Reflect.get(each as object, "id") === id))
        .toBeTruthy();
      return JSON.stringify(sent.find((each) => Reflect.get(each as object, "id") === id));
    };
    await ask(1, "initialize", {
      protocolVersion: "2025-03-26",
      capabilities: {},
      clientInfo: { name: "inspector-cli", version: "1" },
    });

    const answer = await ask(2, "tools/call", {
      name: "generate_image",
      arguments: { prompt: "x", ...small },
    });

    expect(answer).toContain('"type":"image"');
    expect(answer).not.toContain("resource_link");
    await connection.close();
  });
});

describe("pictures in answers", () => {
  test("--result-images omit leaves text alone, which says where they are", async () => {
    const { client } = await studio({ resultImages: "omit" });

    const made = await call(client, "generate_image", { prompt: "x", ...small });
    const shown = await call(client, "get_image", { image_id: imageIdsIn(made.text)[0] });

    expect(made.content.map(({ type }) => type)).toEqual(["text"]);
    expect(made.text).toMatch(/No previews are in this answer; the full pictures are at/);
    expect(shown.content.map(({ type }) => type)).toEqual(["text"]);
  });

  test("previews: false does it for one call, at every tool that answers with pictures", async () => {
    const { client } = await studio();
    const made = await call(client, "generate_image", { prompt: "x", previews: false, ...small });
    const task_id = taskIdIn(made.text);

    const again = await call(client, "task_status", { task_id, previews: "false" });
    const cut = await call(client, "remove_background", { image: task_id, previews: false });

    for (const { content } of [made, again, cut]) {
      expect(content.map(({ type }) => type)).toEqual(["text"]);
    }
  });

  test("get_image stays within 2000 pixels, and takes a task for its first picture", async () => {
    const { client } = await studio();
    const made = await call(client, "generate_image", { prompt: "x", width: 2400, height: 600 });

    const shown = await call(client, "get_image", {
      image_id: taskIdIn(made.text),
      max_size: 2000,
    });
    const refused = await call(client, "get_image", {
      image_id: taskIdIn(made.text),
      max_size: 2048,
    });

    const block = shown.content.find(({ type }) => type === "image");
    const bytes = Buffer.from(String(block?.["data"]), "base64");
    expect(await sharp(bytes).metadata()).toMatchObject({ width: 2000, height: 500 });
    expect(refused.text).toMatch(/^max_size: expected a whole number from 64 to 2000/);
  });

  test("task_status takes an image's id and URI", async () => {
    const { client } = await studio();
    const made = await call(client, "generate_image", { prompt: "x", ...small });
    const [id] = imageIdsIn(made.text);

    for (const task_id of [id, `comfy://images/${id}`, `comfy://tasks/${taskIdIn(made.text)}`]) {
      // The guide is given once a connection.
      const without = made.text.replace(/\nGuide: .*/, "");
      expect((await call(client, "task_status", { task_id })).text).toBe(without);
    }
  });
});

test("the first answer that chose a workflow tells how to prompt it, the next do not", async () => {
  const { client } = await studio();

  const first = await call(client, "generate_image", { prompt: "x", ...small });
  const second = await call(client, "generate_image", { prompt: "y", ...small });

  expect(first.text).toMatch(/\nGuide: .{20,300}$/m);
  expect(second.text).not.toContain("Guide:");
});

describe("what was drawn", () => {
  test("is said when a style changed the prompt, and only then", async () => {
    const { client } = await studio();

    const styled = await call(client, "generate_image", {
      prompt: "fox",
      styles: "anime",
      ...small,
    });
    const bare = await call(client, "generate_image", { prompt: "fox", ...small });

    expect(styled.text).toMatch(/\nPrompt as drawn: .*\bfox\b.*, /);
    expect(bare.text).not.toMatch(/drawn/);
  });

  test("is said for each picture where alternatives made them different", async () => {
    const { client } = await studio();

    const { text } = await call(client, "generate_image", {
      prompt: "a {red|blue|green|black|white} fox",
      count: 8,
      seed: 1,
      ...small,
    });

    const drawn = [...text.matchAll(/drawn from: (.*)/g)].map((match) => match[1]);
    expect(drawn).toHaveLength(8);
    expect(new Set(drawn).size).toBeGreaterThan(1);
    for (const prompt of drawn) expect(prompt).toMatch(/^a (red|blue|green|black|white) fox$/);
  });

  test("is not said by tools that take no prompt", async () => {
    const { client } = await studio();
    const made = await call(client, "generate_image", { prompt: "x", ...small });

    for (const tool of ["upscale", "remove_background"]) {
      const { text } = await call(client, tool, { image: taskIdIn(made.text) });
      expect(text).toMatch(/^Done/);
      expect(text).not.toContain("Prompt as drawn");
    }
  });

  test("braces of JSON reach the graph as they are", async () => {
    const { client, app } = await studio();
    const prompt = 'a screen that shows {"mode": "a" | "b"}';

    const { text } = await call(client, "generate_image", { prompt, ...small });

    const task = await app.tasks.get(taskIdIn(text));
    expect(task.params["prompt"]).toBe(prompt);
    expect(task.runs[0]?.prompt).toBeUndefined();
  });
});

test("an upscale that paints has a seed, says it, and takes it", async () => {
  const { client } = await studio();
  const made = await call(client, "generate_image", { prompt: "x", ...small });
  const image = taskIdIn(made.text);
  const refine = (args: object) => call(client, "upscale", { image, prompt: "fine hair", ...args });

  const [first, second, given] = [await refine({}), await refine({}), await refine({ seed: 5 })];

  const seeds = [first, second, given].map(({ text }) => /seed (\d+)/.exec(text)?.[1]);
  expect(first.text).toMatch(/workflow upscale_refine/);
  expect(seeds[0]).not.toBe(seeds[1]);
  expect(seeds[2]).toBe("5");
});

test.for<[tool: string, args: Record<string, unknown>, note: RegExp]>([
  [
    "generate_image",
    { prompt: "x", aspect_ratio: "16:9", ...small },
    /Note: aspect_ratio has no effect: width and height/,
  ],
  [
    "img2img",
    { prompt: "x", vary: "subtle", strength: 0.5 },
    /Note: vary has no effect: strength 0\.5/,
  ],
  ["remove_background", { output_format: "jpeg" }, /Note: JPEG has no transparency/],
  [
    "generate_image",
    { prompt: "x", quality: "high", steps: 5, workflow: "checkpoint", ...small },
    /Note: quality has no effect on steps: 5 was given/,
  ],
  [
    "upscale",
    { width: 300, height: 200, fit: "fit", output_format: "jpeg" },
    /Note: JPEG has no transparency, so the transparent parts are white/,
  ],
  ["upscale", { factor: 3, width: 300, height: 300 }, /Note: factor has no effect/],
  ["upscale", { width: 300, fit: "fit" }, /Note: fit has no effect/],
  ["upscale", { seed: 4 }, /Note: seed has no effect/],
])("%s %j: what was not honoured is a note", async ([tool, args, note]) => {
  const { client } = await studio();
  const made = await call(client, "generate_image", { prompt: "x", ...small });
  const image = tool === "generate_image" ? {} : { image: taskIdIn(made.text) };

  const answer = await call(client, tool, { ...args, ...image });

  expect(answer.text).toMatch(/^Done/);
  expect(answer.text).toMatch(note);
});

test("the exact size asked of an existing picture comes out, cut or with bars", async () => {
  const { client } = await studio();
  const made = await call(client, "generate_image", { prompt: "x", ...small });
  const image = taskIdIn(made.text);
  const upscale = async (args: object) => {
    const { text } = await call(client, "upscale", { image, ...args });
    return sharp(String(pathsIn(text)[0]));
  };

  const filled = await upscale({ width: 640, height: 360 });
  const fitted = await upscale({ width: 640, height: 360, fit: "contain" });
  const byWidth = await upscale({ width: 300 });

  expect(await filled.metadata()).toMatchObject({ width: 640, height: 360 });
  expect((await filled.stats()).isOpaque).toBe(true);
  expect(await fitted.metadata()).toMatchObject({ width: 640, height: 360, hasAlpha: true });
  const { data } = await fitted
    .extract({ left: 0, top: 0, width: 1, height: 1 })
    .raw()
    .toBuffer({ resolveWithObject: true });
  expect([...data]).toEqual([0, 0, 0, 0]);
  expect(await byWidth.metadata()).toMatchObject({ width: 300, height: 300 });
});
