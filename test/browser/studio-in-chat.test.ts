import { readFile } from "node:fs/promises";
import path from "node:path";
import type { Frame, Page } from "playwright-core";
import { expect, onTestFinished, test } from "vitest";
import { connectBy, memoryTransport, type Revision } from "../support/client.ts";
import { startApp, startEmulator } from "../support/world.ts";
import { hasChromium, pageDir, useBrowser } from "./support.ts";

const ui = { "io.modelcontextprotocol/ui": { mimeTypes: ["text/html;profile=mcp-app"] } };
const appUri = "ui://comfy-easel/studio.html";
/** The policy of a host for a page that declares no domain; its fonts are in it. */
const policy =
  "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; img-src data:; font-src data:; connect-src 'none'";

const { newPage } = useBrowser();

/** A host with the studio's page in it, and its MCP client. */
async function openHost(revision: Revision) {
  const emulator = await startEmulator();
  const { deps } = await startApp(emulator.url);
  const client = await connectBy(revision, memoryTransport({ ...deps, pageDir }), {
    name: "host",
    capabilities: { extensions: ui },
  });
  onTestFinished(() => client.close());
  const page = await newPage({ viewport: { width: 760, height: 900 } });
  const refused: string[] = [];
  page.on("console", (message) => {
    if (/Content Security Policy/.test(message.text())) refused.push(message.text());
  });
  await page.exposeFunction(
    "callTool",
    async ({ name, arguments: args }: { name: string; arguments: Record<string, unknown> }) => {
      try {
        return { result: await client.callTool({ name, arguments: args }) };
      } catch (error) {
        return { error: { code: -32603, message: String(error) } };
      }
    },
  );
  await page.setContent(await readFile(path.join(import.meta.dirname, "host.html"), "utf8"));
  const { contents } = await client.readResource({ uri: appUri });
  const html = String((contents[0] as { text: string }).text);
  // In the browser, so as text: these files know no `window`.
  await page.evaluate(`show(${JSON.stringify(html)}, ${JSON.stringify(policy)})`);
  const notify = (method: string, params: object) =>
    page.evaluate(`notify(${JSON.stringify(method)}, ${JSON.stringify(params)})`);
  await expect.poll(() => page.evaluate("heard")).toContain("ui/notifications/initialized");
  const [frame] = page.frames().filter((each) => each !== page.mainFrame());
  return { emulator, deps, client, page, frame: frame as Frame, notify, refused };
}

/** The width in pixels of the picture on the easel, once it is there. */
const shownWidth = (frame: Frame) =>
  frame.evaluate("document.querySelector('.stage > img')?.naturalWidth");

const shots = process.env["COMFY_EASEL_SHOTS"];

async function shoot(page: Page, name: string): Promise<void> {
  if (shots) await page.screenshot({ path: path.join(shots, `${name}.png`) });
}

test.skipIf(!hasChromium).for<Revision>(["2025-11-25", "2026-07-28"])(
  "in a chat (%s): progress, the picture large, a button that calls a tool, and nothing else let out (needs Debian's chromium)",
  async (revision) => {
    const { emulator, client, page, frame, notify, refused } = await openHost(revision);
    const args = { prompt: "a fox in the snow", width: 768, height: 512 };
    const hold = emulator.hold("VAEDecode");

    await notify("ui/notifications/tool-input", { arguments: args });
    const made = client.callTool({ name: "generate_image", arguments: args });
    await hold.reached;
    await frame.waitForSelector("progress");
    await expect
      .poll(() => frame.evaluate("document.querySelector('progress')?.value"))
      .toBeGreaterThan(0.3);
    expect(await frame.textContent(".words")).toBe("a fox in the snow");
    await frame.waitForSelector(".canvas img.sketch", { state: "visible" });
    expect(
      await frame.evaluate("getComputedStyle(document.querySelector('.sketch')).opacity"),
    ).toBe("1");
    await expect
      .poll(() => frame.evaluate("document.querySelector('.sketch')?.naturalWidth"))
      .toBeGreaterThan(100);
    await shoot(page, `chat-progress-${revision}`);
    hold.release();
    await notify("ui/notifications/tool-result", await made);

    await expect.poll(() => shownWidth(frame)).toBe(768);
    expect(await frame.textContent(".facts")).toMatch(/768 × 512 · seed \d+/);
    await shoot(page, `chat-done-${revision}`);

    await frame.click("text=Cut out");
    await frame.waitForSelector(".stage > img.clear");
    await frame.waitForSelector(".grid img");
    await shoot(page, `chat-cut-${revision}`);
    await frame.click("text=Use as input");
    await expect
      .poll(() => page.evaluate("JSON.stringify(said)"))
      .toMatch(/Use the picture t\w{16}-1/);

    expect(refused).toEqual([]);
    const elsewhere = await frame.evaluate(
      `fetch(${JSON.stringify(emulator.url)}).then(() => "let out", String)`,
    );
    expect(elsewhere).toMatch(/Failed to fetch/);
    expect(refused.join()).toContain("connect-src");
  },
);
