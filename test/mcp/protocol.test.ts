import { mkdtemp, rm } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import sharp from "sharp";
import { afterAll, beforeAll, beforeEach, describe, expect, onTestFinished, test } from "vitest";
import type { Config } from "../../src/config.ts";
import { Emulator } from "../../src/emulator/emulator.ts";
import type { Deps } from "../../src/faces/mcp/deps.ts";
import type { Form } from "../../src/faces/mcp/question.ts";
import type { Message } from "../../src/faces/mcp/rpc.ts";
import {
  type Client,
  type ClientOptions,
  connectBy,
  httpTransport,
  memoryTransport,
} from "../support/client.ts";
import { startHttp } from "../support/http.ts";
import { promptPosts } from "../support/servers.ts";
import {
  allWays,
  call,
  connect,
  imageIdsIn,
  openApp,
  startApp,
  startEmulator,
  taskIdIn,
  type World,
} from "../support/world.ts";

const small = { width: 64, height: 64 };

let shared: World & { emulator: Emulator };
beforeAll(async () => {
  const dataDir = await mkdtemp(path.join(os.tmpdir(), "comfy-easel-protocol-"));
  const emulator = await Emulator.start();
  shared = { ...(await openApp(emulator.url, dataDir)), emulator };
});
afterAll(async () => {
  await shared.app.close();
  await shared.emulator.close();
  await rm(shared.dataDir, { recursive: true, force: true, maxRetries: 5 });
});

/** A studio of its own, for who counts its tasks or wants it otherwise. */
async function ownStudio(overrides: Partial<Config> = {}) {
  const emulator = await startEmulator();
  return { ...(await startApp(emulator.url, overrides)), emulator };
}

function textOf(messages: unknown[]): string {
  return messages
    .map((message) => (message as { content: { text?: string } }).content.text ?? "")
    .join("\n");
}

describe.for(allWays)("over $transport, $revision", (way) => {
  /** A client of the studio that this file's tests share. */
  async function studio(options: ClientOptions = {}) {
    return { ...shared, client: await connect(shared.deps, { way, ...options }) };
  }

  test("the server introduces itself: a picture, and less than 2 KB of instructions", async () => {
    const { client } = await studio();

    expect(client.getServerVersion()).toMatchObject({
      name: "comfy-easel",
      icons: [{ mimeType: "image/svg+xml" }],
    });
    const instructions = client.getInstructions() ?? "";
    expect(instructions).toContain("generate_image");
    expect(instructions.length).toBeLessThan(2_048);
  });

  test("tools have icons for clients that draw them, and for nobody else", async () => {
    const { client, deps } = await studio({ name: "Visual Studio Code" });
    const plain = await connect(deps, { way, name: "some-agent-framework" });

    const drawn = (await client.listTools()).tools;
    const bare = (await plain.listTools()).tools;

    expect(drawn.every((tool) => tool.icons?.[0]?.src.startsWith("data:image/svg+xml"))).toBe(true);
    expect(bare.every((tool) => tool.icons === undefined)).toBe(true);
    expect(bare.map(({ name }) => name)).toEqual(drawn.map(({ name }) => name));
    const [, data = ""] = String(drawn[0]?.icons?.[0]?.src).split(",");
    expect(await sharp(Buffer.from(data, "base64")).metadata()).toMatchObject({ format: "svg" });
  });

  describe("prompts", () => {
    test("are listed with what they want", async () => {
      const { client } = await studio();

      const { prompts } = await client.listPrompts();

      expect(prompts.map(({ name }) => name)).toEqual([
        "generate",
        "edit",
        "sticker",
        "upscale",
        "make-again",
        "workflow",
      ]);
      for (const { title, description, arguments: wanted } of prompts) {
        expect(title && description).toBeTruthy();
        expect(wanted?.some(({ required }) => required)).toBe(true);
      }
    });

    test("make-again says the call that made a picture, and shows it", async () => {
      const { client } = await studio();
      const made = await call(client, "generate_image", { prompt: "a fox", seed: 7, ...small });
      const [image = ""] = imageIdsIn(made.text);

      const { messages } = await client.getPrompt({
        name: "make-again",
        arguments: { image, change: "at night" },
      });

      expect(textOf(messages)).toMatch(/again with generate_image\. Change this: at night/);
      expect(textOf(messages)).toMatch(/"prompt":"a fox".*"seed":7/);
      expect(messages.map(({ content }) => content.type)).toEqual(["text", "image"]);
    });

    test("what is missing or not there is said by name", async () => {
      const { client } = await studio();

      await expect(client.getPrompt({ name: "generate", arguments: {} })).rejects.toThrow(
        /prompt: missing/,
      );
      await expect(client.getPrompt({ name: "stiker" })).rejects.toThrow(/Did you mean sticker/);
      const unknown = { name: "workflow", arguments: { name: "checkpont" } };
      await expect(client.getPrompt(unknown)).rejects.toThrow(/Did you mean checkpoint/);
    });

    test("what is missing is asked for where there is somebody to ask", async () => {
      const forms: Form[] = [];
      const { client } = await studio({
        elicit: (form) => {
          forms.push(form);
          return { action: "accept", content: { prompt: "a red fox" } };
        },
      });

      const { messages } = await client.getPrompt({ name: "generate", arguments: {} });

      expect(textOf(messages)).toContain("a red fox");
      expect(forms[0]?.requestedSchema.required).toEqual(["prompt"]);
    });

    test("their arguments and the templates of resources are completed", async () => {
      const { client } = await studio();
      const prompt = `an owl, ${way.transport} ${way.revision}`;
      const made = await call(client, "generate_image", { prompt, ...small });
      const [image = ""] = imageIdsIn(made.text);
      const completed = async (ref: object, name: string, value: string) => {
        const { completion } = await client.complete({
          ref: ref as { type: "ref/prompt"; name: string },
          argument: { name, value },
        });
        return completion.values;
      };
      const ofPrompt = (name: string) => ({ type: "ref/prompt", name });
      const template = (uri: string) => ({ type: "ref/resource", uri });

      expect(await completed(ofPrompt("generate"), "workflow", "check")).toContain("checkpoint");
      expect(await completed(ofPrompt("generate"), "style", "anime")).not.toEqual([]);
      expect(await completed(ofPrompt("generate"), "model", "sd_xl")).toContain(
        "sd_xl_base_1.0.safetensors",
      );
      expect(await completed(ofPrompt("generate"), "lora", "")).not.toEqual([]);
      expect(await completed(ofPrompt("generate"), "prompt", "a")).toEqual([]);
      expect(await completed(ofPrompt("edit"), "image", prompt.slice(3))).toEqual([image]);
      expect(await completed(template("comfy://images/{id}"), "id", image.slice(0, 16))).toEqual([
        image,
      ]);
      expect(await completed(template("comfy://workflows/{name}"), "name", "flux")).not.toEqual([]);
      await expect(completed(template("comfy://nothing/{id}"), "id", "")).rejects.toMatchObject({
        code: -32602,
      });
    });
  });

  describe("subscriptions", () => {
    test("a task tells of its changes until nobody listens", async () => {
      const { client, emulator, deps } = await studio();
      const hold = emulator.hold("VAEDecode");
      const early = await call(client, "generate_image", {
        prompt: "x",
        wait_seconds: 0,
        ...small,
      });
      await hold.reached;
      let changes = 0;
      const stop = await client.onUpdated(`comfy://tasks/${taskIdIn(early.text)}`, () => {
        changes += 1;
      });

      hold.release();
      await deps.studio.wait(taskIdIn(early.text), 30_000);

      await expect.poll(() => changes).toBeGreaterThan(0);
      await stop();
    });

    test.for(["comfy://tasks/t0000000000000000", "comfy://images/nope", "test://elsewhere"])(
      "%s is refused",
      async (uri) => {
        const { client } = await studio();

        await expect(client.onUpdated(uri, () => {})).rejects.toMatchObject({ code: -32602 });
      },
    );
  });

  describe("a person who can be asked", () => {
    beforeEach(async () => void (await shared.deps.studio.delete({}, false)));

    const fill = async (client: Client, count: number) => {
      for (let i = 0; i < count; i += 1) {
        await call(client, "generate_image", { prompt: "x", wait_seconds: 0, ...small });
      }
    };

    test.for<[answer: string, kept: number]>([
      ["Delete", 0],
      ["Keep", 5],
    ])("says %s before five tasks are deleted", async ([answer, kept]) => {
      const asked: string[] = [];
      const { client, deps } = await studio({
        elicit: ({ message }) => {
          asked.push(message);
          return { action: "accept", content: { answer } };
        },
      });
      await fill(client, 5);

      const done = await call(client, "delete_tasks", { before: "tomorrow" });

      expect(asked).toEqual(["Delete 5 tasks and their pictures for good?"]);
      expect(done.isError).toBe(false);
      expect(await deps.studio.count({})).toBe(kept);
    });

    test("is not asked about a few, and not needed", async () => {
      const { client, deps } = await studio();
      await fill(client, 5);

      await call(client, "delete_tasks", { before: "tomorrow" });

      expect(await deps.studio.count({})).toBe(0);
    });

    test("chooses which model a name means, before anything is made", async () => {
      const forms: object[] = [];
      const { client, emulator } = await studio({
        elicit: ({ requestedSchema }) => {
          forms.push(requestedSchema.properties);
          return { action: "accept", content: { answer: "sd_xl_base_1.0.safetensors" } };
        },
      });

      const before = promptPosts(emulator);
      const made = await call(client, "generate_image", {
        prompt: "x",
        model: "sd_xl_bsae_1.0.safetensors",
        ...small,
      });

      expect(JSON.stringify(forms)).toContain("sd_xl_base_1.0.safetensors");
      expect(made.text).toMatch(/^Done/);
      expect(promptPosts(emulator) - before).toBe(1);
    });
  });

  test("without MCP Apps an answer is what it was; with them the record is beside it, and three more tools", async () => {
    const { client, deps } = await studio();
    const ui = { "io.modelcontextprotocol/ui": { mimeTypes: ["text/html;profile=mcp-app"] } };
    const host = await connect(deps, { way, capabilities: { extensions: ui } });
    const made = await call(client, "generate_image", { prompt: "x", ...small });
    const ask = { name: "task_status", arguments: { task_id: taskIdIn(made.text) } };

    // A workflow's guide is told once on each connection.
    await host.callTool(ask);
    const plain = await client.callTool(ask);
    const shown = await host.callTool(ask);

    expect(JSON.stringify(plain.content)).toBe(JSON.stringify(shown.content));
    expect(JSON.stringify(plain)).not.toContain("comfy-easel/task");
    expect(shown._meta).toMatchObject({ "comfy-easel/task": { state: "completed" } });
    const names = async (one: Client) => (await one.listTools()).tools.map(({ name }) => name);
    const added = (await names(host)).filter((name) => name.startsWith("studio_"));
    expect(added).toEqual(["studio_tasks", "studio_look", "studio_picture"]);
    expect((await names(client)).filter((name) => name.startsWith("studio_"))).toEqual([]);
    const { tools } = await host.listTools();
    expect(tools.find(({ name }) => name === "studio_tasks")?._meta).toEqual({
      ui: { visibility: ["app"] },
    });
    expect((await call(client, "studio_tasks")).text).toMatch(/There is no tool "studio_tasks"/);
  });
});

describe("tasks of MCP itself are records of ours", () => {
  test("of the extension: an id at once, the answer when it is done, a cancel that cancels", async () => {
    const { deps, emulator } = shared;
    const ask = bareClient(deps);
    const able = { extensions: { "io.modelcontextprotocol/tasks": {} } };
    const request = (method: string, params: Record<string, unknown>, can: object = able) =>
      ask(method, { ...params, _meta: envelope(can) });
    const made = { name: "generate_image", arguments: { prompt: "x", ...small } };
    const hold = emulator.hold("VAEDecode");

    const first = await request("tools/call", made);
    expect(first).toMatchObject({ result: { resultType: "task", status: "working" } });
    const { taskId } = first["result"] as { taskId: string };
    expect((await deps.studio.get(taskId)).tool).toBe("generate_image");
    await hold.reached;
    expect(await request("tasks/get", { taskId })).toMatchObject({
      result: { resultType: "complete", status: "working", statusMessage: expect.any(String) },
    });
    hold.release();
    await deps.studio.wait(taskId, 30_000);
    expect(await request("tasks/get", { taskId })).toMatchObject({
      result: { status: "completed", result: { content: [{ type: "text" }, { type: "image" }] } },
    });

    const second = emulator.hold("VAEDecode");
    const doomed = (await request("tools/call", made))["result"] as { taskId: string };
    await second.reached;
    await request("tasks/cancel", { taskId: doomed.taskId });
    expect((await deps.studio.wait(doomed.taskId, 30_000)).state).toBe("cancelled");

    expect(await request("tasks/get", { taskId }, {})).toMatchObject({ error: { code: -32021 } });
    expect(await request("tasks/get", { taskId: "nope" })).toMatchObject({
      error: { code: -32602 },
    });
    expect(await request("tools/call", { name: "generate_image", arguments: {} })).toMatchObject({
      result: { isError: true },
    });
    expect(await request("tools/call", { name: "list_tasks", arguments: {} })).toMatchObject({
      result: { resultType: "complete" },
    });
  });

  test("of 2025-11-25, where the operator offers them: made, listed, waited for, cancelled", async () => {
    const { deps, emulator } = await ownStudio({ mcpTasks: true });
    const told: Message[] = [];
    const ask = bareClient(deps, (message) => told.push(message));
    const clientInfo = { name: "x", version: "1" };
    const hello = { protocolVersion: "2025-11-25", capabilities: {}, clientInfo };
    expect(await ask("initialize", hello)).toMatchObject({
      result: { capabilities: { tasks: { requests: { tools: { call: {} } } } } },
    });
    const made = { name: "generate_image", arguments: { prompt: "x", ...small }, task: {} };
    const hold = emulator.hold("VAEDecode");

    const { task } = (await ask("tools/call", made))["result"] as { task: { taskId: string } };
    const waiting = ask("tasks/result", { taskId: task.taskId });
    await hold.reached;
    expect(await ask("tasks/list", {})).toMatchObject({
      result: { tasks: [{ taskId: task.taskId, status: "working" }] },
    });
    hold.release();
    expect(await waiting).toMatchObject({
      result: {
        content: [{ type: "text" }, { type: "image" }],
        _meta: { "io.modelcontextprotocol/related-task": { taskId: task.taskId } },
      },
    });
    expect(await ask("tasks/cancel", { taskId: task.taskId })).toMatchObject({
      error: { message: expect.stringMatching(/is completed already/) },
    });
    const statuses = () =>
      told
        .filter(({ method }) => method === "notifications/tasks/status")
        .map(({ params }) => params?.["status"]);
    await expect.poll(statuses).toContain("completed");
    expect(statuses()[0]).toBe("working");
    const second = emulator.hold("VAEDecode");
    const doomed = (await ask("tools/call", made))["result"] as { task: { taskId: string } };
    await second.reached;
    await ask("tasks/cancel", { taskId: doomed.task.taskId });
    expect((await deps.studio.wait(doomed.task.taskId, 30_000)).state).toBe("cancelled");
  });
});

test("over HTTP since 2026-07-28 a closed stream cancels its task, a stop of the server does not", async () => {
  const emulator = await startEmulator();
  const world = await startApp(emulator.url);
  const server = await startHttp(world);
  const transport = httpTransport("2026-07-28", `${server.url}/mcp`);
  const client = await connectBy("2026-07-28", transport);
  onTestFinished(() => client.close());
  const hold = emulator.hold("VAEDecode");
  const gone = new AbortController();
  const options = { signal: gone.signal, onprogress: () => {} };
  const asked = { name: "generate_image", arguments: { prompt: "x", ...small } };
  const dropped = client.callTool(asked, options);
  await hold.reached;

  gone.abort();

  await expect(dropped).rejects.toThrow();
  const newest = async () => (await world.deps.studio.list({}, 1)).tasks[0]?.state;
  await expect.poll(newest).toBe("cancelled");
  hold.release();
  const second = emulator.hold("VAEDecode");
  const waiting = client.callTool(asked).catch(String);
  await second.reached;
  await server.close();
  second.release();
  await waiting;
  const [task] = (await world.deps.studio.list({}, 1)).tasks;
  expect((await world.deps.studio.wait(String(task?.id), 30_000)).state).toBe("completed");
});

test("both revisions on one connection get their own answers", async () => {
  const { deps } = shared;
  const ask = bareClient(deps);
  const clientInfo = { name: "x", version: "1" };
  const earlier = { protocolVersion: "2025-06-18", capabilities: {}, clientInfo };

  expect(await ask("server/discover", { _meta: envelope() })).toMatchObject({
    result: { supportedVersions: ["2026-07-28"] },
  });
  expect(await ask("initialize", earlier)).toMatchObject({
    result: { protocolVersion: "2025-06-18" },
  });
  expect(await ask("tools/list", {})).toMatchObject({ result: { tools: expect.anything() } });
  expect(await ask("tools/list", { _meta: envelope() })).toMatchObject({
    result: { resultType: "complete" },
  });
  const future = { ...envelope(), "io.modelcontextprotocol/protocolVersion": "2031-01-01" };
  expect(await bareClient(deps)("tools/list", { _meta: future })).toMatchObject({
    error: { code: -32022 },
  });
});

/** What a request of 2026-07-28 says of its client. */
function envelope(capabilities: object = {}) {
  return {
    "io.modelcontextprotocol/protocolVersion": "2026-07-28",
    "io.modelcontextprotocol/clientInfo": { name: "x", version: "1" },
    "io.modelcontextprotocol/clientCapabilities": capabilities,
  };
}

/** Bare messages over a connection, for what no client of an SDK sends. */
function bareClient(deps: Deps, heard: (message: Message) => void = () => {}) {
  const end = memoryTransport(deps);
  const waiting = new Map<unknown, (answer: Record<string, unknown>) => void>();
  let lastId = 0;
  end.onmessage = (message) => {
    if (message.method === undefined) waiting.get(message.id)?.({ ...message });
    else heard(message);
  };
  return (method: string, params: Record<string, unknown>) => {
    lastId += 1;
    const id = lastId;
    return new Promise<Record<string, unknown>>((resolve, reject) => {
      waiting.set(id, resolve);
      end.send({ jsonrpc: "2.0", id, method, params }).catch(reject);
    });
  };
}
