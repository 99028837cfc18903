import { execFile } from "node:child_process";
import { mkdir, stat, symlink, writeFile } from "node:fs/promises";
import path from "node:path";
import { promisify } from "node:util";
import sharp from "sharp";
import { describe, expect, test } from "vitest";
import { loadNodeSqlite } from "../../src/tasks/store/node-sqlite.ts";
import { cli, connectStdio, initialize, startRaw, toolCall } from "../support/child.ts";
import type { Revision } from "../support/client.ts";
import { call, imageIdsIn, pathsIn, startEmulator, taskIdIn, tempDir } from "../support/world.ts";

const run = promisify(execFile);

test.for<Revision>(["2025-11-25", "2026-07-28"])(
  "an assistant of %s makes, changes and cuts out a picture, with progress, over stdio",
  async (revision) => {
    const dir = await tempDir();
    const client = await connectStdio(["--demo", "--data-dir", dir], { revision });

    const made = await call(client, "generate_image", { prompt: "a fox", width: 512, height: 384 });
    expect(made.text).toMatch(/^Done: task t\w{16}/);
    expect(await sharp(String(pathsIn(made.text)[0])).metadata()).toMatchObject({
      width: 512,
      height: 384,
    });
    const values = made.progress.map((event) => event.progress);
    expect(values.length).toBeGreaterThan(3);
    expect(values.every((value, i) => i === 0 || value > values[i - 1]!)).toBe(true);
    expect(values.at(-1)).toBe(1);

    const [image] = imageIdsIn(made.text);
    const changed = await call(client, "img2img", { prompt: "a fox at night", image });
    expect(changed.text).toMatch(/^Done/);
    const cut = await call(client, "remove_background", { image: imageIdsIn(changed.text)[0] });
    expect(await sharp(String(pathsIn(cut.text)[0])).metadata()).toMatchObject({ hasAlpha: true });
  },
);

test("four pictures, an early answer, a cancel, and the record, over stdio", async () => {
  const emulator = await startEmulator();
  const client = await connectStdio(["--comfyui-url", emulator.url, "--data-dir", await tempDir()]);
  const hold = emulator.hold("VAEDecode");
  const early = await call(client, "generate_image", {
    prompt: "x",
    count: 4,
    seed: 7,
    wait_seconds: 0,
  });
  expect(early.text).toMatch(/is (queued|running)/);
  await hold.reached;
  hold.release();
  const done = await call(client, "task_status", { task_id: taskIdIn(early.text) });
  expect([...done.text.matchAll(/seed (\d+)/g)].map((match) => match[1])).toEqual([
    "7",
    "8",
    "9",
    "10",
  ]);

  const second = emulator.hold("VAEDecode");
  const doomed = await call(client, "generate_image", { prompt: "y", wait_seconds: 0 });
  await second.reached;
  const cancelled = await call(client, "cancel_task", { task_id: taskIdIn(doomed.text) });
  expect(cancelled.text).toMatch(/1 image interrupted while running/);

  const { structured } = await call(client, "list_tasks");
  expect((structured as { tasks: { state: string }[] }).tasks.map((task) => task.state)).toEqual([
    "cancelled",
    "completed",
  ]);
});

test("every line of stdout is JSON-RPC, whatever comes in and however much is logged", async () => {
  const server = startRaw(["--demo", "--data-dir", await tempDir(), "--log-level", "debug"]);
  server.send(initialize);
  await server.answer("init");
  server.send({ jsonrpc: "2.0", method: "notifications/initialized" });
  server.send("this is not json");
  server.send({ jsonrpc: "2.0", id: 1, method: "no/such/method" });
  server.send(toolCall(2, "generate_image", { prompt: "x", width: 64, height: 64 }, 0));
  server.send(toolCall(3, "nonsense", {}));
  await server.answer(2);
  await server.answer(3);
  server.child.stdin.end();
  await server.exited;

  const messages = server.lines.map((line) => JSON.parse(line));
  expect(messages.length).toBeGreaterThan(4);
  for (const message of messages) expect(message.jsonrpc).toBe("2.0");
  const progress = messages.filter((message) => message.method === "notifications/progress");
  expect(progress.length).toBeGreaterThan(1);
  expect(new Set(progress.map((message) => message.params.progressToken))).toEqual(new Set([0]));
});

describe("leaving", () => {
  test("the server ends when stdin ends, with a run under way", async () => {
    const emulator = await startEmulator();
    const hold = emulator.hold("VAEDecode");
    const server = startRaw(["--comfyui-url", emulator.url, "--data-dir", await tempDir()]);
    server.send(initialize);
    await server.answer("init");
    server.send(toolCall(1, "generate_image", { prompt: "x" }));
    await hold.reached;

    server.child.stdin.end();

    expect(await server.exited).toBe(0);
  });

  test("the server ends on a broken pipe without a word of protest", async () => {
    const server = startRaw(["--demo", "--data-dir", await tempDir(), "--log-level", "error"]);
    server.send(initialize);
    await server.answer("init");

    server.child.stdout.destroy();
    server.send(toolCall(1, "list_workflows", {}));

    expect(await server.exited).toBe(0);
    expect(server.errors).toEqual([]);
  });

  test.for(["SIGTERM", "SIGINT"] as const)(
    "the server ends on %s before its call does and answers no call wrongly, though stdin stays open",
    async (signal) => {
      const emulator = await startEmulator();
      const hold = emulator.hold("VAEDecode");
      const server = startRaw(["--comfyui-url", emulator.url, "--data-dir", await tempDir()]);
      server.send(initialize);
      await server.answer("init");
      server.send(toolCall(1, "generate_image", { prompt: "x" }));
      await hold.reached;

      server.child.kill(signal);
      server.send(toolCall(2, "list_tasks", {}));

      expect(await server.exited).toBe(0);
      const answers = server.lines.map((line) => JSON.parse(line));
      expect(answers.filter(({ error, result }) => error ?? result?.isError)).toEqual([]);
      expect(answers.some(({ id }) => id === 1)).toBe(false);
    },
  );
});

test("initialize and tools/list answer while ComfyUI is down, and the working folder is not used", async () => {
  const emulator = await startEmulator();
  await emulator.stop();
  const readOnly = path.join(await tempDir(), "cwd");
  await mkdir(readOnly, { mode: 0o555 });
  const client = await connectStdio(
    ["--comfyui-url", emulator.url, "--data-dir", await tempDir()],
    { cwd: readOnly },
  );

  expect((await client.listTools()).tools.length).toBeGreaterThan(8);
  expect((await call(client, "generate_image", { prompt: "x" })).text).toMatch(/No ComfyUI at/);

  await emulator.restart();
  expect((await call(client, "generate_image", { prompt: "x" })).text).toMatch(/^Done/);
});

describe("long lines", () => {
  const tooLong = "A".repeat(73 * 1024 * 1024);

  test("one that is too long is answered for its id, and the server goes on with other calls", async () => {
    const emulator = await startEmulator();
    const hold = emulator.hold("VAEDecode");
    const server = startRaw(["--comfyui-url", emulator.url, "--data-dir", await tempDir()]);
    server.send(initialize);
    await server.answer("init");
    server.send(toolCall(1, "generate_image", { prompt: "x", width: 128, height: 128 }));
    await hold.reached;

    server.send(toolCall(2, "img2img", { prompt: "x", image: tooLong }));

    const { error } = await server.answer(2);
    expect(error).toMatchObject({ code: -32600, message: expect.stringMatching(/path or a URL/) });
    hold.release();
    expect(await server.answer(1)).toMatchObject({ result: { content: expect.anything() } });
    expect(server.errors.join("\n")).toMatch(/too long/);
  });

  test("the id is found behind the parameters as well", async () => {
    const server = startRaw(["--demo", "--data-dir", await tempDir()]);
    server.send(initialize);
    await server.answer("init");

    const { jsonrpc, id, method, params } = toolCall(7, "img2img", { prompt: "x", image: tooLong });
    server.send({ method, params, jsonrpc, id });

    expect(await server.answer(7)).toMatchObject({ error: { code: -32600 } });
  });

  test("a picture of 50 MB as base64 is read, and refused for what it is", async () => {
    const server = startRaw(["--demo", "--data-dir", await tempDir()]);
    server.send(initialize);
    await server.answer("init");

    // A PNG's beginning and then nothing of one.
    const image = Buffer.concat([
      Buffer.from("89504e470d0a1a0a", "hex"),
      Buffer.alloc(49_000_000, 7),
    ]).toString("base64");
    server.send(toolCall(1, "img2img", { prompt: "x", image }));

    const { result } = await server.answer(1);
    expect(result).toMatchObject({
      isError: true,
      content: [
        { text: expect.stringMatching(/^image: .*(damaged|corrupt|cannot be (read|decoded))/) },
      ],
    });
  });
});

test("the packed package holds what is run and nothing else, starts and makes a picture", async () => {
  const dir = await tempDir();
  const root = path.resolve(import.meta.dirname, "../..");
  const { stdout } = await run(
    "npm",
    ["pack", "--json", "--ignore-scripts", "--pack-destination", dir],
    {
      cwd: root,
    },
  );
  const [{ filename, files }] = JSON.parse(stdout);
  const names: string[] = files.map((file: { path: string }) => file.path);
  const [inside, shipped] = [
    (name: string) => /^(dist|workflows|styles)\//.test(name),
    ["CHANGELOG.md", "LICENSE", "README.md", "mcp.json.example", "package.json"],
  ];
  expect(new Set(names.filter((name) => !inside(name)))).toEqual(new Set(shipped));
  expect(
    names.filter(
      (name) => !/\.(js|map|json|css|html|svg|woff2|txt|md)$|^LICENSE$|\.example$/.test(name),
    ),
  ).toEqual([]);
  expect(names.filter((name) => /\.env|\.sqlite$|secret|\.pem/.test(name))).toEqual([]);
  expect(names.filter((name) => /^dist\/emulator-\w+\.js$/.test(name))).toHaveLength(1);
  expect(names).toEqual(
    expect.arrayContaining([
      ...["dist/cli.js", "dist/LICENSES.txt", "dist/page/studio.html"],
      "workflows/checkpoint.json",
    ]),
  );
  await run("tar", ["-xzf", path.join(dir, filename), "-C", dir]);
  await symlink(path.join(root, "node_modules"), path.join(dir, "package", "node_modules"));

  const made = await run(process.execPath, [
    ...[path.join(dir, "package", "dist", "cli.js"), "generate", "x", "--demo", "--data-dir", dir],
    ...["--width", "64", "--height", "64"],
  ]);

  expect(made.stdout).toMatch(/\.png\n$/);
});

describe("a native module that cannot be loaded", () => {
  const without = (name: string) => [
    "--import",
    `data:text/javascript,${encodeURIComponent(`
      import { register } from "node:module";
      register("data:text/javascript," + encodeURIComponent(
        'export async function resolve(name, context, next) {' +
        '  if (name === "${name}") throw new Error("${name} is broken");' +
        '  return next(name, context); }'));`)}`,
  ];

  test("sqlite3: the server works, on Node's SQLite or else with tasks in memory, which it says", async () => {
    const dir = await tempDir();
    // What `require` meets where the install script was not allowed to run.
    const broken = path.join(dir, "broken.cjs");
    await writeFile(
      broken,
      `const Module = require("node:module");
       const load = Module._load;
       Module._load = function (name, ...rest) {
         if (name === "bindings") return () => { throw new Error("Could not locate the bindings file"); };
         return load.call(this, name, ...rest);
       };`,
    );
    const client = await connectStdio(["--demo", "--data-dir", dir], {
      nodeArgs: ["--require", broken],
    });

    const made = await call(client, "generate_image", { prompt: "x", width: 128, height: 128 });

    expect(made.text).toMatch(/^Done/);
    const second = made.content[1];
    if (loadNodeSqlite()) {
      expect(second?.["type"]).toBe("image");
      expect((await stat(path.join(dir, "tasks.sqlite"))).size).toBeGreaterThan(0);
    } else {
      expect(second?.["text"]).toMatch(/in memory only.*sqlite3.*Node 22\.13.*npm rebuild sqlite3/);
    }
  });

  test("sharp: the server answers, and a call for a picture names the module", async () => {
    const emulator = await startEmulator();
    const client = await connectStdio(
      ["--comfyui-url", emulator.url, "--data-dir", await tempDir()],
      { nodeArgs: without("sharp") },
    );

    expect((await client.listTools()).tools.length).toBeGreaterThan(8);
    const made = await call(client, "generate_image", { prompt: "x", width: 128, height: 128 });
    expect(made.isError).toBe(true);
    expect(made.text).toMatch(/sharp/);
  });
});

describe("the command line", () => {
  test("generate prints the path alone on stdout and progress on stderr", async () => {
    const dir = await tempDir();
    const out = path.join(dir, "fox.png");
    const { stdout, stderr } = await run(process.execPath, [
      cli,
      "generate",
      "a fox in the snow",
      "--demo",
      "--data-dir",
      dir,
      "--out",
      out,
      "--width",
      "320",
      "--height",
      "200",
    ]);

    expect(stdout).toBe(`${out}\n`);
    expect(stderr).toMatch(/100 %/);
    expect(await sharp(out).metadata()).toMatchObject({ width: 320, height: 200 });
  });

  test("generate writes the format of the file's name, into folders that are not there yet", async () => {
    const dir = await tempDir();
    const out = path.join(dir, "new", "fox.jpg");

    const { stdout } = await run(process.execPath, [
      ...[cli, "generate", "a fox", "--demo", "--data-dir", dir, "--out", out],
      ...["--width", "128", "--height", "128"],
    ]);

    expect(stdout).toBe(`${out}\n`);
    expect(await sharp(out).metadata()).toMatchObject({ format: "jpeg", width: 128 });
  });

  test("generate changes a picture with the options of the tool, and replaces a file only if told to", async () => {
    const dir = await tempDir();
    const common = ["--demo", "--data-dir", path.join(dir, "data")];
    const generate = (...args: string[]) =>
      run(process.execPath, [cli, "generate", ...args, ...common], { cwd: dir }).catch(
        (error) => error,
      );
    await generate("a fox", "--width", "128", "--height", "128", "--out", "fox.png");

    const changed = await generate(
      ...["at night", "--image", "fox.png", "--strength", "0.5", "--style", "noir"],
      ...["--seed", "7", "--out", "night/"],
    );
    const again = await generate("a fox", "--out", "fox.png");
    const gif = await generate("a fox", "--out", "fox.gif");

    expect(changed.stdout).toMatch(new RegExp(`^${dir}/night/t\\w+-1\\.png\n$`));
    expect(changed.stderr).toMatch(/^100 % Done$/m);
    expect(again).toMatchObject({
      code: 2,
      stderr: expect.stringMatching(/^--out: .*--overwrite/),
    });
    expect(gif).toMatchObject({
      code: 2,
      stderr: expect.stringMatching(/^--out: "fox\.gif" has no/),
    });
    const other = await generate(
      "a hen",
      "--out",
      "fox.png",
      "--overwrite",
      "--width",
      "64",
      "--height",
      "64",
    );
    expect(other.stdout).toBe(`${dir}/fox.png\n`);
  });

  test("generate makes a dozen pictures without a warning of Node's", async () => {
    const dir = await tempDir();

    const { stdout, stderr } = await run(process.execPath, [
      ...[cli, "generate", "a fox", "--demo", "--data-dir", dir, "--count", "12"],
      ...["--width", "64", "--height", "64", "--steps", "1"],
    ]);

    expect(stdout.trim().split("\n")).toHaveLength(12);
    expect(stderr).not.toMatch(/Warning/);
    expect(stderr.split("\n").filter((line) => !/^ *\d+ % \S/.test(line))).toEqual([""]);
  });

  test("a data folder that cannot be written is found before anything is painted", async () => {
    const emulator = await startEmulator();
    const file = path.join(await tempDir(), "file");
    await writeFile(file, "");

    const failure = await run(process.execPath, [
      ...[cli, "generate", "a fox", "--comfyui-url", emulator.url, "--data-dir", file],
    ]).catch((error) => error);

    expect(failure.code).toBe(1);
    expect(failure.stderr).toMatch(/The image folder .*file cannot be used.*--data-dir/);
    const history = await fetch(`${emulator.url}/history`);
    expect(await history.json()).toEqual({});
  });

  test("the server starts without folders it was told of, and says which", async () => {
    const dir = await tempDir();
    const styles = path.join(dir, "styles");
    await mkdir(styles);
    await writeFile(path.join(styles, "bad.json"), '[{"name": "x", "weight": 2}]');
    const gone = (name: string) => path.join(dir, name);
    const server = startRaw([
      ...["--demo", "--data-dir", gone("data"), "--styles-dir", styles],
      ...["--wildcards-dir", gone("wild"), "--workflows-dir", gone("flows")],
      ...["--input-roots", gone("pictures")],
    ]);
    server.send(initialize);
    await server.answer("init");

    server.send(toolCall(1, "generate_image", { prompt: "x", width: 64, height: 64 }));

    expect(await server.answer(1)).toMatchObject({ result: { content: expect.anything() } });
    const said = server.errors.join("\n");
    expect(said).toMatch(/bad\.json: style "x": unknown key "weight"/);
    expect(said).toMatch(
      /--wildcards-dir \(EASEL_WILDCARDS_DIR\): the folder .*wild does not exist/,
    );
    expect(said).toMatch(/flows: .*--workflows-dir \(EASEL_WORKFLOWS_DIR\)/);
    expect(said).toMatch(/--input-roots \(EASEL_INPUT_ROOTS\): the folder .*pictures/);
  });

  test("the emulator alone serves any ComfyUI client", async () => {
    const server = startRaw(["emulator", "--port", "0", "--step-ms", "0"]);
    await expect.poll(() => server.lines[0]).toMatch(/^http:\/\/127\.0\.0\.1:\d+$/);

    const answer = await fetch(`${server.lines[0]}/system_stats`);
    expect(await answer.text()).toMatch(/"comfyui_version": ?"\d+\.\d+\.\d+"/);
    server.child.kill("SIGTERM");
    expect(await server.exited).toBe(0);
  });

  test("help names every option with its flag and its variable", async () => {
    const { stdout } = await run(process.execPath, [cli, "--help"]);

    for (const [flag, env] of [
      ["--comfyui-url", "COMFYUI_URL"],
      ["--data-dir", "EASEL_DATA_DIR"],
      ["--workflows-dir", "EASEL_WORKFLOWS_DIR"],
      ["--wait-seconds", "EASEL_WAIT_SECONDS"],
      ["--input-roots", "EASEL_INPUT_ROOTS"],
    ]) {
      expect(stdout).toContain(flag);
      expect(stdout).toContain(`[${env}]`);
    }
  });

  test.for<[args: string[], says: RegExp]>([
    [["emulator", "--port", "99999"], /^--port: 99999 is not a whole number from 0 to 65535/],
    [["--comfyui-url", "ftp://x"], /--comfyui-url \(COMFYUI_URL\): expected http.*got "ftp:\/\/x"/],
    [
      ["generate", "x", "--demo", "--count", "0"],
      /^--count: expected a whole number from 1 to 32, got 0/,
    ],
  ])("%j is refused with exit code 2", async ([args, says]) => {
    const failure = await run(process.execPath, [cli, ...args]).catch((error) => error);

    expect(failure.code).toBe(2);
    expect(failure.stderr).toMatch(says);
    expect(failure.stdout).toBe("");
  });
});
