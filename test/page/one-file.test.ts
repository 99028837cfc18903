import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import { build } from "vite";
import { expect, onTestFinished, test } from "vitest";

test("the page as one file asks for nothing else", async () => {
  const outDir = await mkdtemp(path.join(os.tmpdir(), "comfy-easel-studio-"));
  onTestFinished(() => rm(outDir, { recursive: true, force: true }));

  await build({
    configFile: path.resolve(import.meta.dirname, "../../page/vite.config.ts"),
    mode: "studio",
    logLevel: "error",
    build: { outDir },
  });

  expect(await readdir(outDir)).toEqual(["studio.html"]);
  const html = await readFile(path.join(outDir, "studio.html"), "utf8");
  expect(html.match(/<(script|link|img|iframe)\b[^>]*\b(src|href)=/g)).toBeNull();
  expect([...html.matchAll(/url\((?!data:)[^)]*\)/g)].map(([match]) => match)).toEqual([]);
  expect(html).toMatch(/<style>@font-face/);
  expect(html).toMatch(/<script type="module">.+<\/script>\s*<\/body>/s);
});
