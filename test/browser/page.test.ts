import sharp from "sharp";
import { describe, expect, onTestFinished, test } from "vitest";
import { StandIn } from "../page/stand-in.ts";
import { expectAccessible, hasChromium, type Opened, usePages } from "./support.ts";

const skip = hasChromium ? "" : " (skipped: there is no /usr/bin/chromium)";

describe.skipIf(!hasChromium)(`the page in Chromium${skip}`, () => {
  const open = usePages();

  const withPictures = (options: Parameters<typeof open>[0] = {}) =>
    open(options, async ({ studio }) => {
      const at = (minutes: number) => new Date(Date.now() - minutes * 60_000);
      await studio.hang("a fox in snow", { count: 4, at: at(1) });
      await studio.hang("a calm sea", {
        width: 768,
        height: 432,
        via: "mcp",
        client: "Cursor",
        at: at(9),
      });
      await studio.hang("a lighthouse", { width: 400, height: 600, at: at(20) });
    });

  test("hangs the pictures of the server, under a policy that allows nothing foreign", async () => {
    const { page, complaints, foreign } = await withPictures();

    await page.getByRole("link", { name: "Picture 4 of 4: a fox in snow" }).waitFor();
    await expect.poll(() => page.locator(".pic img.shown").count()).toBe(6);
    expect(await page.getByText("Cursor, ").count()).toBe(1);
    expect(complaints).toEqual([]);
    expect(foreign).toEqual([]);
  });

  test("shows a blank canvas before the server answers, then previews, then the picture", async () => {
    const { page, standIn } = await open();
    standIn.studio.holdAt(9);
    let release = () => {};
    const held = new Promise<void>((resolve) => {
      release = resolve;
    });
    await page.route("**/api/v1/tasks", async (route) => {
      await held;
      await route.continue();
    });

    await page.getByRole("textbox", { name: "What do you want to see?" }).fill("three koi");
    await page.keyboard.press("Control+Enter");
    await page.getByRole("heading", { name: "three koi" }).waitFor();
    expect(standIn.studio.calls).toEqual([]);
    release();

    await page.getByRole("img", { name: "Preview, not finished" }).waitFor();
    await page.getByText("Painting, step 9 of 20").waitFor();
    const bar = page.getByRole("progressbar", { name: "Painting" });
    expect(await bar.getAttribute("aria-valuenow")).toBe("45");
    standIn.studio.goOn();
    await page.getByRole("link", { name: "Open picture 1 of 1" }).waitFor();
    await page.locator(".result.shown").waitFor();
    expect(standIn.studio.calls).toEqual([
      { tool: "generate_image", arguments: { prompt: "three koi" } },
    ]);
  });

  test("sends the settings that were chosen, and keeps them over a reload", async () => {
    const { page, standIn } = await open();

    await page.getByRole("button", { name: /^Shape/ }).click();
    await page.getByRole("button", { name: "16:9" }).click();
    await page.keyboard.press("Escape");
    await page.getByRole("button", { name: /^How many/ }).click();
    await page.getByRole("button", { name: "2 pictures" }).click();
    await page.keyboard.press("Escape");
    await page.getByRole("button", { name: /^Style/ }).click();
    await page.getByRole("button", { name: "Origami" }).click();
    await page.keyboard.press("Escape");
    await page.getByRole("button", { name: "All settings" }).click();
    await page.getByLabel("LoRAs").selectOption("ink-wash.safetensors");
    await page.getByRole("spinbutton", { name: "Steps" }).fill("12");
    await page.locator("#prompt").fill("a paper crane");
    // They are sent though the server has not said yet what it takes.
    await page.route("**/api/v1/tools", () => {});
    await page.reload();
    await page.getByRole("button", { name: "Generate" }).click();

    await expect.poll(() => standIn.studio.calls).toHaveLength(1);
    expect(standIn.studio.calls[0]?.arguments).toEqual({
      prompt: "a paper crane",
      aspect_ratio: "16:9",
      count: 2,
      styles: ["origami"],
      loras: ["ink-wash.safetensors:0.8"],
      steps: 12,
    });
  });

  test("says what is missing instead of sending an empty prompt", async () => {
    const { page, standIn } = await open();

    await page.getByRole("button", { name: "Generate" }).click();

    await page.getByRole("alert").getByText("Write first what you want to see.").waitFor();
    expect(standIn.studio.calls).toEqual([]);
  });

  test("starts from a prompt that it proposes while nothing was made", async () => {
    const { page, standIn } = await open();

    await page.getByRole("button", { name: /red dunes at sunset/ }).click();

    await page.locator(".result.shown").waitFor();
    expect(standIn.studio.calls[0]?.arguments).toMatchObject({ aspect_ratio: "16:9" });
  });

  test("repaints what was painted over, with a mask of the picture's own size", async () => {
    const { page, standIn } = await withPictures();

    await page.getByRole("link", { name: "a calm sea" }).click();
    await page.getByRole("button", { name: "Repaint a part" }).click();
    const surface = page.locator(".mk");
    await surface.waitFor();
    await page.getByRole("button", { name: "Repaint" }).click();
    await page.getByText("Paint over what should change first.").waitFor();
    const box = (await surface.boundingBox()) ?? { x: 0, y: 0, width: 0, height: 0 };
    await page.mouse.move(box.x + box.width / 2, box.y + box.height / 2);
    await page.mouse.down();
    await page.mouse.move(box.x + box.width * 0.7, box.y + box.height / 2, { steps: 5 });
    await page.mouse.up();
    await page.locator("#prompt").fill("a small island");
    await page.getByRole("button", { name: "Repaint" }).click();

    await expect.poll(() => standIn.studio.calls).toHaveLength(1);
    const [call] = standIn.studio.calls;
    expect(call).toMatchObject({ tool: "inpaint", arguments: { prompt: "a small island" } });
    const mask = standIn.studio.files.get(String(call?.arguments["mask"]));
    const { data, info } = await sharp(mask?.bytes)
      .greyscale()
      .raw()
      .toBuffer({ resolveWithObject: true });
    const at = (x: number, y: number) => data[(y * info.width + x) * info.channels];
    expect([info.width, info.height]).toEqual([768, 432]);
    expect([at(460, 216), at(20, 20), at(740, 410)]).toEqual([255, 0, 0]);
  });

  test("zooms a mask by wheel, keys and buttons, moves it, and paints the pixel in sight", async () => {
    const { page, standIn } = await withPictures();
    await page.getByRole("link", { name: "a calm sea" }).click();
    await page.keyboard.press("m");
    const surface = page.locator(".mk");
    const picture = surface.locator("img");
    await picture.waitFor();
    const boxOf = async (of: typeof surface) => {
      const box = await of.boundingBox();
      if (!box) throw new Error("it is not shown");
      return box;
    };
    /** Where the picture comes to rest. */
    const settled = async () => {
      let last = "";
      const isStill = async () => {
        const seen = last;
        last = JSON.stringify(await boxOf(picture));
        return last === seen;
      };
      await expect.poll(isStill, { interval: 100 }).toBe(true);
      return boxOf(picture);
    };
    const whole = await settled();
    const corner = { x: whole.x + whole.width * 0.9, y: whole.y + whole.height * 0.9 };

    await page.mouse.move(corner.x, corner.y);
    await page.mouse.wheel(0, -400);
    await expect.poll(async () => (await boxOf(picture)).width).toBeGreaterThan(whole.width * 1.9);
    await page.keyboard.press("+");
    await page.getByRole("button", { name: "Zoom out" }).click();
    await expect.poll(async () => (await boxOf(picture)).width).toBeGreaterThan(whole.width * 1.9);
    const before = await settled();
    await page.mouse.move(corner.x, corner.y);
    await page.keyboard.down(" ");
    await page.mouse.down();
    await page.mouse.move(corner.x - 150, corner.y - 90, { steps: 3 });
    await page.mouse.up();
    await page.keyboard.up(" ");
    await expect.poll(async () => (await boxOf(picture)).x).not.toBe(before.x);
    const near = await settled();
    const target = { x: 700, y: 390 };
    await page.mouse.click(
      near.x + (target.x / 768) * near.width,
      near.y + (target.y / 432) * near.height,
    );
    await page.getByRole("button", { name: "Fit", exact: true }).click();
    await expect.poll(() => boxOf(picture)).toEqual(whole);
    await page.locator("#prompt").fill("a buoy");
    await page.keyboard.press("Control+Enter");

    await expect.poll(() => standIn.studio.calls).toHaveLength(1);
    const mask = standIn.studio.files.get(String(standIn.studio.calls[0]?.arguments["mask"]));
    const { info } = await sharp(mask?.bytes).greyscale().threshold(128).trim().toBuffer({
      resolveWithObject: true,
    });
    // The brush as wide as at the start, a tenth of the shorter side, around the pixel pressed on.
    expect(info.width).toBeCloseTo(43, -1);
    expect(-(info.trimOffsetLeft ?? 0) + info.width / 2).toBeCloseTo(target.x, -1);
    expect(-(info.trimOffsetTop ?? 0) + info.height / 2).toBeCloseTo(target.y, -1);
  });

  test("paints a mask by keys alone, and takes it back", async () => {
    const { page, standIn } = await withPictures();

    await page.getByRole("link", { name: "a calm sea" }).click();
    await page.keyboard.press("m");
    await page.getByRole("application", { name: /^Mask/ }).waitFor();
    await page.keyboard.press("Shift+ArrowLeft");
    await page.keyboard.press(" ");
    await page.keyboard.press("Control+z");
    await page.getByRole("button", { name: "Box by numbers" }).click();
    await page.getByRole("spinbutton", { name: "Left" }).fill("0");
    await page.getByRole("button", { name: "Add the box" }).click();
    await page.locator("#prompt").fill("fog");
    await page.keyboard.press("Control+Enter");

    await expect.poll(() => standIn.studio.calls).toHaveLength(1);
    const mask = standIn.studio.files.get(String(standIn.studio.calls[0]?.arguments["mask"]));
    const { channels } = await sharp(mask?.bytes).greyscale().stats();
    // Half the width and half the height of the picture.
    expect(channels[0]?.mean).toBeCloseTo(255 / 4, 0);
  });

  test("changes a picture that was dropped on it", async () => {
    const { page, standIn } = await open();
    const bytes = await sharp({
      create: { width: 64, height: 48, channels: 3, background: "teal" },
    })
      .png()
      .toBuffer();

    await page.evaluate(`{
      const bytes = Uint8Array.from(atob("${bytes.toString("base64")}"), (c) => c.charCodeAt(0));
      const transfer = new DataTransfer();
      transfer.items.add(new File([bytes], "sea.png", { type: "image/png" }));
      dispatchEvent(new DragEvent("drop", { dataTransfer: transfer, cancelable: true }));
    }`);
    await page
      .getByRole("link", { name: "The picture to start from: sea.png. Paint a mask over it." })
      .waitFor();
    await page.getByRole("textbox", { name: "What should change?" }).fill("make it night");
    await page.getByRole("button", { name: "Change", exact: true }).click();

    await expect.poll(() => standIn.studio.calls).toHaveLength(1);
    const [call] = standIn.studio.calls;
    expect(call?.tool).toBe("img2img");
    expect(standIn.studio.files.get(String(call?.arguments["image"]))?.bytes).toEqual(bytes);
  });

  test("makes again with another seed, varies, enlarges and cuts out, one key each", async () => {
    const { page, standIn } = await withPictures();
    const sea = [...standIn.studio.tasks.values()].find(({ prompt }) => prompt === "a calm sea");
    const image = sea?.images[0]?.id;
    const press = async (key: string) => {
      // By its address: what is made of it hangs beside it under the same name once it is finished.
      await page.locator(`.pic[href$="${image}"]`).click();
      await page.getByRole("heading", { name: "a calm sea", level: 1 }).waitFor();
      const before = standIn.studio.calls.length;
      await page.keyboard.press(key);
      await expect.poll(() => standIn.studio.calls.length).toBe(before + 1);
      await page.locator(".stage").waitFor();
      return standIn.studio.calls.at(-1);
    };

    const again = await press("a");
    expect(again?.tool).toBe("generate_image");
    expect(again?.arguments).toMatchObject({ prompt: "a calm sea", width: 768 });
    expect(again?.arguments).not.toHaveProperty("seed");
    expect(await press("v")).toMatchObject({
      tool: "img2img",
      arguments: { image, vary: "subtle" },
    });
    expect(await press("u")).toEqual({ tool: "upscale", arguments: { image } });
    expect(await press("b")).toEqual({ tool: "remove_background", arguments: { image } });
  });

  test("walks over the wall by arrows, opens by Enter, and comes back to the same picture", async () => {
    const { page } = await withPictures();
    const first = page.getByRole("link", { name: "Picture 1 of 4: a fox in snow" });
    await first.focus();

    await page.keyboard.press("ArrowRight");
    await page.keyboard.press("ArrowDown");
    expect(await focused(page)).toBe("Picture 4 of 4: a fox in snow");
    await page.keyboard.press("Enter");
    await page.getByRole("heading", { name: "a fox in snow", level: 1 }).waitFor();
    await page.keyboard.press("ArrowRight");
    await page.getByRole("heading", { name: "a calm sea", level: 1 }).waitFor();
    await page.keyboard.press("Escape");

    await expect.poll(() => focused(page)).toBe("a calm sea");
  });

  test("deletes after a time to undo, and at once when the page goes", async () => {
    const { page, standIn } = await withPictures();
    const sea = page.getByRole("link", { name: "a calm sea" });
    await sea.focus();

    await page.keyboard.press("Delete");
    await expect.poll(() => sea.count()).toBe(0);
    await expect.poll(() => focused(page)).toBe("a lighthouse");
    await page.getByRole("button", { name: "Undo" }).click();
    await sea.waitFor();
    expect(standIn.studio.tasks.size).toBe(3);
    await sea.focus();
    await page.keyboard.press("Delete");
    await page.getByRole("button", { name: "Undo" }).waitFor();
    await page.goto("about:blank");

    await expect.poll(() => standIn.studio.tasks.size).toBe(2);
  });

  test("cancels one task and leaves the others, from the easel and from the queue", async () => {
    const { page, standIn } = await open();
    standIn.studio.holdAt(3);
    for (const prompt of ["one", "two"]) {
      await page.locator("#prompt").fill(prompt);
      await page.keyboard.press("Control+Enter");
      await page.getByRole("heading", { name: prompt, exact: true }).waitFor();
    }

    await page.getByRole("button", { name: "Cancel" }).click();
    await page.locator(".notice").getByText("Cancelled before it began").waitFor();
    await page.getByRole("link", { name: /painting/ }).click();
    await page.getByRole("button", { name: "Cancel: one" }).click();

    await expect.poll(() => states(standIn)).toEqual(["cancelled", "cancelled"]);
  });

  test("says why a task failed, and offers the way out first", async () => {
    const { page, standIn } = await open();
    standIn.studio.failure = {
      code: "execution_failed",
      message: "The GPU ran out of memory. Less will do.",
      detail: "torch.OutOfMemoryError",
      ways: [{ label: "Paint at 512 × 512", set: { width: 512, height: 512 } }],
    };
    await page.locator("#prompt").fill("a cathedral");
    await page.keyboard.press("Control+Enter");

    await page.getByRole("alert").getByText("The GPU ran out of memory.").waitFor();
    standIn.studio.failure = null;
    await page.getByRole("button", { name: "Paint at 512 × 512" }).click();

    await page.locator(".result.shown").waitFor();
    expect(standIn.studio.calls.at(-1)?.arguments).toMatchObject({
      prompt: "a cathedral",
      width: 512,
    });
  });

  test("asks for a key once, keeps it for this window, and shows pictures with it", async () => {
    const { page, url } = await withPictures({ server: { key: "s3cret" } });

    await page.locator("#key").fill("guess");
    await page.getByRole("button", { name: "Use this key" }).click();
    await page.getByRole("alert").getByText("The server does not know this key.").waitFor();
    await page.locator("#key").fill("s3cret");
    await page.getByRole("button", { name: "Use this key" }).click();
    await expect.poll(() => page.locator(".pic img.shown").count()).toBe(6);
    await page.reload();

    await expect.poll(() => page.locator(".pic img.shown").count()).toBe(6);
    expect(await page.evaluate("sessionStorage.getItem('easel.key')")).toBe("s3cret");
    expect(await page.evaluate("localStorage.getItem('easel.key')")).toBeNull();
    expect(page.url()).toBe(`${url}/`);
  });

  test("puts the task that still paints back on the easel after a reload", async () => {
    const { page, standIn } = await open();
    standIn.studio.holdAt(3);
    await page.locator("#prompt").fill("a slow tide");
    await page.keyboard.press("Control+Enter");
    await page.getByText(/Painting, step/).waitFor();

    await page.reload();

    await page.getByRole("heading", { name: "a slow tide" }).waitFor();
    standIn.studio.goOn();
    await page.locator(".result.shown").waitFor();
  });

  test("says that it lost the server, keeps what was typed, and finds it again", async () => {
    const { page, standIn, url } = await withPictures();
    await page.locator(".pic img.shown").first().waitFor();
    await page.locator("#prompt").fill("a heron");

    await standIn.close();
    await page.getByText("This page lost the server.").waitFor();
    const after = new StandIn({ dir: standIn.dir, port: Number(new URL(url).port) });
    onTestFinished(() => after.close());
    await after.studio.hang("made meanwhile");
    await after.start();
    await page.getByRole("button", { name: "Try now" }).click();

    await page.getByRole("link", { name: "made meanwhile" }).waitFor();
    await expect.poll(() => page.getByText("This page lost the server.").count()).toBe(0);
    expect(await page.locator("#prompt").inputValue()).toBe("a heron");
  });

  test("says when ComfyUI is away, and when it is back", async () => {
    const { page, standIn } = await withPictures();
    await page.getByText("2 GPUs ready").waitFor();

    standIn.studio.setBackends({ state: "away" });
    await page.getByRole("status").getByText("ComfyUI is away.").waitFor();
    standIn.studio.setBackends({ state: "ready" });

    await expect.poll(() => page.getByText("ComfyUI is away.").count()).toBe(0);
  });

  test("finds pictures by their words, and says when there is none", async () => {
    const { page } = await withPictures();

    await page.keyboard.press("/");
    await page.keyboard.type("light");
    await expect.poll(() => page.locator(".pic").count()).toBe(1);
    await page.locator("#find").fill("walrus");
    await page.getByText("No picture matches “walrus”.").waitFor();
    await page.getByRole("button", { name: "Show all" }).click();

    await expect.poll(() => page.locator(".pic").count()).toBe(6);
  });

  test("deletes several sets after the server has counted them", async () => {
    const { page, standIn } = await withPictures();
    await page.getByRole("link", { name: "a calm sea" }).click({ modifiers: ["Shift"] });
    await page.getByRole("link", { name: "Picture 1 of 4: a fox in snow" }).click();

    await page.getByRole("button", { name: "Delete" }).click();
    await page.getByRole("dialog", { name: "Delete 2 sets?" }).getByText("5 pictures").waitFor();
    await page.getByRole("button", { name: "Delete them" }).click();
    await expect.poll(() => page.locator(".pic").count()).toBe(1);
    await page.goto("about:blank");

    await expect.poll(() => standIn.studio.tasks.size).toBe(1);
  });

  test("takes the ledge from a key that may only look", async () => {
    const { page } = await withPictures({ server: { scopes: ["read"] } });

    await page.getByText("This key may look, not paint.").waitFor();
    expect(await page.getByRole("button", { name: "Generate" }).count()).toBe(0);
  });

  test("shows what to download where nothing can run", async () => {
    const { page } = await open({}, async ({ studio }) => {
      const file = { file: "sd_xl_base_1.0.safetensors", folder: "checkpoints", source: "a/b" };
      for (const workflow of studio.workflows) {
        workflow.ready = false;
        workflow.lacks = { text: "", files: [file], nodes: [] };
      }
    });

    await page.getByRole("heading", { name: "One download first" }).waitFor();
    await page.getByText("models/checkpoints/").first().waitFor();
    await page.getByRole("link", { name: "All workflows" }).click();
    await page.getByRole("heading", { name: "Need something" }).waitFor();
  });

  test("plays what is no picture, or hands it over, and offers nothing that takes a picture", async () => {
    const { page, complaints } = await open({}, async ({ studio }) => {
      const kinds = [
        ["a bell", "audio/wav", silence],
        ["a chair in 3D", "model/gltf-binary", Buffer.from("glTF")],
      ] as const;
      for (const [prompt, mimeType, bytes] of kinds) {
        const [file] = (await studio.hang(prompt)).images;
        if (!file) throw new Error("nothing was hung");
        Object.assign(file, { mime_type: mimeType, width: 0, height: 0, color: null });
        studio.files.set(file.id, { bytes, mimeType, width: 0, height: 0 });
      }
    });

    await page.getByText("GLB 3D model").waitFor();
    expect(await page.locator(".pic img").count()).toBe(0);
    await page.getByRole("link", { name: "a bell" }).click();
    const player = page.locator("audio");
    await player.waitFor();
    await expect.poll(() => player.evaluate((audio) => audio.duration)).toBeCloseTo(0.5);
    const acts = page.locator(".act");
    expect((await acts.allInnerTexts()).map((text) => text.split("\n")[0])).toEqual([
      "Make again",
      "Download",
    ]);
    await page.keyboard.press("ArrowLeft");
    await page.getByRole("heading", { name: "a chair in 3D" }).waitFor();
    const downloaded = page.waitForEvent("download");
    await page.locator(".player").getByRole("button", { name: "Download" }).click();
    expect((await downloaded).suggestedFilename()).toMatch(/\.glb$/);
    expect(complaints).toEqual([]);
  });

  test("is no wider than a screen of 320 pixels", async () => {
    const { page } = await withPictures({ viewport: { width: 320, height: 640 } });
    await page.locator(".pic img.shown").first().waitFor();

    expect(await page.evaluate("document.documentElement.scrollWidth")).toBe(320);
  });

  for (const width of [390, 1440]) {
    for (const colorScheme of ["light", "dark"] as const) {
      test(`has no violation axe-core knows of, ${width} px ${colorScheme}`, async () => {
        const look = { viewport: { width, height: width < 600 ? 844 : 900 }, colorScheme };
        const { page } = await withPictures(look);
        await page.locator(".pic img.shown").first().waitFor();
        await expectAccessible(page, "wall");
        await page.locator("#prompt").fill("a red kite");
        await page.getByRole("button", { name: "All settings" }).click();
        await expectAccessible(page, "settings");
        await page.keyboard.press("Escape");
        await page.keyboard.press("Escape");
        for (const [address, landmark] of addresses) {
          await page.evaluate(`location.hash = "${address}"`);
          await page.getByRole("heading", { name: landmark }).first().waitFor();
          await expectAccessible(page, landmark);
        }
        await page.evaluate("location.hash = ''");
        await expect.poll(() => page.locator("dialog[open]").count()).toBe(0);
        await page.keyboard.press("?");
        await page.getByRole("heading", { name: "Keyboard shortcuts" }).waitFor();
        await expectAccessible(page, "shortcuts");
        await page.keyboard.press("Escape");
        await page.getByRole("link", { name: "a calm sea" }).click();
        await page.getByRole("heading", { name: "a calm sea", level: 1 }).waitFor();
        await expectAccessible(page, "picture");
        await page.getByRole("button", { name: "100 %" }).click();
        await expectAccessible(page, "picture at 100 %");
        await page.keyboard.press("m");
        await page.locator(".mk").waitFor();
        await expectAccessible(page, "mask");
        const { page: empty } = await open(look);
        await empty.getByRole("heading", { name: "Nothing painted yet" }).waitFor();
        await expectAccessible(empty, "empty");
        await empty.getByRole("button", { name: /koi/ }).click();
        await empty.locator(".result.shown").waitFor();
        await expectAccessible(empty, "done");
      });
    }
  }
});

const addresses = [
  ["#/queue", "Queue"],
  ["#/workflows", "Workflows"],
] as const;

/** Half a second of nothing: 8,000 samples of 8 bits a second. */
const silence = Buffer.concat([
  Buffer.from("RIFF\0\0\0\0WAVEfmt ", "latin1"),
  Buffer.from([16, 0, 0, 0, 1, 0, 1, 0, 0x40, 0x1f, 0, 0, 0x40, 0x1f, 0, 0, 1, 0, 8, 0]),
  Buffer.from("data\xa0\x0f\0\0", "latin1"),
  Buffer.alloc(4_000, 128),
]);

function focused(page: Opened["page"]): Promise<unknown> {
  return page.evaluate("document.activeElement?.getAttribute('aria-label')");
}

function states({ studio }: Opened["standIn"]): string[] {
  return [...studio.tasks.values()].map(({ state }) => state);
}
