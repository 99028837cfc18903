import { execFile } from "node:child_process";
import { readFile, writeFile } from "node:fs/promises";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import type { ObjectInfo } from "../../src/comfy/protocol.ts";
import { checkWorkflow, initWorkflow } from "../../src/faces/terminal/workflow.ts";
import { loadCatalog } from "../../src/workflows/catalog.ts";
import { exportText } from "../fixtures/exports/exports.ts";
import { recordedObjectInfo } from "../fixtures/workflows/sample.ts";
import { startBackend, startEmulator, tempDir } from "../support/world.ts";

async function dropped(name: string, as = name): Promise<string> {
  const file = path.join(await tempDir(), `${as}.json`);
  await writeFile(file, exportText(name));
  return file;
}

const url = "http://comfy.test";
const nobody = { url, objectInfo: () => Promise.reject(new Error("connection refused")) };

function backend(objectInfo: ObjectInfo) {
  return { url, objectInfo: () => Promise.resolve(objectInfo) };
}

test("check shows what was found, with limits, and that no ComfyUI answered", async () => {
  const file = await dropped("primitives");

  const { report, ok } = await checkWorkflow(file, nobody);

  expect(ok).toBe(true);
  expect(report.replace(file, "FILE")).toMatchInlineSnapshot(`
    "FILE
      tool         generate_image
      workflow     primitives (primitives)
      description  The workflow primitives of this server's operator with sd_xl_base_1.0.safetensors.
      outputs      9 (SaveImage)
      parameters
        prompt: string, required
          slots 72.value
          What the picture should show, in plain words.
        negative_prompt: string, default "low quality"
          slots 74.value
          What to keep out; FLUX and other distilled models ignore it.
        width: integer, default 896, at least 64, at most 4096, multiple of 8
          slots 70.value
          Exact width in pixels; default is the model's own size, usually 1024.
        height: integer, default 1152, at least 64, at most 4096, multiple of 8
          slots 71.value
          Exact height in pixels; default as with width.
        seed: integer, default 1, at least 0, at most 9007199254740991
          slots 57:3.seed
          The same seed makes the same picture again; default random.
        steps: integer, default 20, at least 1, at most 150
          slots 57:3.steps
          Sampling steps; default the workflow's own, 4-25.
        sampler: string, default "euler"
          slots 57:3.sampler_name
          ComfyUI sampler, e.g. euler; Stable Diffusion only.
        scheduler: string, default "normal"
          slots 57:3.scheduler
          ComfyUI scheduler, e.g. karras; Stable Diffusion only.
        guidance: number, default 7, at least 0, at most 30
          slots 57:3.cfg
          How closely to follow the prompt: about 3.5 for FLUX, 7 for Stable Diffusion.
      note: beside negative_prompt these texts stay as they are: 73.string_b (", ugly")
      not checked against a ComfyUI: none answered at http://comfy.test (connection refused)"
  `);
});

test("check says what the backend lacks", async () => {
  const file = await dropped("flux_split");
  await writeFile(file, exportText("flux_split").replace("flux1-dev.", "absent."));

  const { report, ok } = await checkWorkflow(file, backend(recordedObjectInfo()));

  expect(ok).toBe(false);
  expect(report).toContain(
    `not ready on ${url}: Workflow "flux_split" (flux split) needs the model`,
  );
  expect(report).toContain("absent.safetensors");
});

test("check against a real answer of a ComfyUI that has everything", async () => {
  const emulator = await startEmulator();
  const comfy = startBackend(emulator.url);
  const file = await dropped("sd15");
  const info = await comfy.objectInfo();
  const has = info["CheckpointLoaderSimple"]?.input.required?.["ckpt_name"]?.[0];
  const [model] = Array.isArray(has) ? has : [];
  await writeFile(file, exportText("sd15").replace(/v1-5[^"]*/, String(model)));

  const { report, ok } = await checkWorkflow(file, {
    url: emulator.url,
    objectInfo: () => comfy.objectInfo(),
  });

  expect(report).toContain(`ready: the ComfyUI at ${emulator.url} has all it needs`);
  expect(ok).toBe(true);
});

test.for([
  { what: "what is no graph", text: "[]", says: "Export (API)" },
  { what: "half a file", text: '{"1": {"cl', says: "is not JSON" },
])("check refuses $what", async ({ text, says }) => {
  const file = path.join(await tempDir(), "bad.json");
  await writeFile(file, text);

  const { report, ok } = await checkWorkflow(file, nobody);

  expect(ok).toBe(false);
  expect(report).toContain(`${file}: `);
  expect(report).toContain(says);
});

test("a file that is not there is named with the way out", async () => {
  const file = path.join(await tempDir(), "gone.json");

  await expect(checkWorkflow(file, nobody)).rejects.toThrow("gone.json cannot be read: ENOENT");
});

test.for([
  "sd15",
  "sdxl_refiner",
  "fill_alpha",
  "square",
  "titled",
  "vix_lightning",
  "vix_controls",
])("init writes a binding for %s that loads as the same workflow", async (name) => {
  const file = await dropped(name);
  const folder = [{ dir: path.dirname(file), trusted: false }];
  const before = (await loadCatalog(folder)).catalog.all();

  const written = await initWorkflow(file, { force: false });

  const after = await loadCatalog(folder);
  expect(written).toBe(file.replace(".json", ".binding.json"));
  expect(after.problems).toEqual([]);
  expect(after.catalog.all()).toEqual(before);
  expect(await readFile(file, "utf8")).toBe(exportText(name));
});

test("init for a plain export is a pair that a trusted folder takes", async () => {
  const file = await dropped("flux_split");
  await initWorkflow(file, { force: false });

  const { catalog } = await loadCatalog([{ dir: path.dirname(file), trusted: true }]);

  expect(catalog.all().map((workflow) => workflow.name)).toEqual(["flux_split"]);
});

test("init replaces a binding only by force", async () => {
  const file = await dropped("sd15");
  const binding = file.replace(".json", ".binding.json");
  const own = '{"title": "My words"}';
  await writeFile(binding, own);

  await expect(initWorkflow(file, { force: false })).rejects.toThrow(
    "is there already. Edit it, or replace it with --force.",
  );
  expect(await readFile(binding, "utf8")).toBe(own);

  await initWorkflow(binding, { force: true });
  expect(JSON.parse(await readFile(binding, "utf8"))).toMatchObject({ title: "sd15" });
});

test("init refuses what does not load and writes nothing", async () => {
  const file = path.join(await tempDir(), "bad.json");
  await writeFile(file, "{}");

  await expect(initWorkflow(file, { force: false })).rejects.toThrow("has no nodes");
  await expect(readFile(file.replace(".json", ".binding.json"))).rejects.toThrow("ENOENT");
});

test("init knows output nodes of packs from the backend, where one answers", async () => {
  const file = await dropped("sd15");
  const text = exportText("sd15").replace('"SaveImage"', '"Publish"').replace('"images"', '"out"');
  await writeFile(file, text);
  const info = {
    Publish: { input: {}, output: [], name: "Publish", output_node: true },
  } satisfies ObjectInfo;

  await expect(initWorkflow(file, { force: false, ...nobody })).rejects.toThrow(
    "no node that saves",
  );
  await initWorkflow(file, { force: false, ...backend(info) });

  expect((await checkWorkflow(file, nobody)).report).toContain("outputs      save (Publish)");
});

const cli = fileURLToPath(new URL("../../src/cli.ts", import.meta.url));

function run(...args: string[]): Promise<{ status: unknown; stdout: string; stderr: string }> {
  const command = ["--import", "tsx", cli, "workflow", ...args];
  return new Promise((resolve) => {
    execFile(process.execPath, command, (error, stdout, stderr) => {
      resolve({ status: error?.code ?? 0, stdout, stderr });
    });
  });
}

test("the command reports on stdout and ends with 1 when a workflow cannot run", async () => {
  const file = await dropped("cutout", "My cutter");
  const bad = path.join(path.dirname(file), "bad.json");
  await writeFile(bad, "[]");

  const [away, broken] = await Promise.all([
    run("check", file, "--comfyui-url", "http://127.0.0.1:9"),
    run("check", bad, "--comfyui-url", "http://127.0.0.1:9"),
  ]);

  expect([away.status, broken.status]).toEqual([0, 1]);
  expect(away.stdout).toContain("tool         my_cutter");
  expect(away.stdout).toContain("none answered at http://127.0.0.1:9");
  expect(broken.stdout).toContain("is not a graph of nodes");
});
