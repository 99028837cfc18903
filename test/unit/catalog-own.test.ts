import { copyFile, writeFile } from "node:fs/promises";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { imagesOf } from "../../src/tasks/task.ts";
import { loadCatalog } from "../../src/workflows/catalog.ts";
import { toolParameters } from "../../src/workflows/schema.ts";
import { exportText } from "../fixtures/exports/exports.ts";
import { startApp, startEmulator, tempDir } from "../support/world.ts";

const shipped = fileURLToPath(new URL("../../workflows", import.meta.url));

async function folderOf(files: Record<string, string>): Promise<string> {
  const dir = await tempDir();
  for (const [name, text] of Object.entries(files)) await writeFile(path.join(dir, name), text);
  return dir;
}

test("an export alone in a user folder becomes a choice or a tool beside the shipped ones", async () => {
  const dir = await folderOf({
    "mine.json": exportText("sd15"),
    "cutter.json": exportText("cutout"),
    "fast.json": exportText("vix_lightning"),
  });

  const { catalog, problems, notes } = await loadCatalog([
    { dir: shipped, trusted: true },
    { dir, trusted: false },
  ]);

  expect(problems).toEqual([]);
  const names = catalog.ofTool("generate_image").map((workflow) => workflow.name);
  expect(names.slice(-2)).toEqual(["fast_xl", "mine"]);
  expect(catalog.tools()).toContain("cutter");
  expect(toolParameters(catalog, "cutter")).toMatchObject([{ name: "image", required: true }]);
  expect(toolParameters(catalog, "generate_image")[0]).toMatchObject({
    name: "prompt",
    required: true,
  });
  expect(notes.map(({ file }) => path.basename(file))).toEqual(["fast.json"]);
});

test("what an own workflow says of an image is not said of the shared tool's", async () => {
  const graph = JSON.parse(exportText("flux_img2img"));
  graph.img._meta = { title: "A portrait from the front" };
  const dir = await folderOf({ "mine.json": JSON.stringify(graph) });
  const { catalog } = await loadCatalog([
    { dir: shipped, trusted: true },
    { dir, trusted: false },
  ]);

  const mine = catalog.get("img2img", "mine").parameters["image"];
  const shared = toolParameters(catalog, "img2img").find(({ name }) => name === "image");

  expect(mine?.description).toBe("A portrait from the front");
  expect(shared?.description).toMatch(/^Image: file path/);
});

test("a trusted folder still needs the whole pair", async () => {
  const lonely = await folderOf({ "mine.json": exportText("sd15") });
  const partial = await folderOf({ "mine.json": exportText("sd15"), "mine.binding.json": "{}" });

  await expect(loadCatalog([{ dir: lonely, trusted: true }])).rejects.toThrow("has no binding");
  await expect(loadCatalog([{ dir: partial, trusted: true }])).rejects.toThrow("tool: ");
});

test("what is wrong in a user folder is a problem each, and the rest loads", async () => {
  const dir = await folderOf({
    "good.json": exportText("sd15"),
    "editor.json": '{"nodes": [], "links": []}',
    "half.json": exportText("sd15").slice(0, 99),
    "off.json": exportText("sd15"),
    "off.binding.json": '{"parameters": {"prompt": {"slots": ["1.text"]}}}',
    "lost.binding.json": "{}",
  });

  const { catalog, problems, pending } = await loadCatalog([{ dir, trusted: false }]);

  expect(catalog.all().map((workflow) => workflow.name)).toEqual(["good"]);
  expect(pending.map(({ file }) => path.basename(file))).toEqual(["editor.json"]);
  expect(problems.map(({ file }) => path.basename(file))).toEqual([
    "half.json",
    "lost.binding.json",
    "off.binding.json",
  ]);
});

test("a copy of a shipped pair with another name loads from a user folder as it is", async () => {
  const dir = await tempDir();
  for (const ending of ["json", "binding.json"]) {
    const from = path.join(shipped, `img2img_checkpoint.${ending}`);
    await copyFile(from, path.join(dir, `copy.${ending}`));
  }

  const { catalog, problems } = await loadCatalog([{ dir, trusted: false }]);
  const original = (await loadCatalog([{ dir: shipped, trusted: true }])).catalog;

  expect(problems).toEqual([]);
  const [copy] = catalog.ofTool("img2img");
  const [shippedOne] = original
    .ofTool("img2img")
    .filter((workflow) => workflow.file.endsWith("img2img_checkpoint.json"));
  expect(copy?.parameters).toEqual(shippedOne?.parameters);
});

test.for([
  { file: "vix_lightning", workflow: "fast_xl", size: [1344, 768] },
  { file: "flux_split", workflow: "flux_split", size: [1024, 1024] },
])("the export $file paints as it was exported", async ({ file, workflow, size }) => {
  const emulator = await startEmulator();
  const workflowsDir = await folderOf({ [`${file}.json`]: exportText(file) });
  const { studio } = (await startApp(emulator.url, { workflowsDir })).deps;

  const parameters = { prompt: "a fox", width: size[0], height: size[1] };
  const task = await studio.submit("generate_image", { workflow, parameters });
  const ended = await studio.wait(task.id, 60_000);

  expect(ended.error?.message).toBeUndefined();
  expect(ended.state).toBe("completed");
  expect(imagesOf(ended)).toMatchObject([{ width: size[0], height: size[1] }]);
});
