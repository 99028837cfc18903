import { mkdir, readFile, writeFile } from "node:fs/promises";
import path from "node:path";
import sharp from "sharp";
import { describe, expect, test } from "vitest";
import type { Graph } from "../../src/comfy/protocol.ts";
import {
  call,
  connect,
  pathsIn,
  startApp,
  startEmulator,
  taskIdIn,
  tempDir,
} from "../support/world.ts";

async function studio(
  options: Parameters<typeof startEmulator>[0] = {},
  config: Parameters<typeof startApp>[1] = {},
) {
  const emulator = await startEmulator(options);
  const world = await startApp(emulator.url, config);
  return { emulator, ...world, client: await connect(world.deps) };
}

/** A picture of stripes, so that a shift or a rescale of what must stay would show. */
async function stripes(dir: string, width = 320, height = 240): Promise<string> {
  const data = Buffer.alloc(width * height * 3);
  for (let at = 0; at < data.length; at += 3) data.fill((at * 7) % 251, at, at + 3);
  const file = path.join(dir, "stripes.png");
  await sharp(data, { raw: { width, height, channels: 3 } })
    .png()
    .toFile(file);
  return file;
}

/** White on the right half. */
async function rightHalf(dir: string, width = 320, height = 240): Promise<string> {
  const half = { create: { width: width / 2, height, channels: 3 as const, background: "white" } };
  const file = path.join(dir, "mask.png");
  await sharp({ create: { width, height, channels: 3, background: "black" } })
    .composite([{ input: half, left: width / 2, top: 0 }])
    .png()
    .toFile(file);
  return file;
}

async function region(file: string, left: number, width: number): Promise<Buffer> {
  const { height } = await sharp(file).metadata();
  return sharp(file).removeAlpha().extract({ left, top: 0, width, height }).raw().toBuffer();
}

/** The graph of the last POST. */
function lastGraph(emulator: Awaited<ReturnType<typeof startEmulator>>): Graph {
  const posts = emulator.requests.filter(
    ({ method, path: route }) => method === "POST" && route.endsWith("/prompt"),
  );
  const body = posts.at(-1)?.body as { prompt: Graph } | undefined;
  return body?.prompt ?? {};
}

describe("a first picture on what is installed", () => {
  test.for<[what: string, models: Record<string, string[]>, workflow: string]>([
    ["one SDXL checkpoint", { checkpoints: ["juggernautXL_v9.safetensors"] }, "checkpoint"],
    [
      "only FLUX GGUF files",
      {
        unet_gguf: ["flux1-dev-Q8_0.gguf"],
        clip_gguf: ["t5-v1_1-xxl-encoder-Q8_0.gguf"],
        text_encoders: ["clip_l.safetensors"],
        vae: ["ae.safetensors"],
      },
      "flux_dev_gguf",
    ],
    [
      "only a Lightning checkpoint",
      { checkpoints: ["sdxl_lightning_4step.safetensors"] },
      "sdxl_lightning_4step",
    ],
    [
      "only FLUX in one file",
      { checkpoints: ["flux1-dev-fp8.safetensors"] },
      "flux_dev_checkpoint",
    ],
  ])("%s: it comes", async ([, models, workflow]) => {
    const { client } = await studio({ models });

    const answer = await call(client, "generate_image", { prompt: "a fox" });

    expect(answer.text).toMatch(new RegExp(`^Done.*workflow ${workflow}\\)`));
  });

  test("nothing installed: the error tells what to download and where it goes", async () => {
    const { client } = await studio({ models: {} });

    const answer = await call(client, "generate_image", { prompt: "a fox" });

    expect(answer.isError).toBe(true);
    expect(answer.text).toMatch(/\.safetensors in models\/checkpoints \(huggingface /);
  });
});

test("a model that is put there while the server runs is found at a call soon after", async () => {
  const models: Record<string, string[]> = {};
  const { emulator, client } = await studio({ models });
  expect((await call(client, "generate_image", { prompt: "x" })).isError).toBe(true);
  models["checkpoints"] = ["sd_xl_base_1.0.safetensors"];
  await emulator.restart();

  // What was looked up within the last second is not looked up again.
  const next = async () =>
    (await call(client, "generate_image", { prompt: "x", width: 256, height: 256 })).text;
  await expect.poll(next).toMatch(/workflow checkpoint/);
});

test("the node catalogue is not read on every call", async () => {
  const { emulator, client } = await studio();
  for (let i = 0; i < 3; i += 1) {
    await call(client, "generate_image", { prompt: "x", width: 128, height: 128 });
  }

  const reads = emulator.requests.filter(({ path: route }) => route.endsWith("/object_info"));
  expect(reads).toHaveLength(1);
});

describe("inpaint", () => {
  test("repaints the white part only; the rest is the input bit for bit", async () => {
    const { client, dataDir } = await studio();
    const [image, mask] = [await stripes(dataDir), await rightHalf(dataDir)];

    const { text } = await call(client, "inpaint", { image, mask, prompt: "a door" });

    const [file] = pathsIn(text);
    expect(await sharp(file).metadata()).toMatchObject({ width: 320, height: 240 });
    expect((await region(String(file), 0, 160)).equals(await region(image, 0, 160))).toBe(true);
    expect((await region(String(file), 160, 160)).equals(await region(image, 160, 160))).toBe(
      false,
    );
  });

  test("takes the transparent part of the image when there is no mask", async () => {
    const { client, dataDir } = await studio();
    const image = path.join(dataDir, "hole.png");
    await sharp({ create: { width: 200, height: 100, channels: 4, background: "#ff0000" } })
      .composite([
        {
          input: { create: { width: 100, height: 100, channels: 4, background: "#00000000" } },
          left: 100,
          top: 0,
          blend: "dest-in",
        },
      ])
      .png()
      .toFile(image);

    const { text, isError } = await call(client, "inpaint", { image, prompt: "a door" });

    expect(isError, text).toBe(false);
    expect(await sharp(pathsIn(text)[0]).metadata()).toMatchObject({ width: 200, height: 100 });
  });

  test("says so when there is nothing to repaint", async () => {
    const { client, dataDir } = await studio();

    const answer = await call(client, "inpaint", { image: await stripes(dataDir), prompt: "x" });

    expect(answer.isError).toBe(true);
    expect(answer.text).toMatch(/^mask: /);
  });
});

describe("outpaint", () => {
  test("adds the pixels asked for and keeps the picture", async () => {
    const { client, dataDir } = await studio();
    const image = await stripes(dataDir);

    const { text } = await call(client, "outpaint", { image, left: 64, right: 33, feather: 0 });

    const [file] = pathsIn(text);
    expect(await sharp(file).metadata()).toMatchObject({ width: 417, height: 240 });
    expect((await region(String(file), 64, 320)).equals(await region(image, 0, 320))).toBe(true);
  });

  test("says that the transparency of its picture is lost", async () => {
    const { client, dataDir } = await studio();
    const clear = { width: 64, height: 64, channels: 4 as const, background: "#00ff0000" };
    const file = path.join(dataDir, "clear.png");
    await sharp({ create: clear }).png().toFile(file);

    const lost = await call(client, "outpaint", { image: file, left: 32 });
    const opaque = await call(client, "outpaint", { image: await stripes(dataDir), left: 32 });

    expect(lost.text).toContain("Note: The transparent parts of image are white in the result.");
    expect(opaque.text).toMatch(/^Done/);
    expect(opaque.text).not.toContain("transparent");
  });

  test("extends to an aspect ratio, and asks for one or the other", async () => {
    const { client, dataDir } = await studio();
    const image = await stripes(dataDir, 240, 240);

    const wide = await call(client, "outpaint", { image, aspect_ratio: "16:9", prompt: "a beach" });
    const neither = await call(client, "outpaint", { image });

    const { width = 0, height = 1 } = await sharp(pathsIn(wide.text)[0]).metadata();
    expect(height).toBe(240);
    expect(width / height).toBeCloseTo(16 / 9, 1);
    expect(neither.text).toMatch(/^left, top, right, bottom: say by how many pixels/);
  });
});

describe("upscale", () => {
  test.for([
    { factor: 1.5, width: 480, height: 360 },
    { factor: 2, width: 640, height: 480 },
    { factor: 4, width: 1280, height: 960 },
  ])("$factor times is exactly $width x $height", async ({ factor, ...size }) => {
    const { client, dataDir } = await studio();

    const { text } = await call(client, "upscale", { image: await stripes(dataDir), factor });

    expect(text).toMatch(/workflow upscale_model/);
    expect(await sharp(pathsIn(text)[0]).metadata()).toMatchObject(size);
  });

  test("a model that makes 115 megapixels of an ordinary photograph is no obstacle", async () => {
    const { client, dataDir } = await studio();
    const image = path.join(dataDir, "photo.jpg");
    await sharp({ create: { width: 3000, height: 2400, channels: 3, background: "teal" } }).toFile(
      image,
    );

    const { text, isError } = await call(client, "upscale", { image, factor: 2 });

    expect(isError, text).toBe(false);
    expect(await sharp(pathsIn(text)[0]).metadata()).toMatchObject({ width: 6000, height: 4800 });
  });

  test("without an upscale model it resamples and says so", async () => {
    const { client, dataDir } = await studio({ models: {} });

    const { text } = await call(client, "upscale", { image: await stripes(dataDir), factor: 3 });

    expect(text).toMatch(/Note: Plain Lanczos resampling, which adds no detail/);
    expect(await sharp(pathsIn(text)[0]).metadata()).toMatchObject({ width: 960, height: 720 });
  });
});

test("img2img comes out at the size of its input, and a variation is a strength", async () => {
  const { client, app, dataDir } = await studio();
  const image = await stripes(dataDir, 301, 211);

  const { text } = await call(client, "img2img", { image, prompt: "x", vary: "strong" });

  expect(await sharp(pathsIn(text)[0]).metadata()).toMatchObject({ width: 301, height: 211 });
  expect((await app.tasks.get(taskIdIn(text))).params["strength"]).toBe(0.85);
});

test("a cut-out can get a colour or a picture behind it", async () => {
  const { client, dataDir } = await studio();
  const image = path.join(dataDir, "subject.png");
  await sharp({ create: { width: 200, height: 200, channels: 3, background: "white" } })
    .composite([{ input: { create: { width: 80, height: 80, channels: 3, background: "red" } } }])
    .png()
    .toFile(image);

  const onBlue = await call(client, "remove_background", { image, background: "#0000ff" });
  const onPicture = await call(client, "remove_background", {
    image,
    background: await stripes(dataDir),
  });
  const wrong = await call(client, "remove_background", { image, background: "blurple" });

  const [corner] = [
    await sharp(pathsIn(onBlue.text)[0]).raw().toBuffer({ resolveWithObject: true }),
  ];
  expect([...corner.data.subarray(0, 3)]).toEqual([0, 0, 255]);
  expect((await sharp(pathsIn(onPicture.text)[0]).stats()).isOpaque).toBe(true);
  expect(wrong.text).toMatch(/^background: /);
});

describe("what goes into the graph", () => {
  test("LoRAs, a model of choice, an effort and styles", async () => {
    const { emulator, client, app } = await studio({
      models: {
        checkpoints: ["sd_xl_base_1.0.safetensors", "sub/dreamXL.safetensors"],
        loras: ["film_grain.safetensors", "sub\\paper.safetensors"],
      },
    });

    const { text, isError } = await call(client, "generate_image", {
      prompt: "a lighthouse",
      model: "dreamXL",
      loras: ["film_grain:0.6", "paper"],
      quality: "extreme_speed",
      styles: ["watercolor"],
      width: 512,
      height: 512,
    });

    expect(isError, text).toBe(false);
    const graph = lastGraph(emulator);
    const nodes = Object.values(graph);
    expect(
      nodes.find((node) => node.class_type === "CheckpointLoaderSimple")?.inputs["ckpt_name"],
    ).toBe("sub/dreamXL.safetensors");
    expect(
      nodes
        .filter((node) => node.class_type === "LoraLoader")
        .map(({ inputs }) => [inputs["lora_name"], inputs["strength_model"]]),
    ).toEqual([
      ["film_grain.safetensors", 0.6],
      ["sub\\paper.safetensors", 1],
    ]);
    const task = await app.tasks.get(taskIdIn(text));
    expect(task.runs[0]?.prompt).toMatch(/lighthouse/);
    expect(task.runs[0]?.prompt).not.toBe("a lighthouse");
    expect(task.params["prompt"]).toBe("a lighthouse");
  });

  test.for<[args: Record<string, unknown>, says: RegExp]>([
    [{ model: "dreemXL" }, /^model: .*dreamXL/],
    [{ loras: ["film_grian"] }, /^loras: .*film_grain/],
    [{ loras: ["film_grain:9"] }, /^loras: /],
    [{ styles: ["watercolour"] }, /^styles: .*watercolor/],
    [{ quality: "hihg" }, /^quality: .*Did you mean high\?/],
  ])("%j is refused with near names", async ([args, says]) => {
    const { client } = await studio({
      models: {
        checkpoints: ["sd_xl_base_1.0.safetensors", "dreamXL.safetensors"],
        loras: ["film_grain.safetensors"],
      },
    });

    const answer = await call(client, "generate_image", { prompt: "x", ...args });

    expect(answer.isError).toBe(true);
    expect(answer.text).toMatch(says);
  });

  test("wildcards are drawn from the seed, so a picture can be made again", async () => {
    const wildcardsDir = await tempDir();
    await writeFile(path.join(wildcardsDir, "animal.txt"), "fox\nowl\nbadger\nhare\nlynx\nseal\n");
    const { client, app } = await studio({}, { wildcardsDir });
    const args = {
      prompt: "a __animal__ in {snow|rain}",
      width: 128,
      height: 128,
      seed: 11,
      count: 4,
    };
    const prompts = async () => {
      const { text } = await call(client, "generate_image", args);
      return (await app.tasks.get(taskIdIn(text))).runs.map((run) => run.prompt);
    };

    const first = await prompts();

    expect(new Set(first).size).toBeGreaterThan(1);
    expect(
      first.every((prompt) =>
        /^a (fox|owl|badger|hare|lynx|seal) in (snow|rain)$/.test(String(prompt)),
      ),
    ).toBe(true);
    expect(await prompts()).toEqual(first);
  });
});

describe("save_to", () => {
  const small = { prompt: "x", width: 128, height: 128 };

  test("puts the picture where it is wanted, in the format of its name", async () => {
    const { client, dataDir } = await studio();

    const answer = await call(client, "generate_image", { ...small, save_to: "public/hero.webp" });

    const file = path.join(dataDir, "public", "hero.webp");
    expect(answer.text).toContain("hero.webp");
    expect(await sharp(await readFile(file)).metadata()).toMatchObject({
      format: "webp",
      width: 128,
    });
  });

  test("refuses before anything is painted: outside, and what exists", async () => {
    const { emulator, client, dataDir } = await studio();
    await writeFile(path.join(dataDir, "taken.png"), "mine");

    const outside = await call(client, "generate_image", { ...small, save_to: "/etc/hero.png" });
    const taken = await call(client, "generate_image", { ...small, save_to: "taken.png" });

    expect(outside.text).toMatch(/^save_to: /);
    expect(taken.text).toMatch(/^save_to: .*overwrite/);
    expect(await readFile(path.join(dataDir, "taken.png"), "utf8")).toBe("mine");
    expect(emulator.requests.filter(({ path: route }) => route.endsWith("/prompt"))).toEqual([]);
    const told = await call(client, "generate_image", {
      ...small,
      save_to: "taken.png",
      overwrite: true,
    });
    expect(told.text).toMatch(/^Done/);
    expect(await sharp(await readFile(path.join(dataDir, "taken.png"))).metadata()).toMatchObject({
      width: 128,
    });
  });

  test("numbers several pictures", async () => {
    const { client, dataDir } = await studio();
    await mkdir(path.join(dataDir, "set"));

    const answer = await call(client, "generate_image", {
      ...small,
      count: 2,
      save_to: "set/fox.png",
    });

    expect(answer.text).toMatch(/fox-1\.png/);
    expect(answer.text).toMatch(/fox-2\.png/);
  });
});

test("an export dropped into the folder becomes a tool, and is gone when it is removed", async () => {
  const workflowsDir = await tempDir();
  const { client } = await studio({}, { workflowsDir });
  const changed: (() => void)[] = [];
  await client.onToolsChanged(() => {
    for (const resolve of changed.splice(0)) resolve();
  });
  const nextChange = () => new Promise<void>((resolve) => changed.push(resolve));
  const graph: Graph = {
    "1": { class_type: "LoadImage", inputs: { image: "example.png" } },
    "2": { class_type: "ImageInvert", inputs: { image: ["1", 0] } },
    "3": { class_type: "SaveImage", inputs: { images: ["2", 0], filename_prefix: "own" } },
  };

  const added = nextChange();
  await writeFile(path.join(workflowsDir, "Turn Negative.json"), JSON.stringify(graph));
  await added;

  const { tools } = await client.listTools();
  const own = tools.find((tool) => tool.name === "turn_negative");
  expect(Object.keys(own?.inputSchema.properties ?? {})).toContain("image");
  const image = `data:image/png;base64,${(
    await sharp({ create: { width: 16, height: 16, channels: 3, background: "black" } })
      .png()
      .toBuffer()
  ).toString("base64")}`;
  const answer = await call(client, "turn_negative", { image });
  const { data } = await sharp(pathsIn(answer.text)[0]).raw().toBuffer({ resolveWithObject: true });
  expect([...data.subarray(0, 3)]).toEqual([255, 255, 255]);
});
