import { execFile, spawnSync } from "node:child_process";
import { copyFile } from "node:fs/promises";
import path from "node:path";
import { promisify } from "node:util";
import { expect, test } from "vitest";
import { startHttp } from "../support/http.ts";
import { startApp, startEmulator, tempDir } from "../support/world.ts";

const run = promisify(execFile);
const fixtures = path.resolve(import.meta.dirname, "../fixtures/comfyui");
const workflows = path.resolve(import.meta.dirname, "../../workflows");
const python = "/usr/bin/python3";
const needed = "httpx, websocket";
const isThere = spawnSync(python, ["-c", `import ${needed}`]).status === 0;

test.skipIf(!isThere)(
  `the document's snippets run as they are, and the last one corrected (needs ${python} with ${needed})`,
  async () => {
    const emulator = await startEmulator();
    const world = await startApp(emulator.url);
    const server = await startHttp(world, { ownPorts: { comfyuiPort: 0 } });
    const cwd = await tempDir();
    await copyFile(path.join(workflows, "flux_dev_gguf.json"), path.join(cwd, "fluxq8.json"));
    const script = path.join(import.meta.dirname, "comfyui_snippets.py");

    const { stdout } = await run(python, [script, server.own.comfyuiPort ?? "", fixtures], { cwd });

    const report = JSON.parse(stdout.trim().split("\n").at(-1) ?? "{}");
    expect(report.prompt_id).toMatch(/^[0-9a-f-]{36}$/);
    expect(report.queue).toEqual({ exec_info: { queue_remaining: expect.any(Number) } });
    expect(report.outputimg).toMatch(/_00001_\.png$/);
    expect(report.type).toBe("image/png");
    const head = Buffer.from(report.head, "hex");
    expect([head.readUInt32BE(16), head.readUInt32BE(20)]).toEqual([1920, 1080]);
    expect(report.printed).toContain("'images' is not defined");
    expect(report.pictures).toEqual(["89504e470d0a1a0a", "89504e470d0a1a0a"]);
  },
);
