import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import path from "node:path";
import { type Browser, type BrowserContextOptions, chromium, type Page } from "playwright-core";
import { afterAll, beforeAll, expect, onTestFinished } from "vitest";
import { StandIn, type StandInOptions } from "../page/stand-in.ts";

const executablePath = "/usr/bin/chromium";

/** Debian's package; elsewhere these tests are skipped. */
export const hasChromium = existsSync(executablePath);

/** The page as it is shipped: `npm run build` makes it. */
export const pageDir = path.resolve(import.meta.dirname, "../../dist/page");

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

/** A browser for all tests of a file. */
export function useBrowser() {
  let browser: Browser | undefined;
  /** Windows whose test has ended, by how they look: another costs a process. */
  const idle = new Map<string, Page[]>();
  beforeAll(async () => {
    if (!hasChromium) return;
    browser = await chromium.launch({ executablePath, args: ["--no-sandbox", "--disable-gpu"] });
  });
  afterAll(() => browser?.close());

  const newPage = async (options: BrowserContextOptions): Promise<Page> => {
    if (!browser) throw new Error("The browser was not started.");
    return (await browser.newContext(options)).newPage();
  };
  /** Each server has an origin of its own, so that no test finds what another kept. */
  const freePage = async (options: BrowserContextOptions): Promise<Page> => {
    const look = JSON.stringify(options);
    const page = idle.get(look)?.pop() ?? (await newPage(options));
    onTestFinished(async () => {
      page.removeAllListeners();
      await page.unrouteAll();
      if (page.url().startsWith("http")) {
        await page.evaluate("localStorage.clear(), sessionStorage.clear()");
      }
      await page.goto("about:blank");
      idle.set(look, [...(idle.get(look) ?? []), page]);
    });
    return page;
  };

  return {
    newPage,
    /** A person of their own, who looks at that server. */
    async look(url: string, options: BrowserContextOptions = {}): Promise<Window> {
      const page = await freePage({
        viewport: { width: 1440, height: 900 },
        reducedMotion: "reduce",
        ...options,
      });
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
  const browser = useBrowser();

  /** A stand-in with what `prepare` hangs on the wall, and a window that looks at it. */
  return async function open(
    options: BrowserContextOptions & { server?: Partial<StandInOptions> } = {},
    prepare: (standIn: StandIn) => Promise<unknown> = async () => undefined,
  ): Promise<Opened> {
    const { server, ...context } = options;
    const standIn = new StandIn({ dir: pageDir, ...server });
    onTestFinished(() => standIn.close());
    await prepare(standIn);
    const url = await standIn.start();
    return { ...(await browser.look(url, context)), standIn, url };
  };
}

/** Every rule of axe-core; the picture must stand still for the colours to be right. */
export async function expectAccessible(page: Page, state: string): Promise<void> {
  if (!(await page.evaluate("'axe' in window")))
    await page.evaluate(await readFile(axeFile, "utf8"));
  const { violations, passes } = await page.evaluate<{
    violations: { id: string; nodes: { target: string[]; failureSummary: string }[] }[];
    passes: unknown[];
  }>(
    "document.getAnimations().forEach((one) => one.finish()), axe.run({ resultTypes: ['violations'] })",
  );
  expect(passes.length).toBeGreaterThan(15);
  const found = violations.flatMap(({ id, nodes }) =>
    nodes.map(
      ({ target, failureSummary }) => `${state}: ${id} ${target.join(" ")} ${failureSummary}`,
    ),
  );
  expect(found).toEqual([]);
}
