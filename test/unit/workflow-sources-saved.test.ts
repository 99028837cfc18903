import { expect, test } from "vitest";
import { Pool } from "../../src/comfy/pool.ts";
import { SavedWorkflows } from "../../src/comfy/saved-workflows.ts";
import type { Emulator } from "../../src/emulator/emulator.ts";
import { loadCatalog } from "../../src/workflows/catalog.ts";
import { isOffered, loadSaved, type SavedChoice } from "../../src/workflows/saved.ts";
import { catalogue, editor, textToImage } from "../fixtures/editor/graphs.ts";
import { asked } from "../support/comfy.ts";
import { startBackend, startEmulator, tempDir } from "../support/world.ts";

const plain = editor(textToImage());
const app = editor({
  ...textToImage(),
  extra: { linearMode: true, linearData: { inputs: [[2, "text"]], outputs: [7] } },
});
const emptyApp = editor({ ...textToImage(), extra: { linearData: { inputs: [], outputs: [] } } });

test.for<[choice: SavedChoice, path: string, data: unknown, offered: boolean]>([
  ["apps", "fox.json", plain, false],
  ["apps", "fox.json", app, true],
  ["apps", "fox.json", emptyApp, false],
  ["apps", "easel/fox.json", plain, true],
  ["apps", "mine/easel/old/fox.json", plain, true],
  ["apps", "easel.json", plain, false],
  ["all", "fox.json", plain, true],
  ["none", "easel/fox.json", app, false],
])("with --saved-workflows %s, whether %s is offered", ([choice, path, data, offered]) => {
  expect(isOffered(choice, { path, text: JSON.stringify(data) })).toBe(offered);
});

const info = catalogue();

test("a saved app is named after its file, without the habit of .app", () => {
  const { workflows, problems } = loadSaved(
    [{ path: "team/Fox Maker.app.json", text: JSON.stringify(app) }],
    info,
  );

  expect(problems).toEqual([]);
  expect(workflows[0]).toMatchObject({ name: "Fox_Maker", tool: "generate_image" });
  expect(Object.keys(workflows[0]?.parameters ?? {})).toEqual(["prompt", "seed"]);
});

test("what is no workflow is a problem that hinders no other", () => {
  const files = [
    { path: "a.json", text: "{" },
    { path: "b.json", text: JSON.stringify({ nodes: [{ id: 1, type: "Nowhere" }], links: [] }) },
    { path: "c.json", text: JSON.stringify(app) },
  ];
  const { workflows, problems } = loadSaved(files, info);

  expect(workflows.map(({ name }) => name)).toEqual(["c"]);
  expect(problems.map(({ file }) => file)).toEqual([
    "ComfyUI's workflows/a.json",
    "ComfyUI's workflows/b.json",
  ]);
});

test("of two of one name the first stays, and the other is told of", async () => {
  const files = ["one/fox.json", "two/fox.json"].map((path) => ({
    path,
    text: JSON.stringify(app),
  }));
  const { catalog, notes } = await loadCatalog(
    [{ dir: await tempDir(), trusted: false }],
    info,
    files,
  );

  expect(catalog.all().map(({ name }) => name)).toEqual(["fox"]);
  expect(notes.map(({ file }) => file)).toContain("ComfyUI's workflows/two/fox.json");
});

function savedOf({ url }: Emulator): SavedWorkflows {
  const pool = new Pool([startBackend(url)]);
  return new SavedWorkflows(pool, ({ path }) => !path.startsWith("not/"));
}

test("a ComfyUI where nobody saved anything has none, and that is no problem", async () => {
  const saved = savedOf(await startEmulator());
  await saved.refresh(0);

  expect(saved.known).toEqual([]);
  expect(saved.problem).toBeUndefined();
});

test("files are read once, and again when they were saved again", async () => {
  const emulator = await startEmulator();
  for (const name of ["a.json", "sub/b 100%25 c.json", "not/wanted.json", ".index.json", "x.txt"]) {
    emulator.saveWorkflow(name, { name });
  }
  const saved = savedOf(emulator);
  await saved.refresh(0);
  const before = saved.known;
  expect(before.map(({ path }) => path)).toEqual(["a.json", "sub/b 100%25 c.json"]);
  expect(asked(emulator, "GET", /userdata\/./)).toBe(3);

  await saved.refresh(0);
  expect(saved.known).toBe(before);
  expect(asked(emulator, "GET", /userdata\/./)).toBe(3);

  emulator.saveWorkflow("a.json", { name: "another one" });
  emulator.removeWorkflow("sub/b 100%25 c.json");
  await saved.refresh(0);
  expect(saved.known).toEqual([{ path: "a.json", text: '{"name":"another one"}' }]);
});

test("a ComfyUI that is away is told of, and what was known stays", async () => {
  const emulator = await startEmulator();
  emulator.saveWorkflow("a.json", {});
  const saved = savedOf(emulator);
  await saved.refresh(0);
  await emulator.stop();
  await saved.refresh(0);

  expect(saved.problem).toMatch(/could not be read/);
  expect(saved.known).toHaveLength(1);
});
