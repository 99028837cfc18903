import { writeFile } from "node:fs/promises";
import path from "node:path";
import sharp from "sharp";
import { expect, test } from "vitest";
import { isPlain, parseTarget } from "../../src/comfy/target.ts";
import type { EmulatorOptions } from "../../src/emulator/emulator.ts";
import { png, pngText } from "../fixtures/editor/carriers.ts";
import { editor, textToImage } from "../fixtures/editor/graphs.ts";
import { asked, posts } from "../support/comfy.ts";
import { call, connect, imageIdsIn, startApp, startEmulator } from "../support/world.ts";

const app = editor({
  ...textToImage(),
  extra: {
    linearMode: true,
    linearData: {
      inputs: [
        [2, "text"],
        [5, "steps"],
      ],
      outputs: [7],
    },
  },
});

const checkpoint = "v1-5-pruned-emaonly-fp16.safetensors";

async function studio(options: EmulatorOptions = {}, config = {}) {
  const emulator = await startEmulator({ models: { checkpoints: [checkpoint] }, ...options });
  const world = await startApp(emulator.url, config);
  return { emulator, ...world, client: await connect(world.deps) };
}

/** The graph that the last POST brought. */
function lastGraph({ emulator }: Awaited<ReturnType<typeof studio>>) {
  const post = emulator.requests.findLast(
    ({ method, path }) => method === "POST" && /prompt$/.test(path),
  );
  const body = post?.body as { prompt?: Record<string, { inputs: Record<string, unknown> }> };
  return body.prompt ?? {};
}

test("an app saved in ComfyUI is listed and runs, without a restart and without polling", async () => {
  const { emulator, client } = await studio();
  expect(asked(emulator, "GET", /userdata/)).toBe(0);
  expect((await call(client, "list_workflows")).text).not.toContain("fox_maker");

  emulator.saveWorkflow("fox_maker.json", app);
  const made = await call(client, "generate_image", {
    ...{ prompt: "a red fox", workflow: "fox_maker", steps: 3 },
  });

  expect(made.isError, made.text).toBe(false);
  expect(made.text).toContain("workflow fox_maker");
  const text = (await call(client, "list_workflows", { workflow: "fox_maker" })).text;
  expect(text).toContain("ready");
});

test("an app saved in ComfyUI is a tool soon after the start, and clients are told", async () => {
  const world = await studio();
  const upscaler = editor({
    nodes: [
      { id: 1, type: "LoadImage", outputs: ["IMAGE", "MASK"], values: ["a.png", "image"] },
      { id: 2, type: "ImageInvert", inputs: ["image:IMAGE"], outputs: ["IMAGE"] },
      { id: 3, type: "SaveImage", inputs: ["images:IMAGE"], values: ["x"] },
    ],
    links: [
      [1, 0, 2, 0, "IMAGE"],
      [2, 0, 3, 0, "IMAGE"],
    ],
    extra: { linearData: { inputs: [[1, "image"]], outputs: [3] } },
  });
  world.emulator.saveWorkflow("invert colours.json", upscaler);
  const told = new Promise<void>((resolve, reject) => {
    world.client.onToolsChanged(resolve).catch(reject);
  });

  world.app.lookForSaved();
  await told;

  const { tools } = await world.client.listTools();
  expect(tools.map(({ name }) => name)).toContain("invert_colours");
});

test.for<[url: string, isAsked: boolean]>([
  ["http://127.0.0.1:8188", true],
  ["http://comfyui:8188", true],
  ["http://192.168.1.7:8188", true],
  ["http://gpu.local:8188", true],
  ["http://127.0.0.1:8080/upstream/comfy", false],
  ["https://192.168.1.7", false],
  ["http://ann:secret@192.168.1.7:8188", false],
  ["http://comfy.example.com", false],
])("at the start %s is asked for them: %s, for it may sleep behind a proxy", ([url, isAsked]) => {
  expect(isPlain(parseTarget(url))).toBe(isAsked);
});

test("a saved workflow that cannot be one is told in the list", async () => {
  const { emulator, client } = await studio();
  emulator.saveWorkflow("easel/broken.json", { nodes: [{ id: 1, type: "Nowhere" }], links: [] });

  const { text } = await call(client, "list_workflows");
  expect(text).toContain("Left out: ComfyUI's workflows/easel/broken.json");
});

test("with --saved-workflows none nobody is asked for them", async () => {
  const { emulator, client } = await studio({}, { savedWorkflows: "none" });
  emulator.saveWorkflow("fox_maker.json", app);

  expect((await call(client, "list_workflows")).text).not.toContain("fox_maker");
  expect(asked(emulator, "GET", /userdata/)).toBe(0);
});

function template(file: string) {
  const { nodes, links } = textToImage();
  const models = [{ name: file, url: "https://example.org/file", directory: "checkpoints" }];
  const [loader, ...rest] = nodes;
  return editor({
    nodes: loader ? [{ ...loader, values: [file], properties: { models } }, ...rest] : [],
    links,
  });
}

const templates = {
  "index.json": [
    {
      title: "Image",
      templates: [
        { name: "image_fox", title: "Fox Turbo", models: ["Fox"], tags: ["Text to Image"] },
        { name: "image_new", title: "Newest", models: ["New"], tags: ["Text to Image"] },
        { name: "api_fox", title: "Fox Pro", models: ["Fox"], openSource: false },
      ],
    },
  ],
  "image_fox.json": template(checkpoint),
  "image_new.json": template("newest.safetensors"),
  "api_fox.json": template(checkpoint),
};

test("a template is found by a search and run by its name", async () => {
  const world = await studio({ templates });
  const { text } = await call(world.client, "list_workflows", { search: "fox" });
  expect(text).toContain("template:image_fox: Fox Turbo");
  expect(text).toMatch(/template:api_fox.*paid partner nodes/);

  const made = await call(world.client, "generate_image", {
    ...{ prompt: "a vixen", workflow: "template:image_fox" },
  });
  expect(made.isError, made.text).toBe(false);
  expect(lastGraph(world)["2"]?.inputs["text"]).toBe("a vixen");
});

test("a template that a node pack brings along is found and run like the gallery's", async () => {
  const packs = { "ComfyUI-Foxes/two foxes.json": template(checkpoint) };
  const world = await studio({ templates: { ...templates, ...packs } });
  const { text } = await call(world.client, "list_workflows", { search: "foxes" });
  expect(text).toContain("template:ComfyUI-Foxes/two foxes: two foxes [ComfyUI-Foxes]");

  const made = await call(world.client, "generate_image", {
    ...{ prompt: "a vixen", workflow: "template:ComfyUI-Foxes/two foxes" },
  });
  expect(made.isError, made.text).toBe(false);
  expect(lastGraph(world)["2"]?.inputs["text"]).toBe("a vixen");
  const wrong = await call(world.client, "generate_image", {
    ...{ prompt: "a fox", workflow: "template:ComfyUI-Foxes/../two foxes" },
  });
  expect(wrong.text).toContain("there is no template");
});

test("what a template lacks is said with file, folder and source, before it runs", async () => {
  const models = { checkpoints: [checkpoint] };
  const { emulator, client } = await studio({ templates, models });
  const wanted = "the model newest.safetensors in models/checkpoints (https://example.org/file)";
  const listed = await call(client, "list_workflows", { workflow: "template:image_new" });
  expect(listed.text).toContain(wanted);
  const args = { prompt: "a fox", workflow: "template:image_new" };
  const refused = await call(client, "generate_image", args);
  expect(refused.isError).toBe(true);
  expect(refused.text).toContain(wanted);
  expect(posts(emulator)).toBe(0);

  models.checkpoints.push("newest.safetensors");
  await emulator.restart();
  const { deps } = await startApp(emulator.url);
  const made = await call(await connect(deps), "generate_image", args);
  expect(made.isError, made.text).toBe(false);
});

test.for<[name: string, reason: RegExp]>([
  ["template:api_fox", /paid partner nodes/],
  ["template:image_fux", /Did you mean template:image_fox/],
  ["template:../../x", /there is no template/],
])("%s is not run", async ([workflow, reason]) => {
  const { emulator, client } = await studio({ templates });
  const refused = await call(client, "generate_image", { prompt: "a fox", workflow });

  expect(refused.isError).toBe(true);
  expect(refused.text).toMatch(reason);
  expect(posts(emulator)).toBe(0);
});

test("a search tells of a ComfyUI without a gallery, and 600 templates fit an answer", async () => {
  const without = await studio();
  expect((await call(without.client, "list_workflows", { search: "zebra" })).text).toMatch(
    /^Nothing/,
  );

  const many = Array.from({ length: 600 }, (_, i) => ({
    name: `fox_${i}`,
    title: "A title as long as titles are in the gallery, and then some more words of it ".repeat(
      3,
    ),
    models: ["Fox one", "Fox two", "Fox three"],
    tags: ["Text to Image", "Image Edit"],
  }));
  const { client } = await studio({ templates: { "index.json": [{ templates: many }] } });
  const { text } = await call(client, "list_workflows", { search: "fox" });
  expect(text.length / 4).toBeLessThan(2_000);
  expect(text).toContain("580 templates more");
});

test("a picture made here is made again from itself, and what is given goes first", async () => {
  const world = await studio();
  const first = await call(world.client, "generate_image", { prompt: "a fox", seed: 11, steps: 4 });
  const [image] = imageIdsIn(first.text);
  const before = lastGraph(world);

  const again = await call(world.client, "generate_image", { workflow: `picture:${image}` });
  expect(again.isError, again.text).toBe(false);
  expect(lastGraph(world)).toEqual(before);

  const other = await call(world.client, "generate_image", {
    ...{ workflow: `picture:${image}`, prompt: "an owl" },
  });
  expect(other.isError, other.text).toBe(false);
  const changed = Object.values(lastGraph(world)).filter(
    ({ inputs }) => inputs["text"] === "an owl",
  );
  expect(changed).toHaveLength(1);
  expect(other.text).toContain("seed 11");
});

test("a picture with an editor workflow is a recipe too", async () => {
  const world = await studio();
  const file = path.join(world.dataDir, "fox.png");
  await writeFile(file, png(pngText.tEXt("workflow", JSON.stringify(app))));

  const made = await call(world.client, "generate_image", { workflow: `picture:${file}` });
  expect(made.isError, made.text).toBe(false);
  expect(lastGraph(world)["2"]?.inputs["text"]).toBe("a fox");
});

test("a picture without a workflow, or a caller without leave, is refused", async () => {
  const { client, app, dataDir, emulator } = await studio();
  const file = path.join(dataDir, "plain.png");
  await sharp({ create: { width: 8, height: 8, channels: 3, background: "red" } }).toFile(file);

  const bare = await call(client, "generate_image", { workflow: `picture:${file}` });
  expect(bare.text).toContain("carries no workflow of ComfyUI");

  const guest = app.studio({
    name: "guest",
    scopes: new Set(["read", "generate"] as const),
    folders: { roots: [], base: dataDir },
  });
  await expect(
    guest.submit("generate_image", { workflow: `picture:${file}`, parameters: {} }),
  ).rejects.toThrow(/scope "graphs"/);
  expect(posts(emulator)).toBe(0);
});

test("generate_image without a prompt is still refused where no picture brings one", async () => {
  const { client } = await studio();
  expect((await call(client, "generate_image", {})).text).toContain("prompt");
  expect((await call(client, "generate_image", { workflow: "sdxl" })).isError).toBe(true);
});
