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

export interface Window {
  page: Page;
  /** What the browser complained about, the page's policy included. */
  complaints: string[];
  /** Requests to anything but the server. */
  foreign: string[];
}

export interface Opened extends Window {
  standIn: StandIn;
  url: string;
}

/** The page as it is shipped, and a browser, for all tests of a file. */
export function useBrowser() {
  let built = "";
  let browser: Browser | undefined;
  beforeAll(async () => {
    if (!hasChromium) return;
    built = await mkdtemp(path.join(os.tmpdir(), "comfy-easel-page-"));
    await build({
      configFile: path.join(repository, "page/vite.config.ts"),
      logLevel: "error",
      build: { outDir: built },
    });
    browser = await chromium.launch({ executablePath, args: ["--no-sandbox", "--disable-gpu"] });
  });
  afterAll(async () => {
    await browser?.close();
    await rm(built, { recursive: true, force: true });
  });

  return {
    pageDir: () => built,
    /** A person of their own, who looks at that server. */
    async look(url: string, options: BrowserContextOptions = {}): Promise<Window> {
      if (!browser) throw new Error("The browser was not started.");
      const context = await browser.newContext({
        viewport: { width: 1440, height: 900 },
        reducedMotion: "reduce",
        ...options,
      });
      onTestFinished(() => context.close());
      const page = await context.newPage();
      page.setDefaultTimeout(45_000);
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
      return { page, complaints, foreign };
    },
  };
}

/** The page on stand-ins for the server. */
export function usePages() {
  const { pageDir, look } = useBrowser();

  /** A stand-in with what `prepare` hangs on the wall, and a window that looks at it. */
  return async function open(
    options: BrowserContextOptions & { server?: Partial<StandInOptions> } = {},
    prepare: (standIn: StandIn) => Promise<unknown> = async () => undefined,
  ): Promise<Opened> {
    const { server, ...context } = options;
    const standIn = new StandIn({ dir: pageDir(), ...server });
    onTestFinished(() => standIn.close());
    await prepare(standIn);
    const url = await standIn.start();
    return { ...(await look(url, context)), standIn, url };
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
