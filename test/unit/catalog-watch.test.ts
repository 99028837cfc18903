import { rename, rm, writeFile } from "node:fs/promises";
import path from "node:path";
import { expect, onTestFinished, test, vi } from "vitest";
import { type Catalog, loadCatalog } from "../../src/workflows/catalog.ts";
import { watchCatalog } from "../../src/workflows/catalog-watch.ts";
import { exportText } from "../fixtures/exports/exports.ts";
import { sampleBinding, sampleGraph, sampleWorkflow } from "../fixtures/workflows/sample.ts";
import { quietLog, tempDir } from "../support/world.ts";

interface Live {
  dir: string;
  catalog: Catalog;
  lines: string[];
  refresh(): Promise<boolean>;
  names(): string[];
  put(name: string, text: string): Promise<void>;
  /** Resolves at the next change. */
  changed(): Promise<void>;
}

/** A trusted folder with one pair and a user folder; `everyMs` 0 leaves looking to `refresh`. */
async function live(everyMs = 0): Promise<Live> {
  const [shipped, dir] = [await tempDir(), await tempDir()];
  await writeFile(path.join(shipped, "base.json"), JSON.stringify(sampleGraph()));
  await writeFile(path.join(shipped, "base.binding.json"), JSON.stringify(sampleBinding()));
  const folders = [
    { dir: shipped, trusted: true },
    { dir, trusted: false },
  ];
  const loaded = await loadCatalog(folders);
  const log = quietLog();
  const watch = watchCatalog(loaded, folders, { log, everyMs: everyMs || 3_600_000 });
  onTestFinished(() => watch.close());
  const { catalog } = loaded;
  return {
    dir,
    catalog,
    lines: log.lines,
    refresh: () => watch.refresh(),
    names: () => catalog.all().map((workflow) => workflow.name),
    async put(name, text) {
      // In one step, as nobody can say what a look in the middle of a write sees.
      await writeFile(path.join(dir, `${name}.part`), text);
      await rename(path.join(dir, `${name}.part`), path.join(dir, name));
    },
    changed: () =>
      new Promise((resolve) => {
        const end = catalog.onChange(() => {
          end();
          resolve();
        });
      }),
  };
}

test("a file dropped, changed and removed is taken up by itself", async () => {
  const { dir, catalog, names, put, changed } = await live(5);

  const dropped = changed();
  await put("mine.json", exportText("sd15"));
  await dropped;
  expect(names()).toEqual(["base", "mine"]);
  expect(catalog.get("generate_image", "mine").parameters["steps"]?.default).toBe(20);

  const bound = changed();
  await put("mine.binding.json", '{"title": "Mine"}');
  await bound;
  expect(catalog.get("generate_image", "mine").title).toBe("Mine");

  const edited = changed();
  await put("mine.json", exportText("sd15").replace('"steps": 20', '"steps": 33'));
  await edited;
  expect(catalog.get("generate_image", "mine").parameters["steps"]?.default).toBe(33);

  const removed = changed();
  await rm(path.join(dir, "mine.json"));
  await removed;
  expect(names()).toEqual(["base"]);
});

test("a half-written file is a problem until its next change", async () => {
  const { names, put, refresh, lines } = await live();

  await put("mine.json", exportText("sd15").slice(0, 200));
  const half = await refresh();
  const told = lines.filter((line) => line.includes("left out: ")).length;
  await refresh();
  const toldAgain = lines.filter((line) => line.includes("left out: ")).length;
  await put("mine.json", exportText("sd15"));
  const whole = await refresh();

  expect([half, whole]).toEqual([false, true]);
  expect([told, toldAgain]).toEqual([1, 1]);
  expect(lines[0]).toContain("mine.json: is not JSON: ");
  expect(names()).toEqual(["base", "mine"]);
});

test("what does not change the workflows is no change", async () => {
  const { catalog, put, refresh } = await live();
  let changes = 0;
  catalog.onChange(() => (changes += 1));

  const first = await refresh();
  await put("notes.txt", "hello");
  await put("rubbish.json", "[]");
  const second = await refresh();
  await put("mine.json", exportText("sd15"));
  await refresh();
  await put("mine.json", JSON.stringify(JSON.parse(exportText("sd15")), null, 4));
  const reformatted = await refresh();

  expect([first, second, reformatted]).toEqual([false, false, false]);
  expect(changes).toBe(1);
});

test("a new tool comes and goes, and an unchanged workflow stays what it was", async () => {
  const { dir, catalog, put, refresh } = await live();
  await put("cutter.json", exportText("cutout"));
  await refresh();
  expect(catalog.tools()).toEqual(["cutter", "generate_image"]);
  const before = catalog.get("cutter", "cutter").graphHash;

  await put("other.json", exportText("z_image"));
  await refresh();
  expect(catalog.get("cutter", "cutter").graphHash).toBe(before);

  await rename(path.join(dir, "cutter.json"), path.join(dir, "knife.json"));
  await refresh();
  expect(catalog.tools()).toEqual(["generate_image", "knife"]);
});

test("a folder that goes and comes back is looked at again", async () => {
  const { dir, names, put, refresh, lines } = await live();
  await put("mine.json", exportText("sd15"));
  await refresh();

  await rename(dir, `${dir}-away`);
  await refresh();
  expect(names()).toEqual(["base"]);
  expect(lines.join("\n")).toContain("the workflow folder cannot be read");

  await rename(`${dir}-away`, dir);
  await refresh();
  expect(names()).toEqual(["base", "mine"]);
});

test("looks that meet wait for each other", async () => {
  const { names, put, refresh } = await live();
  await put("mine.json", exportText("sd15"));

  const results = await Promise.all([refresh(), refresh(), refresh()]);

  expect(results).toEqual([true, false, false]);
  expect(names()).toEqual(["base", "mine"]);
});

test("a note about a workflow is told once", async () => {
  const { put, refresh, lines } = await live();

  await put("fast.json", exportText("vix_lightning"));
  await refresh();
  await put("mine.json", exportText("sd15"));
  await refresh();

  expect(lines.filter((line) => line.includes('the choice "Number of steps"'))).toHaveLength(1);
});

test("a closed watch takes up nothing more", async () => {
  const dir = await tempDir();
  const folders = [{ dir, trusted: false }];
  const loaded = await loadCatalog(folders);
  const watch = watchCatalog(loaded, folders, { log: quietLog() });

  watch.close();
  await writeFile(path.join(dir, "mine.json"), exportText("sd15"));

  expect(await watch.refresh()).toBe(false);
  expect(loaded.catalog.all()).toEqual([]);
});

test("listeners hear of a replacement when it is done, until they stop listening", async () => {
  const { catalog } = await live();
  const heard: number[] = [];
  const end = catalog.onChange(() => heard.push(catalog.all().length));

  catalog.replace([sampleWorkflow({}, "a"), sampleWorkflow({}, "b")]);
  end();
  catalog.replace([]);

  expect(heard).toEqual([2]);
});

test("without a folder of its own nothing is looked at by the clock", async () => {
  vi.useFakeTimers({ toFake: ["setInterval", "clearInterval"] });
  onTestFinished(() => void vi.useRealTimers());
  const folders = [{ dir: await tempDir(), trusted: true }];

  const watch = watchCatalog(await loadCatalog(folders), folders, { log: quietLog() });
  onTestFinished(() => watch.close());

  expect(vi.getTimerCount()).toBe(0);
});
