import { lstat, mkdir, readFile, symlink, writeFile } from "node:fs/promises";
import path from "node:path";
import { PassThrough } from "node:stream";
import { parse } from "jsonc-parser";
import { expect, test } from "vitest";
import { Emulator } from "../../src/emulator/emulator.ts";
import { clientApps, type Machine } from "../../src/faces/terminal/doctor/clients.ts";
import { doctor, fixConfig } from "../../src/faces/terminal/doctor/doctor.ts";
import type { Examination } from "../../src/faces/terminal/doctor/examine.ts";
import { launchOf } from "../../src/faces/terminal/doctor/launch.ts";
import { ownerOf } from "../../src/studio/caller.ts";
import { startApp, startEmulator, tempDir, type World } from "../support/world.ts";

const launch = launchOf({}, {}, "/srv/node_modules/comfy-easel/dist/cli.js");
const yesterday = 24 * 3_600_000;

function terminal(isTTY = false) {
  const stdout = new PassThrough();
  const stdin = Object.assign(new PassThrough(), { isTTY });
  return { stdin, stdout, said: () => String(stdout.read() ?? "") };
}

async function run({ app, dataDir }: World, flags: Record<string, string[]> = {}, off = 0) {
  const { stdin, stdout, said } = terminal();
  const parts = {
    version: "1.2.3",
    node: process,
    dataDir,
    studio: app.studio(ownerOf({ roots: [] })),
    clock: async () => ({ there: Date.now() + off, here: Date.now() }),
  };
  const works = await doctor(parts, flags, launch, { stdin, stdout });
  return { works, text: said() };
}

test("with a ComfyUI that has everything, a first picture works", async () => {
  const emulator = await startEmulator();
  const { works, text } = await run(await startApp(emulator.url));

  expect(works).toBe(true);
  expect(text).toMatch(/^ok {4}first picture: .+ makes it\.$/m);
  expect(text).toMatch(/^ok {4}ComfyUI at .+: version [\d.]+, emulator, .+GiB free/m);
  expect(text).toContain("generate_image: flux_dev_gguf (");
  expect(text).toContain("claude mcp add comfy-easel -- npx -y comfy-easel");
});

test("without a ComfyUI it says why, and what shows later", async () => {
  const emulator = await Emulator.start();
  await emulator.close();
  const { works, text } = await run(await startApp(emulator.url));

  expect(works).toBe(false);
  expect(text).toMatch(/^FAIL {2}ComfyUI at .+: No ComfyUI at/m);
  expect(text).toMatch(/^FAIL {2}first picture: No ComfyUI at/m);
  expect(text).toContain("shows when a ComfyUI answers");
});

test("a ComfyUI without models has the least to install named first, as JSON too", async () => {
  const emulator = await startEmulator({ models: {} });
  const { works, text } = await run(await startApp(emulator.url), { json: ["1"] });
  const found: Examination = JSON.parse(text);

  expect(works).toBe(false);
  expect(found.firstPicture.text).toMatch(/The least to install: Workflow/);
  const sizes = found.missing.map(({ downloads, packs }) => downloads.length + packs.length);
  expect(sizes.length).toBeGreaterThan(20);
  expect(sizes).toEqual(sizes.toSorted((a, b) => a - b));
  const first = found.missing.find(({ tool }) => tool === "generate_image");
  expect(first?.downloads[0]).toMatchObject({
    folder: expect.any(String),
    url: expect.stringMatching(/^https:/),
  });
  const words = await run(await startApp(emulator.url));
  expect(words.text).toMatch(/models\/\w+\/\S+: https:\/\//);
});

test("another clock than ComfyUI's is noted", async () => {
  const emulator = await startEmulator();
  const { works, text } = await run(await startApp(emulator.url), {}, yesterday);

  expect(works).toBe(true);
  expect(text).toMatch(/^note {2}clock: this machine's is 1440 min behind/m);
});

test("what a client starts is what was started here, with folders that are whole", () => {
  const flags = { "comfyui-url": ["http://gpu:8188"], "data-dir": ["mine"], demo: ["1"] };
  const variables = { EASEL_WORKFLOWS_DIR: "/w", EASEL_AUTH_TOKEN: "ann:secret", EASEL_HTTP: "1" };

  expect(launchOf(flags, variables, "/src/dist/cli.js")).toEqual({
    command: "node",
    args: ["/src/dist/cli.js"],
    env: {
      COMFYUI_URL: "http://gpu:8188",
      EASEL_DATA_DIR: path.resolve("mine"),
      EASEL_WORKFLOWS_DIR: "/w",
      EASEL_DEMO: "1",
    },
  });
  expect(launch).toEqual({ command: "npx", args: ["-y", "comfy-easel"], env: {} });
});

async function machine(platform: NodeJS.Platform = "linux"): Promise<Machine> {
  const home = await tempDir();
  return { platform, home, appData: path.join(home, "AppData"), workingDir: home };
}

test.for(clientApps.filter(({ file }) => file).map((app) => [app.id, app] as const))(
  "%s's file gets the server, and keeps all else",
  async ([id, app]) => {
    const here = await machine();
    const file = app.file?.(here) ?? "";
    await mkdir(path.dirname(file), { recursive: true });
    const before = `{\n  // mine\n  "theme": "dark",\n  "${app.key}": { "other": { "command": "x" } },\n}\n`;
    await writeFile(file, before);
    const { said, ...streams } = terminal();

    await fixConfig(id, launch, here, streams, true);
    const after = await readFile(file, "utf8");

    expect(said()).toContain(`Written. What was there is in ${file}.bak.`);
    expect(await readFile(`${file}.bak`, "utf8")).toBe(before);
    expect(after).toContain("// mine");
    expect(parse(after)).toMatchObject({
      theme: "dark",
      [app.key ?? ""]: {
        other: { command: "x" },
        "comfy-easel": { command: "npx", args: ["-y", "comfy-easel"] },
      },
    });

    await fixConfig(id, launch, here, streams, true);
    expect(said()).toContain("has it already");
  },
);

test("a file that is not there is made, on each platform in its place", async () => {
  const places = { linux: ".config", darwin: "Library/Application Support", win32: "AppData" };
  for (const [platform, folder] of Object.entries(places)) {
    const here = await machine(platform as NodeJS.Platform);
    await fixConfig("claude-desktop", launch, here, terminal(), true);
    const file = path.join(here.home, folder, "Claude/claude_desktop_config.json");
    expect(JSON.parse(await readFile(file, "utf8"))).toHaveProperty("mcpServers.comfy-easel");
  }
});

test("a link into another folder stays one", async () => {
  const here = await machine();
  const real = path.join(here.home, "dotfiles.json");
  const file = path.join(here.home, ".cursor/mcp.json");
  await mkdir(path.dirname(file));
  await writeFile(real, "");
  await symlink(real, file);

  await fixConfig("cursor", launch, here, terminal(), true);

  expect((await lstat(file)).isSymbolicLink()).toBe(true);
  expect(JSON.parse(await readFile(real, "utf8"))).toHaveProperty("mcpServers.comfy-easel");
});

test("a file that is no JSON is left as it is", async () => {
  const here = await machine();
  const file = path.join(here.home, ".cursor/mcp.json");
  await mkdir(path.dirname(file));
  await writeFile(file, '{ "mcpServers": ');

  const fixing = fixConfig("cursor", launch, here, terminal(), true);

  await expect(fixing).rejects.toThrow(/no valid JSON .+ Mend it first/);
  expect(await readFile(file, "utf8")).toBe('{ "mcpServers": ');
});

test("nothing is written unasked", async () => {
  const here = await machine();
  const file = path.join(here.home, ".cursor/mcp.json");
  await expect(fixConfig("cursor", launch, here, terminal(), false)).rejects.toThrow(/add --yes/);

  const { said, ...streams } = terminal(true);
  streams.stdin.end("n\n");
  await fixConfig("cursor", launch, here, streams, false);

  expect(said()).toContain("Nothing was written.");
  await expect(lstat(file)).rejects.toThrow("ENOENT");
});

test("a client with a command of its own has it named, and an unknown one its neighbour", async () => {
  const here = await machine();
  const fix = (id: string) => fixConfig(id, launch, here, terminal(), true);

  await expect(fix("codex")).rejects.toThrow("codex mcp add comfy-easel -- npx -y comfy-easel");
  await expect(fix("cursr")).rejects.toThrow("Did you mean cursor?");
});
