import { existsSync } from "node:fs";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { createRequire } from "node:module";
import os from "node:os";
import path from "node:path";
import { type Browser, type BrowserContextOptions, chromium, type Page } from "playwright-core";
import { build } from "vite";
import { afterAll, beforeAll, expect, onTestFinished } from "vitest";
import { StandIn, type StandInOptions } from "../page/stand-in.ts";

const executablePath = "/usr/bin/chromium";

/** Debian's package; elsewhere these tests are skipped. */
export const hasChromium = existsSync(executablePath);

const repository = path.resolve(import.meta.dirname, "../..");
const axeFile = createRequire(import.meta.url).resolve("axe-core/axe.min.js");

export interface Opened {
  page: Page;
  standIn: StandIn;
  url: string;
  /** What the browser complained about, the page's policy included. */
  complaints: string[];
  /** Requests to anything but the stand-in. */
  foreign: string[];
}

/** A browser and the page as it is shipped, for all tests of a file. */
export function usePages() {
  let dir = "";
  let browser: Browser | undefined;
  beforeAll(async () => {
    if (!hasChromium) return;
    dir = await mkdtemp(path.join(os.tmpdir(), "comfy-easel-page-"));
    await build({
      configFile: path.join(repository, "page/vite.config.ts"),
      logLevel: "error",
      build: { outDir: dir },
    });
    browser = await chromium.launch({ executablePath, args: ["--no-sandbox"] });
  });
  afterAll(async () => {
    await browser?.close();
    await rm(dir, { recursive: true, force: true });
  });

  /** A stand-in with what `prepare` hangs on the wall, and a window that looks at it. */
  return async function open(
    options: BrowserContextOptions & { server?: Partial<StandInOptions> } = {},
    prepare: (standIn: StandIn) => Promise<unknown> = async () => undefined,
  ): Promise<Opened> {
    const { server, ...look } = options;
    const standIn = new StandIn({ dir, ...server });
    onTestFinished(() => standIn.close());
    await prepare(standIn);
    const url = await standIn.start();
    if (!browser) throw new Error("The browser was not started.");
    const context = await browser.newContext({ viewport: { width: 1440, height: 900 }, ...look });
    onTestFinished(() => context.close());
    const page = await context.newPage();
    page.setDefaultTimeout(15_000);
    const complaints: string[] = [];
    const foreign: string[] = [];
    page.on("pageerror", (error) => complaints.push(String(error)));
    page.on("console", (message) => {
      if (message.type() === "error") complaints.push(message.text());
    });
    page.on("request", (request) => {
      if (!/^(data|blob):/.test(request.url()) && !request.url().startsWith(url)) {
        foreign.push(request.url());
      }
    });
    await page.goto(url);
    return { page, standIn, url, complaints, foreign };
  };
}

/** Every rule of axe-core; the picture must stand still for the colours to be right. */
export async function expectAccessible(page: Page, state: string): Promise<void> {
  await page.evaluate(await readFile(axeFile, "utf8"));
  const { violations, passes } = await page.evaluate<{
    violations: { id: string; nodes: { target: string[]; failureSummary: string }[] }[];
    passes: unknown[];
  }>("document.getAnimations().forEach((one) => one.finish()), axe.run()");
  expect(passes.length).toBeGreaterThan(15);
  const found = violations.flatMap(({ id, nodes }) =>
    nodes.map(
      ({ target, failureSummary }) => `${state}: ${id} ${target.join(" ")} ${failureSummary}`,
    ),
  );
  expect(found).toEqual([]);
}
