import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { test as base, expect } from "vitest";
import { AppError } from "../../src/errors.ts";
import { Catalog, loadCatalog } from "../../src/workflows/catalog.ts";
import {
  compiled,
  sampleBinding,
  sampleGraph,
  sampleWorkflow,
} from "../fixtures/workflows/sample.ts";

type Files = Record<string, unknown>;

const test = base.extend<{ folder: (files: Files) => Promise<string> }>({
  // biome-ignore lint/correctness/noEmptyPattern: vitest reads the fixtures a test needs off it
  folder: async ({}, use) => {
    const dirs: string[] = [];
    await use(async (files) => {
      const dir = await mkdtemp(path.join(tmpdir(), "easel-workflows-"));
      dirs.push(dir);
      for (const [name, content] of Object.entries(files)) {
        const text = typeof content === "string" ? content : JSON.stringify(content);
        await writeFile(path.join(dir, name), text);
      }
      return dir;
    });
    await Promise.all(dirs.map((dir) => rm(dir, { recursive: true })));
  },
});

function pair(name: string, changes: Record<string, unknown> = {}): Files {
  return {
    [`${name}.json`]: sampleGraph(),
    [`${name}.binding.json`]: { ...sampleBinding(), ...changes },
  };
}

async function refusal(promise: Promise<unknown>): Promise<AppError> {
  const error = await promise.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  if (error instanceof AppError) return error;
  throw new Error(`expected an AppError, got ${String(error)}`);
}

test("a folder of pairs becomes a catalog, other files in it are left alone", async ({
  folder,
}) => {
  const dir = await folder({
    ...pair("zebra", { priority: 1 }),
    ...pair("ant", { priority: 2 }),
    ...pair("bee", { priority: 2, tool: "generate_image" }),
    ...pair("cut", { tool: "remove_background" }),
    "README.md": "notes",
    ".hidden.json": "nope",
  });

  const { catalog, problems } = await loadCatalog([{ dir, trusted: true }]);

  expect(problems).toEqual([]);
  expect(catalog.tools()).toEqual(["generate_image", "remove_background"]);
  const names = catalog.ofTool("generate_image").map((workflow) => workflow.name);
  expect(names).toEqual(["zebra", "ant", "bee"]);
  expect(catalog.all()).toHaveLength(4);
  expect(catalog.get("generate_image", "ant").file).toBe(path.join(dir, "ant.json"));
});

test("a bad pair in a trusted folder stops the start and names every problem", async ({
  folder,
}) => {
  const dir = await folder({
    ...pair("good"),
    ...pair("bad", { outputs: ["77"], tool: "generate_image" }),
    "lonely.json": sampleGraph(),
    "orphan.binding.json": sampleBinding(),
  });

  const error = await refusal(loadCatalog([{ dir, trusted: true }]));

  expect(error.code).toBe("workflow_invalid");
  expect(error.message.replaceAll(dir + path.sep, "").split("\n")).toEqual([
    'bad.binding.json: outputs: the graph has no node "77"; it has 3, 4, 5, 8, 9, 10, 57:3',
    "lonely.json: has no binding; put lonely.binding.json beside it",
    "orphan.binding.json: has no graph; put ComfyUI's Export (API) beside it as orphan.json",
  ]);
});

test("a bad pair in the user's folder is reported and the others load", async ({ folder }) => {
  const shipped = await folder(pair("shipped"));
  const own = await folder({ ...pair("mine"), ...pair("broken", { tool: "No" }) });

  const { catalog, problems } = await loadCatalog([
    { dir: shipped, trusted: true },
    { dir: own, trusted: false },
  ]);

  expect(catalog.all().map((workflow) => workflow.name)).toEqual(["mine", "shipped"]);
  expect(problems).toHaveLength(1);
  expect(problems[0]?.file).toBe(path.join(own, "broken.binding.json"));
});

test("a second workflow of one name is refused within a tool, not across tools", async ({
  folder,
}) => {
  const shipped = await folder(pair("one", { name: "same" }));
  const own = await folder({
    ...pair("two", { name: "same" }),
    ...pair("three", { name: "same", tool: "img2img" }),
  });

  const { catalog, problems } = await loadCatalog([
    { dir: shipped, trusted: true },
    { dir: own, trusted: false },
  ]);

  expect(catalog.tools()).toEqual(["generate_image", "img2img"]);
  expect(problems.map((problem) => problem.reason)).toEqual([
    `the tool generate_image already has a workflow "same" from ${path.join(shipped, "one.json")}; give this one another "name"`,
  ]);
});

test("one parameter cannot have two types within a tool", async ({ folder }) => {
  const shipped = await folder(
    pair("a", { parameters: { extra: { slots: ["3.denoise"], type: "number" } } }),
  );
  const own = await folder(pair("b", { parameters: { extra: { slots: ["57:3.text"] } } }));

  const { problems } = await loadCatalog([
    { dir: shipped, trusted: true },
    { dir: own, trusted: false },
  ]);

  expect(problems[0]?.reason).toContain('parameter "extra" is of type string here and number in');
});

test("a folder that is not there is a problem, and stops the start if it is the shipped one", async ({
  folder,
}) => {
  const dir = path.join(await folder({}), "missing");

  const { problems } = await loadCatalog([{ dir, trusted: false }]);
  const error = await refusal(loadCatalog([{ dir, trusted: true }]));

  expect(problems[0]?.reason).toContain("the workflow folder cannot be read: ENOENT");
  expect(error.code).toBe("workflow_invalid");
});

test("a byte order mark does not stop a file from loading", async ({ folder }) => {
  const dir = await folder({
    "a.json": `\uFEFF${JSON.stringify(sampleGraph())}`,
    "a.binding.json": `\uFEFF${JSON.stringify(sampleBinding())}`,
  });

  const { catalog } = await loadCatalog([{ dir, trusted: true }]);

  expect(catalog.all()).toHaveLength(1);
});

test("an unknown workflow or tool is answered with the nearest names", () => {
  const catalog = new Catalog([
    sampleWorkflow({}, "flux_dev_gguf"),
    sampleWorkflow({}, "checkpoint"),
  ]);

  expect(() => catalog.get("generate_image", "flux")).toThrow(
    'The tool generate_image has no workflow "flux". Did you mean flux_dev_gguf? Known: checkpoint, flux_dev_gguf.',
  );
  expect(() => catalog.get("genrate_image", "checkpoint")).toThrow(
    'No workflow serves the tool "genrate_image". Did you mean generate_image? Known: generate_image.',
  );
});

test("types are read from the graph, the known name or the binding", () => {
  const workflow = sampleWorkflow({
    parameters: {
      ...sampleBinding().parameters,
      picture: { slots: ["10.image"] },
      denoise: { slots: ["3.denoise"] },
    },
  });

  const types = Object.values(workflow.parameters).map(({ name, type }) => [name, type]);
  expect(Object.fromEntries(types)).toEqual({
    prompt: "string",
    width: "integer",
    height: "integer",
    seed: "integer",
    steps: "integer",
    guidance: "number",
    sampler: "string",
    tiled: "boolean",
    bit_depth: "string",
    picture: "image",
    denoise: "number",
  });
  expect(workflow.parameters["picture"]).toMatchObject({ required: true });
  expect(workflow.parameters["picture"]).not.toHaveProperty("default");
  expect(workflow.parameters["prompt"]).not.toHaveProperty("default");
  expect(workflow.parameters["bit_depth"]?.slots).toEqual([
    { node: "8", input: "format.bit_depth", text: "8.format.bit_depth" },
  ]);
});

test("the graph hash follows the values, not the order or the layout of the file", () => {
  const graph = sampleGraph();
  const reversed = Object.fromEntries(
    Object.entries(graph)
      .reverse()
      .map(([id, node]) => [`${id}`, { class_type: node.class_type, inputs: node.inputs }]),
  );
  const changed = sampleGraph();
  changed["9"] = { class_type: "SaveImage", inputs: { images: ["3", 0], filename_prefix: "y" } };
  const hash = (value: unknown) => compiled(value, sampleBinding()).graphHash;

  expect(hash(graph)).toMatch(/^[0-9a-f]{64}$/);
  expect(hash(JSON.stringify(reversed, null, 4))).toBe(hash(graph));
  expect(hash(changed)).not.toBe(hash(graph));
});
