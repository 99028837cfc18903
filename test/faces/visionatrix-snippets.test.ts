import { execFile, spawnSync } from "node:child_process";
import { readFile, writeFile } from "node:fs/promises";
import path from "node:path";
import { promisify } from "node:util";
import sharp from "sharp";
import { expect, test } from "vitest";
import { startHttp } from "../support/http.ts";
import { startApp, startEmulator, tempDir } from "../support/world.ts";

const run = promisify(execFile);
const fixtures = path.resolve(import.meta.dirname, "../fixtures/visionatrix");
const python = "/usr/bin/python3";
const needed = "httpx";
const isThere = spawnSync(python, ["-c", `import ${needed}`]).status === 0;

const names = ["sdxl_lighting", "remove_background"];

test.skipIf(!isThere)(
  `the guide's two scripts run as they are (needs ${python} with ${needed})`,
  async () => {
    const emulator = await startEmulator();
    const world = await startApp(emulator.url);
    const server = await startHttp(world, { ownPorts: { visionatrixPort: 0 } });
    const { port } = new URL(server.own.visionatrixPort ?? "");
    const cwd = await tempDir();
    const photo = sharp({ create: { width: 64, height: 48, channels: 3, background: "#808080" } });
    await writeFile(path.join(cwd, "image.jpg"), await photo.jpeg().toBuffer());

    const script = path.join(import.meta.dirname, "visionatrix_snippets.py");
    const files = names.map((name) => path.join(fixtures, `${name}.py`));
    const { stdout } = await run(python, [script, port, ...files], { cwd });

    const reports = stdout
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line) as { name: string; stdout: string; error?: string });
    expect(reports.map(({ name, error }) => [name, error])).toEqual(
      names.map((name) => [name, undefined]),
    );
    const nodes = { sdxl_lighting: 9, remove_background: 13 };
    for (const [i, { name, stdout: said }] of reports.entries()) {
      const id = i + 1;
      const node = nodes[name as keyof typeof nodes];
      const lines = said.trim().split("\n");
      expect(lines[0]).toBe(`任务创建成功。任务 ID: ${id}`);
      for (const line of lines.slice(1, -2)) expect(line).toMatch(/^任务 \d 进度: [\d.]+%$/);
      expect(lines.at(-3)).toBe(`任务 ${id} 进度: 100%`);
      expect(lines.slice(-2)).toEqual(["任务完成。", `结果保存到 result_${id}_${node}.png`]);
    }
    const picture = sharp(await readFile(path.join(cwd, "result_1_9.png")));
    expect(await picture.metadata()).toMatchObject({ format: "png", width: 1024, height: 1024 });
    const cutOut = sharp(await readFile(path.join(cwd, "result_2_13.png")));
    expect(await cutOut.metadata()).toMatchObject({ format: "png", width: 64, hasAlpha: true });
    const { tasks } = await world.deps.studio.list({}, 5);
    expect(tasks.map(({ tool, workflow, via }) => [tool, workflow, via])).toEqual([
      ["remove_background", "birefnet_ll", "visionatrix"],
      ["generate_image", "sdxl_lightning_8step", "visionatrix"],
    ]);
  },
);
