import type { Page } from "playwright-core";
import { describe, expect, test } from "vitest";
import { startHttp } from "../support/http.ts";
import { startApp, startEmulator } from "../support/world.ts";
import { expectAccessible, hasChromium, pageDir, useBrowser } from "./support.ts";

const skip = hasChromium ? "" : " (skipped: there is no /usr/bin/chromium)";

describe.skipIf(!hasChromium)(`the page on the real studio${skip}`, () => {
  const browser = useBrowser();

  async function serve(authTokens?: string[]) {
    const emulator = await startEmulator({ timing: { stepMs: 40 } });
    const world = await startApp(emulator.url);
    const { url } = await startHttp(world, authTokens ? { authTokens } : {}, pageDir);
    return { emulator, url };
  }

  test("paints before one's eyes, repaints under a mask, varies and deletes", async () => {
    const { emulator, url } = await serve();
    const { page, complaints, foreign } = await browser.look(url);
    await page.getByRole("heading", { name: "Nothing painted yet" }).waitFor();

    const sampled = emulator.hold("VAEDecode");
    await generate(page, "a fox in snow");
    await page.getByText(/^Painting, step \d+ of \d+/).waitFor();
    const bar = page.getByRole("progressbar", { name: "Painting" });
    await expect
      .poll(async () => Number(await bar.getAttribute("aria-valuenow")))
      .toBeGreaterThan(50);
    await expect.poll(() => previewColours(page)).toBeGreaterThan(16);
    expect(Number(await bar.getAttribute("aria-valuenow"))).toBeLessThan(100);
    sampled.release();
    await page.locator(".result.shown").waitFor();
    const [fox] = await tasks(url);
    expect(fox).toMatchObject({ state: "completed", via: "page", prompt: "a fox in snow" });

    await page.getByRole("link", { name: "Repaint a part" }).click();
    await paintOver(page);
    await page.locator("#prompt").fill("a raven");
    await page.getByRole("button", { name: "Repaint", exact: true }).click();
    await page.getByRole("heading", { name: "a raven" }).waitFor();
    await page.locator(".result.shown").waitFor();
    const [raven] = await tasks(url);
    expect(raven).toMatchObject({ tool: "inpaint", state: "completed", prompt: "a raven" });
    expect(raven?.inputs["image"]).toMatchObject({ origin: `image ${fox?.images[0]?.id}` });
    await page.getByRole("button", { name: "Vary" }).click();
    await expect
      .poll(async () => (await tasks(url)).map(({ tool, state }) => `${tool} ${state}`))
      .toEqual(["img2img completed", "inpaint completed", "generate_image completed"]);
    await page.locator(".result.shown").waitFor();

    await page.getByRole("button", { name: "To the wall" }).click();
    await expect.poll(() => page.locator(".pic img.shown").count()).toBe(3);
    const foxLink = page.getByRole("link", { name: "a fox in snow" });
    await foxLink.focus();
    await page.keyboard.press("Delete");
    await page.reload();
    await expect.poll(() => page.locator(".pic img.shown").count()).toBe(2);
    expect(await foxLink.count()).toBe(0);
    expect((await fetch(`${url}/files/images/${fox?.images[0]?.id}`)).status).toBe(404);
    await expectAccessible(page, "wall");
    expect(complaints).toEqual([]);
    expect(foreign).toEqual([]);
  });

  test("asks for a key, and shows nobody what is another's", async () => {
    const { url } = await serve([`ann:${ann}`, `bob:${bob}`]);
    const { page, complaints, foreign } = await browser.look(url);
    const { page: other } = await browser.look(url);

    await giveKey(page, "guess");
    await page.getByRole("alert").getByText("The server does not know this key.").waitFor();
    await giveKey(page, ann);
    await giveKey(other, bob);
    await other.getByRole("heading", { name: "Nothing painted yet" }).waitFor();
    await generate(page, "ann's own fox");
    await page.locator(".result.shown").waitFor();
    await page.getByRole("button", { name: "To the wall" }).click();
    await page.locator(".pic img.shown").waitFor();

    await generate(other, "bob's raven");
    await other.locator(".result.shown").waitFor();
    await other.getByRole("button", { name: "To the wall" }).click();
    await expect.poll(() => names(other)).toEqual(["bob's raven"]);
    expect(await names(page)).toEqual(["ann's own fox"]);
    const [fox] = await tasks(url, ann);
    await other.goto(`${url}/#/p/${fox?.images[0]?.id}`);
    await other.getByRole("heading", { name: "Deleted on another screen" }).waitFor();
    await expectAccessible(page, "wall");
    // The browser tells of the refusals itself.
    expect(complaints.filter((each) => !each.includes("401"))).toEqual([]);
    expect(foreign).toEqual([]);
  });
});

const ann = "ann-".padEnd(32, "0");
const bob = "bob-".padEnd(32, "1");

interface TaskSeen {
  tool: string;
  state: string;
  images: { id: string }[];
  inputs: Record<string, unknown>;
}

/** What the server has on record, newest first. */
async function tasks(url: string, key?: string): Promise<TaskSeen[]> {
  const headers = key === undefined ? {} : { Authorization: `Bearer ${key}` };
  const answer = await fetch(`${url}/api/v1/tasks`, { headers });
  return ((await answer.json()) as { tasks: TaskSeen[] }).tasks;
}

async function generate(page: Page, prompt: string): Promise<void> {
  await page.getByRole("textbox", { name: "What do you want to see?" }).fill(prompt);
  await page.getByRole("button", { name: "Generate" }).click();
  await page.getByRole("heading", { name: prompt }).waitFor();
}

async function giveKey(page: Page, key: string): Promise<void> {
  await page.locator("#key").fill(key);
  await page.getByRole("button", { name: "Use this key" }).click();
}

/** A stroke from the middle to the right. */
async function paintOver(page: Page): Promise<void> {
  const surface = page.locator(".mk");
  await surface.waitFor();
  const box = await surface.boundingBox();
  if (!box) throw new Error("The mask has no place on the page.");
  await page.mouse.move(box.x + box.width / 2, box.y + box.height / 2);
  await page.mouse.down();
  await page.mouse.move(box.x + box.width * 0.7, box.y + box.height / 2, { steps: 5 });
  await page.mouse.up();
}

function names(page: Page): Promise<(string | null)[]> {
  return page
    .locator(".pic")
    .evaluateAll((all) => all.map((one) => one.getAttribute("aria-label")));
}

/** How many different colours the live preview shows; a canvas that nothing was painted on has one. */
function previewColours(page: Page): Promise<number> {
  return page.evaluate(`(() => {
    const canvas = document.querySelector("canvas[aria-label='Preview, not finished']");
    if (!canvas) return 0;
    const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
    return new Set(new Uint32Array(data.buffer)).size;
  })()`);
}
