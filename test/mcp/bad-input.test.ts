import { once } from "node:events";
import { mkdir, symlink, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import path from "node:path";
import sharp from "sharp";
import { describe, expect, onTestFinished, test } from "vitest";
import { call, connect, startApp, startEmulator, tempDir } from "../support/world.ts";

const missing = "t0000000000000000";

test.for<[tool: string, args: Record<string, unknown>, says: RegExp]>([
  ["generate_image", {}, /^prompt: missing\. What the picture should show/],
  [
    "generate_image",
    { prompt: "x", stepz: 3 },
    /^stepz: generate_image has no such parameter\. Did you mean steps\?/,
  ],
  [
    "generate_image",
    { prompt: "x", width: "wide" },
    /^width: expected a whole number from 64 to 4096, got "wide"\.$/,
  ],
  [
    "generate_image",
    { prompt: "x", width: 9 },
    /^width: expected a whole number from 64 to 4096, got 9\.$/,
  ],
  [
    "generate_image",
    { prompt: "x", height: 100_000 },
    /^height: expected .* 4096, got 100000\. .*upscale/,
  ],
  [
    "generate_image",
    { prompt: "x", count: 33 },
    /^count: expected a whole number from 1 to 32, got 33\. For more, call again\.$/,
  ],
  [
    "generate_image",
    { prompt: "x", count: 1.5 },
    /^count: expected a whole number from 1 to 32, got 1\.5\.$/,
  ],
  [
    "generate_image",
    { prompt: "x", seed: -2 },
    /^seed: expected a whole number from 0 to 9007199254740991, got -2\.$/,
  ],
  ["generate_image", { prompt: "x", seed: 2 ** 60 }, /^seed: /],
  ["generate_image", { prompt: "x", aspect_ratio: "broad" }, /^aspect_ratio: "broad" is neither/],
  [
    "generate_image",
    { prompt: "x", output_format: "bmp" },
    /^output_format: expected one of png, jpeg, webp, got "bmp"\./,
  ],
  [
    "generate_image",
    { prompt: "x", workflow: "flux_dev_ggff" },
    /no workflow "flux_dev_ggff"\. Did you mean flux_dev_gguf/,
  ],
  ["generate_image", { prompt: "x", sampler: "eulr", workflow: "checkpoint" }, /eulr.*euler/s],
  ["generate_image", { prompt: "x", wait_seconds: -1 }, /^wait_seconds: /],
  ["img2img", { prompt: "x" }, /^image: missing/],
  ["remove_background", { image: "/no/such/place.png" }, /^image: .*\/no\/such\/place\.png/],
  ["remove_background", { image: "data:image/png;base64,aGVsbG8=" }, /^image: /],
  ["remove_background", { image: `${missing}-1` }, /t0000000000000000-1/],
  [
    "task_status",
    { task_id: missing },
    /^task_id: there is no task "t0000000000000000".*list_tasks/,
  ],
  ["task_status", {}, /^task_id: missing/],
  ["cancel_task", { task_id: "../../etc/passwd" }, /^task_id: there is no task/],
  ["get_image", { image_id: "nonsense" }, /^There is no picture "nonsense"\. Ids look like/],
  ["list_tasks", { since: "some day" }, /^since: expected a time such as.*got "some day".*zone/],
  ["list_tasks", { since: "2026-02-30" }, /^since: expected a time such as.*got "2026-02-30"/],
  ["list_tasks", { tool: "txt2img" }, /^tool: there is no "txt2img" that makes pictures/],
  ["list_tasks", { tool: "generate" }, /^tool: .*Did you mean generate_image\?/],
  ["delete_tasks", { tool: "upscal", dry_run: true }, /^tool: .*Did you mean upscale\?/],
  ["list_tasks", { cursor: "rubbish" }, /^cursor: /],
  ["list_tasks", { state: "ready" }, /^state: expected one of .*completed.*, got "ready"\./],
  [
    "delete_tasks",
    { task_ids: [] },
    /^task_ids: expected a list of texts, at least 1, at most 500, got \[\]/,
  ],
  [
    "upscale",
    { image: "x.png", factor: 8 },
    /^factor: .*1\.5 to 4, got 8\. .*upscale the result again/,
  ],
  [
    "img2img",
    { image: "x.png", prompt: "x", width: 512 },
    /^width: .*upscale with width and height/,
  ],
  ["remove_background", {}, /^image: missing\..*A picture that is only in the chat/],
  [
    "generate_image",
    { prompt: "x", n: 4, cfg_scale: 7, zzz: 1 },
    /^n: .*Did you mean count\?\ncfg_scale: .*Did you mean guidance\?\nzzz: .*Leave it out\.\ngenerate_image takes prompt/,
  ],
  [
    "generate_image",
    { prompt: "x", steps: 150, workflow: "flux_dev_gguf" },
    /^steps: 150 .*1 to 60\. That is the limit of workflow flux_dev_gguf\.$/,
  ],
  ["list_workflows", { show: "models", tool: "upscal" }, /^tool: .*Did you mean upscale\?/],
  ["list_workflows", { workflow: "flux_dev_ggf" }, /^workflow: .*Did you mean flux_dev_gguf/],
  ["delete_tasks", {}, /^Say what to delete/],
  ["generate_imag", { prompt: "x" }, /no tool "generate_imag"\. Did you mean generate_image/],
])("%s %j is refused with name, value and way out", async ([tool, args, says]) => {
  const emulator = await startEmulator();
  const { app, deps } = await startApp(emulator.url);
  const client = await connect(deps);

  const answer = await call(client, tool, args);

  expect(answer.isError).toBe(true);
  expect(answer.text).toMatch(says);
  expect(await app.tasks.count({})).toBe(0);
});

describe("files", () => {
  test("outside the roots nothing is read, whatever the path looks like", async () => {
    const emulator = await startEmulator();
    const outside = await tempDir();
    const { deps, dataDir } = await startApp(emulator.url);
    const client = await connect(deps);
    const picture = await sharp({
      create: { width: 32, height: 32, channels: 3, background: "red" },
    })
      .png()
      .toBuffer();
    const secret = path.join(outside, "secret.png");
    const sibling = `${dataDir}-sibling`;
    await mkdir(sibling, { recursive: true });
    await Promise.all([
      writeFile(secret, picture),
      writeFile(path.join(sibling, "a.png"), picture),
    ]);
    await symlink(secret, path.join(dataDir, "link.png"));
    await mkdir(path.join(dataDir, ".ssh"));
    await writeFile(path.join(dataDir, ".ssh", "key.png"), picture);

    for (const image of [
      secret,
      path.join(sibling, "a.png"),
      `${dataDir}/../${path.basename(outside)}/secret.png`,
      path.join(dataDir, "link.png"),
      path.join(dataDir, ".ssh", "key.png"),
      `file://${dataDir}/..%2F${path.basename(outside)}%2Fsecret.png`,
    ]) {
      const answer = await call(client, "remove_background", { image });
      expect(answer.isError, image).toBe(true);
      expect(answer.text).toMatch(/^image: /);
    }
    expect(emulator.requests.filter(({ path: route }) => route.includes("upload"))).toEqual([]);
  });

  test("what is not an image is named for what it is", async () => {
    const emulator = await startEmulator();
    const { deps, dataDir } = await startApp(emulator.url);
    const client = await connect(deps);
    const page = path.join(dataDir, "page.png");
    await writeFile(page, "<!doctype html><p>no picture");

    const answer = await call(client, "remove_background", { image: page });

    expect(answer.text).toMatch(/^image: .*HTML/);
  });
});

test.for([
  "http://127.0.0.1:1/a.png",
  "http://169.254.169.254/latest",
  "http://[::1]/a.png",
  "http://localhost/a.png",
])("%s is not fetched", async (image) => {
  const emulator = await startEmulator();
  const { deps } = await startApp(emulator.url);
  const client = await connect(deps);

  const answer = await call(client, "remove_background", { image });

  expect(answer.isError).toBe(true);
  expect(answer.text).toMatch(/^image: .*(private|loopback|not.*public|refused)/i);
});

describe("ComfyUI is not there", () => {
  test.for<[seen: string, url: () => Promise<string>, says: RegExp]>([
    [
      "nothing",
      async () => {
        const emulator = await startEmulator();
        await emulator.stop();
        return emulator.url;
      },
      /No ComfyUI at http:\/\/127\.0\.0\.1:\d+: nothing is listening there \(ECONNREFUSED\)/,
    ],
    [
      "a proxy that wants credentials",
      async () => (await startEmulator({ auth: { header: "authorization", value: "x" } })).url,
      /refused our credentials \(status 401\)/,
    ],
    [
      "a server that takes the connection and never answers",
      async () => {
        const server = createServer();
        await once(server.listen(0, "127.0.0.1"), "listening");
        onTestFinished(() => {
          server.closeAllConnections();
          server.close();
        });
        return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
      },
      /does not answer: the request timed out/,
    ],
    [
      "something that is no ComfyUI",
      async () => `${(await startEmulator()).url}/models`,
      /is not a ComfyUI/,
    ],
  ])("%s: the answer says so, and no task is made", async ([, url, says]) => {
    const { app, deps } = await startApp(await url());
    const client = await connect(deps);

    const answer = await call(client, "generate_image", { prompt: "x", wait_seconds: 1 });

    expect(answer.isError).toBe(true);
    expect(answer.text).toMatch(says);
    expect(await app.tasks.count({})).toBe(0);
    expect((await client.listTools()).tools.length).toBeGreaterThan(8);
  });
});

describe("a workflow that cannot run", () => {
  test("the error names the missing files and what can run instead", async () => {
    const emulator = await startEmulator({
      models: { checkpoints: ["sd_xl_base_1.0.safetensors"] },
    });
    const { deps } = await startApp(emulator.url);
    const client = await connect(deps);

    const answer = await call(client, "generate_image", { prompt: "x", workflow: "flux_dev_gguf" });

    expect(answer.isError).toBe(true);
    expect(answer.text).toMatch(/flux1-dev-Q8_0\.gguf/);
    expect(answer.text).toMatch(/checkpoint/);
    expect((await call(client, "generate_image", { prompt: "x" })).text).toMatch(
      /workflow checkpoint/,
    );
  });

  test("with nothing installed the error says exactly what to download", async () => {
    const emulator = await startEmulator({ models: {} });
    const { deps } = await startApp(emulator.url);
    const client = await connect(deps);

    const answer = await call(client, "generate_image", { prompt: "x" });

    expect(answer.isError).toBe(true);
    expect(answer.text).toMatch(/models\/checkpoints/);
  });
});

test("a picture of no task is refused as a picture, not as a task_id that nobody gave", async () => {
  const emulator = await startEmulator();
  const client = await connect((await startApp(emulator.url)).deps);

  const { text, isError } = await call(client, "upscale", { image: "t0000000000000000" });

  expect(isError).toBe(true);
  expect(text).toMatch(/There is no picture "t0000000000000000"/);
  expect(text).not.toContain("task_id");
});
