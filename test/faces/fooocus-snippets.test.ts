import { execFile, spawnSync } from "node:child_process";
import { writeFile } from "node:fs/promises";
import path from "node:path";
import { promisify } from "node:util";
import { expect, test } from "vitest";
import { startHttp } from "../support/http.ts";
import { startApp, startEmulator, tempDir } from "../support/world.ts";

const run = promisify(execFile);
const fixtures = path.resolve(import.meta.dirname, "../fixtures/fooocus");
const python = "/usr/bin/python3";
const needed = "requests, PIL.Image";
const isThere = spawnSync(python, ["-c", `import ${needed}`]).status === 0;

interface Report {
  name: string;
  stdout: string;
  error?: string;
  status?: number;
  type?: string;
  head?: string;
  json?: Record<string, unknown>;
}

const names = [
  "asynctask_1_sync_json",
  "asynctask_2_image_webp",
  "asynctask_3_stream",
  "asynctask_4_stream_parse",
  "asynctask_5_async",
  "parameters_1_async",
  "parameters_2_stream",
  "parameters_3_stream_parse",
  "parameters_4_binary",
];

/** One process for all of them, as starting Python takes longer than any of them. */
async function runAll(port: string): Promise<Map<string, Report>> {
  const files = names.map((name) => path.join(fixtures, `${name}.py`));
  const script = path.join(import.meta.dirname, "fooocus_snippets.py");
  const { stdout } = await run(python, [script, port, ...files], { maxBuffer: 2 ** 28 });
  const reports = stdout
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line) as Report);
  return new Map(reports.map((report) => [report.name, report]));
}

async function startFooocus() {
  const emulator = await startEmulator({ timing: { nodeMs: 0, stepMs: 10, loadMs: 0 } });
  const world = await startApp(emulator.url);
  const server = await startHttp(world, { ownPorts: { fooocusPort: 0 } });
  const url = server.own.fooocusPort ?? "";
  return { url, port: new URL(url).port };
}

const event =
  /^data: \{"progress": \d+, "preview": (null|"data:image\/png;base64,[^"]+"), "message": "[^"]*", "images": \[[^\]]*\]\}$/;

test.skipIf(!isThere)(
  `the documents' snippets run as they are (needs ${python} with ${needed})`,
  async () => {
    const { port } = await startFooocus();

    const reports = await runAll(port);
    const of = (name: string) => reports.get(name) ?? { name, stdout: "", error: "was not run" };

    for (const name of names) expect(of(name).error, name).toBeUndefined();
    expect(of("asynctask_1_sync_json").json).toMatchObject({
      task_status: "finished",
      progress: 100,
      result: [expect.stringMatching(/^http:\/\/localhost:7866\/outputs\/[\d-]+\/.+\.png$/)],
    });
    const webp = of("asynctask_2_image_webp");
    expect(webp.type).toBe("image/webp");
    expect(Buffer.from(webp.head ?? "", "hex").toString("latin1")).toMatch(/^RIFF.{4}WEBP/s);
    for (const name of ["asynctask_3_stream", "parameters_2_stream"]) {
      const lines = of(name).stdout.trim().split("\n");
      const events = lines.filter((line) => line.startsWith("data: {"));
      expect(events.length, name).toBeGreaterThan(1);
      for (const line of events) expect(line).toMatch(event);
      const others = lines.filter((line) => !line.startsWith("data: {"));
      for (const line of others) expect(line).toMatch(/^(data: ?|: ping - [\d :.+-]+)$/);
      expect(events.at(-1)).toMatch(
        /"progress": 100, "preview": null, "message": "Finished", "images": \["http/,
      );
    }
    for (const name of ["asynctask_4_stream_parse", "parameters_3_stream_parse"]) {
      expect(of(name).stdout.trim().split("\n").at(-1), name).toMatch(
        /^\{'progress': 100, 'preview': None, 'message': 'Finished', 'images': \['http.*'\]\}$/,
      );
    }
    for (const name of ["asynctask_5_async", "parameters_1_async"]) {
      expect(of(name).json, name).toEqual({
        id: -1,
        task_id: expect.any(String),
        req_params: {},
        in_queue_mills: -1,
        start_mills: -1,
        finish_mills: -1,
        task_status: "pending",
        progress: -1,
        preview: "",
        webhook_url: "",
        result: [],
      });
    }
    expect(of("parameters_4_binary").type).toBe("image/png");
  },
);

const curl = spawnSync("curl", ["--version"]).status === 0;

test.skipIf(!curl)(
  "so do the lines for a shell, which cuts them at each & (needs curl)",
  async () => {
    const { port } = await startFooocus();
    const home = await tempDir();
    // The documents' port may be taken on this machine, so it leads to another one.
    await writeFile(
      path.join(home, ".curlrc"),
      `silent\nwrite-out = "\\n"\nconnect-to = "localhost:7866:127.0.0.1:${port}"\n`,
    );
    const script = `. ${path.join(fixtures, "parameters_5_tasks.sh")}; wait`;

    const { stdout } = await run("bash", ["-c", script], {
      env: { ...process.env, CURL_HOME: home },
    });

    const lists = stdout.match(/\{"history":\[\],"current":\[\],"pending":\[\]\}/g);
    expect(lists).toHaveLength(4);
    expect(stdout.replace(/\{[^}]*\}/g, "").trim()).toBe("[]");
  },
);
