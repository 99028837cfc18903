import { execFile } from "node:child_process";
import { mkdir, rename, writeFile } from "node:fs/promises";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { expect, onTestFinished, test } from "vitest";
import type { ObjectInfo } from "../../src/comfy/protocol.ts";
import { convertWorkflow } from "../../src/faces/terminal/convert.ts";
import { checkWorkflow, initWorkflow } from "../../src/faces/terminal/workflow.ts";
import { imagesOf } from "../../src/tasks/task.ts";
import { Catalog, loadCatalog } from "../../src/workflows/catalog.ts";
import { watchCatalog } from "../../src/workflows/catalog-watch.ts";
import { plan } from "../../src/workflows/plan.ts";
import { Styles } from "../../src/workflows/styles.ts";
import { png, pngText } from "../fixtures/editor/carriers.ts";
import { catalogue, editor, textToImage } from "../fixtures/editor/graphs.ts";
import { exportText } from "../fixtures/exports/exports.ts";
import {
  found,
  loadImage,
  node,
  textToImage as textToImageGraph,
} from "../fixtures/exports/kinds.ts";
import { quietLog, startApp, startEmulator, tempDir } from "../support/world.ts";

const info = catalogue();
const url = "http://comfy.test";
const nobody = { url, objectInfo: () => Promise.reject(new Error("connection refused")) };
const somebody = { url, objectInfo: () => Promise.resolve(info) };
const editorText = JSON.stringify(editor(textToImage()));

async function folderOf(files: Record<string, string | Buffer>): Promise<string> {
  const dir = await tempDir();
  for (const [name, content] of Object.entries(files)) {
    await writeFile(path.join(dir, name), content);
  }
  return dir;
}

test("a folder of exports, editor workflows and pictures is loaded by what ComfyUI knows", async () => {
  const dir = await folderOf({
    "exported.json": exportText("sd15"),
    "drawn.json": editorText,
    "shot.png": png(pngText.tEXt("prompt", exportText("sd15"))),
    "saved.png": png(pngText.tEXt("workflow", editorText)),
    "saved.binding.json": '{"title": "From a picture"}',
    "exported.png": png(),
    "holiday.png": png(),
    "other.png": png(pngText.tEXt("parameters", "a fox\nSteps: 20")),
    "notes.txt": "not mine",
  });
  const folders = [{ dir, trusted: false }];

  const away = await loadCatalog(folders);
  const there = await loadCatalog(folders, info);

  const namesIn = (loaded: typeof away) => loaded.catalog.all().map(({ name }) => name);
  const filesIn = (list: { file: string }[]) => list.map(({ file }) => path.basename(file));
  expect(namesIn(away)).toEqual(["exported", "shot"]);
  expect(filesIn(away.pending)).toEqual(["drawn.json", "saved.png"]);
  expect(namesIn(there)).toEqual(["drawn", "exported", "saved", "shot"]);
  expect(there.pending).toEqual([]);
  expect(filesIn(there.problems)).toEqual(["holiday.png", "other.png"]);
  expect(there.catalog.get("generate_image", "saved").title).toBe("From a picture");
  expect(there.catalog.get("generate_image", "drawn").parameters["prompt"]?.slots).toMatchObject([
    { text: "2.text" },
  ]);
});

test("an editor workflow with a class ComfyUI lacks is a problem that names it", async () => {
  const { KSampler: _, ...rest } = info;
  const dir = await folderOf({ "drawn.json": editorText });

  const { problems, usesNodes } = await loadCatalog([{ dir, trusted: false }], rest as ObjectInfo);

  expect(problems[0]?.reason).toContain('ComfyUI has no node class "KSampler"');
  expect(usesNodes).toBe(true);
});

test("an editor workflow appears when ComfyUI has said which nodes it has, and again when it says more", async () => {
  const dir = await folderOf({ "drawn.json": editorText, "exported.json": exportText("sd15") });
  const folders = [{ dir, trusted: false }];
  let answer: ObjectInfo | undefined;
  let known: ObjectInfo | undefined;
  const nodes = {
    known: () => known,
    read() {
      known = answer;
      return answer ? Promise.resolve(answer) : Promise.reject(new Error("away"));
    },
  };
  const loaded = await loadCatalog(folders);
  const log = quietLog();
  const watch = watchCatalog(loaded, folders, { log, nodes, everyMs: 3_600_000 });
  onTestFinished(() => watch.close());
  const names = () => loaded.catalog.all().map(({ name }) => name);

  await watch.refresh();
  expect(names()).toEqual(["exported"]);

  const { KSampler: _, ...lacking } = info;
  answer = lacking as ObjectInfo;
  known = answer;
  await watch.refresh();
  expect(names()).toEqual(["exported"]);
  expect(log.lines.filter((line) => line.includes("KSampler"))).toHaveLength(1);

  known = info;
  await watch.refresh();
  expect(names()).toEqual(["drawn", "exported"]);
});

test("a server that starts before ComfyUI takes an editor workflow up once it is there, and runs it", async () => {
  const workflowsDir = await folderOf({ "drawn.json": editorText });
  const first = await startEmulator();
  const { url: address } = first;
  await first.close();
  const { app, deps } = await startApp(address, { workflowsDir });
  const { studio } = deps;
  expect(app.catalog.ofTool("generate_image").map(({ name }) => name)).not.toContain("drawn");

  const appeared = new Promise<void>((resolve) => {
    app.catalog.onChange(() => resolve());
  });
  await startEmulator({ port: Number(new URL(address).port) });
  // Whoever asks what can run wakes it; nobody polls a ComfyUI that is away.
  await studio.workflows();
  await appeared;
  const task = await studio.submit("generate_image", {
    workflow: "drawn",
    parameters: { prompt: "an owl" },
  });
  const ended = await studio.wait(task.id, 30_000);

  expect(ended.error?.message).toBeUndefined();
  expect(imagesOf(ended)).toMatchObject([{ width: 512, height: 768 }]);
});

test("a picture put into the folder is taken up like an export", async () => {
  const dir = await tempDir();
  const folders = [{ dir, trusted: false }];
  const loaded = await loadCatalog(folders);
  const watch = watchCatalog(loaded, folders, { log: quietLog(), everyMs: 3_600_000 });
  onTestFinished(() => watch.close());

  await writeFile(path.join(dir, "part"), png(pngText.tEXt("prompt", exportText("sd15"))));
  await rename(path.join(dir, "part"), path.join(dir, "shot.png"));

  expect(await watch.refresh()).toBe(true);
  expect(loaded.catalog.all().map(({ name }) => name)).toEqual(["shot"]);
});

test("what a picture was made with counts, and its app where both tell of the same nodes", async () => {
  const app = { linearData: { inputs: [["5", "steps"]], outputs: ["7"] } };
  const drawn = JSON.stringify(editor({ ...textToImage(), extra: app }));
  const dir = await folderOf({ "drawn.json": drawn });
  const { json } = await convertWorkflow(path.join(dir, "drawn.json"), somebody);
  const made = json.replace('"steps": 20', '"steps": 33');
  const other = json.replaceAll('"5"', '"55"');
  const shot = (prompt: string) =>
    png(pngText.tEXt("prompt", prompt), pngText.tEXt("workflow", drawn));
  const pictures = await folderOf({ "shot.png": shot(made), "strange.png": shot(other) });

  const { catalog } = await loadCatalog([{ dir: pictures, trusted: false }], info);

  const parametersOf = (name: string) =>
    catalog.all().find((workflow) => workflow.name === name)?.parameters ?? {};
  expect(Object.keys(parametersOf("shot"))).toEqual(["steps", "seed"]);
  expect(parametersOf("shot")["steps"]?.default).toBe(33);
  expect(Object.keys(parametersOf("strange"))).toContain("prompt");
});

test("convert prints the graph, and says what became of the rest", async () => {
  const { nodes, links } = textToImage();
  const unlinked = { id: 9, type: "Some Label" };
  const dir = await folderOf({
    "drawn.json": JSON.stringify(editor({ nodes: [...nodes, unlinked], links })),
    "shot.png": png(pngText.tEXt("prompt", exportText("sd15"))),
    "exported.json": exportText("sd15"),
  });

  const drawn = await convertWorkflow(path.join(dir, "drawn.json"), somebody);
  const shot = await convertWorkflow(path.join(dir, "shot.png"), nobody);
  const exported = await convertWorkflow(path.join(dir, "exported.json"), nobody);

  expect(JSON.parse(drawn.json)).toMatchObject({ "5": { class_type: "KSampler" } });
  expect(drawn.notes).toEqual([expect.stringMatching(/^node 9 \(Some Label\)/)]);
  expect(JSON.parse(shot.json)).toEqual(JSON.parse(exportText("sd15")));
  expect(exported.json).toBe(shot.json);
});

test("convert prints what was saved; --complete puts in what this ComfyUI needs since", async () => {
  const { nodes, links } = textToImage();
  const short = nodes.map((node) => (node.id === 4 ? { ...node, values: [512, 768] } : node));
  const prompt = JSON.parse(exportText("sd15"));
  const wrapped = { client_id: "x", prompt };
  const dir = await folderOf({
    "short.json": JSON.stringify(editor({ nodes: short, links })),
    "wrapped.json": JSON.stringify(wrapped),
  });
  const file = path.join(dir, "short.json");

  const saved = await convertWorkflow(file, somebody);
  const complete = await convertWorkflow(file, somebody, { complete: true });
  const unwrapped = await convertWorkflow(path.join(dir, "wrapped.json"), nobody);

  expect(JSON.parse(saved.json)["4"].inputs).toEqual({ width: 512, height: 768 });
  expect(saved.notes).toEqual(["this ComfyUI needs more than the file holds: 4.batch_size = 1"]);
  expect(JSON.parse(complete.json)["4"].inputs).toMatchObject({ batch_size: 1 });
  expect(JSON.parse(unwrapped.json)).toEqual(prompt);
});

test("an export from before a class needed more runs, and the answer says so", async () => {
  const graph = textToImageGraph({
    lat: node("VAEEncodeForInpaint", { pixels: ["img", 0], mask: ["img", 1], vae: ["ckpt", 2] }),
    img: loadImage(),
  });
  const { workflow } = found(graph);
  const catalog = new Catalog([workflow]);
  const sources = { catalog, prompts: { styles: new Styles([]) } };
  const request = { workflow: "mine", parameters: { prompt: "a mill", image: "x", mask: "y" } };

  const { recipe, notes } = await plan(sources, workflow.tool, request, info);

  expect(recipe.graph["lat"]?.inputs["grow_mask_by"]).toBe(6);
  expect(notes.join()).toContain("lat.grow_mask_by = 6");
});

test("convert says what is wrong: no file, no ComfyUI, no workflow, no such class", async () => {
  const { VAEDecode: _, ...lacking } = info;
  const dir = await folderOf({
    "drawn.json": editorText,
    "empty.png": png(),
    "text.json": "hello",
    "list.json": "[]",
  });
  const file = (name: string) => path.join(dir, name);
  await mkdir(file("folder.json"));

  await expect(convertWorkflow(file("none.json"), somebody)).rejects.toMatchObject({
    code: "invalid_input",
    message: expect.stringContaining("none.json cannot be read"),
  });
  await expect(convertWorkflow(file("folder.json"), somebody)).rejects.toMatchObject({
    code: "invalid_input",
  });
  await expect(convertWorkflow(file("drawn.json"), nobody)).rejects.toMatchObject({
    code: "comfy_unreachable",
    message: expect.stringContaining("none answered at http://comfy.test (connection refused)"),
  });
  await expect(
    convertWorkflow(file("drawn.json"), { url, objectInfo: async () => lacking as ObjectInfo }),
  ).rejects.toMatchObject({
    code: "workflow_invalid",
    message: expect.stringContaining('node 6: ComfyUI has no node class "VAEDecode"'),
  });
  for (const name of ["empty.png", "text.json", "list.json"]) {
    await expect(convertWorkflow(file(name), somebody)).rejects.toMatchObject({
      code: "workflow_invalid",
    });
  }
});

test("check reads editor workflows and pictures, and says when one has to wait", async () => {
  const dir = await folderOf({
    "drawn.json": editorText,
    "shot.png": png(pngText.tEXt("prompt", exportText("sd15"))),
  });

  const drawn = await checkWorkflow(path.join(dir, "drawn.json"), somebody);
  const shot = await checkWorkflow(path.join(dir, "shot.png"), nobody);
  const waiting = await checkWorkflow(path.join(dir, "drawn.json"), nobody);

  const plain = path.join(dir, "plain.png");
  await writeFile(plain, png());
  expect(await checkWorkflow(plain, somebody)).toEqual({
    report: expect.stringContaining("plain.png: carries no workflow of ComfyUI"),
    ok: false,
  });
  expect(drawn.report).toContain("slots 2.text");
  expect(shot.report).toContain("tool         generate_image");
  expect(waiting.report).toContain("waits: it is a workflow of ComfyUI's editor");
  expect(waiting.report).toContain("connection refused");
});

test("init writes the binding of an editor workflow beside it, once ComfyUI has answered", async () => {
  const dir = await folderOf({ "drawn.json": editorText });
  const file = path.join(dir, "drawn.json");

  await expect(initWorkflow(file, { force: false, ...nobody })).rejects.toMatchObject({
    code: "comfy_unreachable",
  });
  const written = await initWorkflow(file, { force: false, ...somebody });
  const { catalog, problems } = await loadCatalog([{ dir, trusted: false }], info);

  expect(written).toBe(path.join(dir, "drawn.binding.json"));
  expect(problems).toEqual([]);
  expect(catalog.get("generate_image", "drawn").parameters["prompt"]?.required).toBe(true);
});

const cli = fileURLToPath(new URL("../../src/cli.ts", import.meta.url));

test("the command writes the graph alone to stdout", async () => {
  const dir = await folderOf({ "drawn.json": editorText });
  const file = path.join(dir, "drawn.json");
  const args = ["--import", "tsx", cli, "workflow", "convert", file, "--demo"];

  const { stdout } = await promisify(execFile)(process.execPath, args);

  const { json } = await convertWorkflow(file, somebody);
  expect(JSON.parse(stdout)).toEqual(JSON.parse(json));
});
