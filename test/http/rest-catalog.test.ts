import { Validator } from "@seriousme/openapi-schema-validator";
import { Hono } from "hono";
import { expect, test } from "vitest";
import { Emulator } from "../../src/emulator/emulator.ts";
import { filesApi } from "../../src/faces/http/api/files.ts";
import type { RestEnv } from "../../src/faces/http/api/parts.ts";
import { quietLog, startEmulator } from "../support/world.ts";
import { errorIn, made, type Rest, startRest } from "./rest-support.ts";

async function start(): Promise<Rest> {
  const emulator = await startEmulator();
  return startRest(emulator.url);
}

/** Of a ComfyUI that has ended. */
async function goneUrl(): Promise<string> {
  const emulator = await Emulator.start();
  await emulator.close();
  return emulator.url;
}

async function json<T>(rest: Rest, path: string): Promise<T> {
  const answer = await rest.get(path);
  expect(answer.status, path).toBe(200);
  expect(answer.headers.get("cache-control"), path).toBe("no-store");
  return (await answer.json()) as T;
}

interface Tool {
  name: string;
  ready: boolean | null;
  input_schema: { properties: Record<string, unknown>; required?: string[] };
  workflows: string[];
}

interface Workflow {
  name: string;
  tool: string;
  ready: boolean | null;
  takes: string[];
  parameters: { name: string }[];
  lacks: { text: string; files: unknown[]; nodes: unknown[] } | null;
}

test("the caller learns who it is and where MCP is", async () => {
  const rest = await start();

  expect(await json(rest, "/api/v1/me")).toEqual({
    name: "anna",
    scopes: ["read", "generate", "delete"],
    version: expect.any(String),
    demo: false,
    mcp_url: "http://localhost/mcp",
  });
});

test("tools have the schema of MCP's list without what is of chats", async () => {
  const rest = await start();

  const { tools } = await json<{ tools: Tool[] }>(rest, "/api/v1/tools");

  const generate = tools.find(({ name }) => name === "generate_image");
  expect(tools.map(({ name }) => name)).toEqual(rest.world.app.catalog.tools());
  expect(generate).toMatchObject({ ready: true, input_schema: { required: ["prompt"] } });
  expect(generate?.workflows[0]).toBe(rest.world.app.catalog.ofTool("generate_image")[0]?.name);
  const names = tools.flatMap(({ input_schema }) => Object.keys(input_schema.properties));
  expect(names).toContain("webhook_url");
  for (const name of ["wait_seconds", "save_to", "overwrite"]) expect(names).not.toContain(name);
});

test("workflows say what they take and what they lack", async () => {
  const rest = await start();

  const answer = await json<{ problem: unknown; workflows: Workflow[]; faults: unknown[] }>(
    rest,
    "/api/v1/workflows",
  );

  const { workflows } = answer;
  const checkpoint = workflows.find(({ name }) => name === "checkpoint");
  expect(answer).toMatchObject({ problem: null, faults: [] });
  expect(checkpoint?.takes).toEqual(
    expect.arrayContaining(["model", "loras", "quality", "styles", "count", "aspect_ratio"]),
  );
  expect(checkpoint?.parameters.map(({ name }) => name)).toContain("steps");
  for (const { ready, lacks } of workflows) {
    if (ready === true) expect(lacks).toBeNull();
    else expect((lacks?.files.length ?? 0) + (lacks?.nodes.length ?? 0)).toBeGreaterThan(0);
  }
});

test("styles, models and loras are values that calls take", async () => {
  const rest = await start();
  interface Named {
    name: string;
    group?: string;
    folder?: string | null;
    workflows?: string[];
  }
  const { styles } = await json<{ styles: Named[] }>(rest, "/api/v1/styles");
  const { models } = await json<{ models: Named[] }>(rest, "/api/v1/models");
  const { loras } = await json<{ loras: Named[] }>(rest, "/api/v1/loras");

  expect(styles).toContainEqual({ name: "claymation", title: "Claymation", group: "craft" });
  const model = models.find(({ workflows }) => workflows?.includes("checkpoint"));
  expect(model?.folder).toBe("checkpoints");
  const task = await made(rest, {
    prompt: "a fox",
    workflow: "checkpoint",
    model: model?.name,
    loras: loras.slice(0, 1).map(({ name }) => `${name}:0.5`),
    styles: ["claymation"],
  });
  expect(task.arguments).toMatchObject({ model: model?.name, loras: [`${loras[0]?.name}:0.5`] });
});

test("a ComfyUI is shown with its GPU, and with the reason when it is away", async () => {
  const emulator = await startEmulator();
  const here = await startRest(emulator.url);
  const away = await startRest(await goneUrl());

  expect(await json(here, "/api/v1/backends")).toMatchObject({
    backends: [
      {
        name: emulator.url,
        state: "ready",
        gpu: expect.any(String),
        vram_total: expect.any(Number),
        running: 0,
        waiting: 0,
        problem: null,
      },
    ],
  });
  expect(await json(away, "/api/v1/backends")).toMatchObject({
    backends: [
      { state: "away", gpu: null, running: null, problem: expect.stringContaining("127.0.0.1") },
    ],
  });
});

test("while ComfyUI is away lists are there, readiness is unknown and a call is refused", async () => {
  const rest = await startRest(await goneUrl());

  const { tools } = await json<{ tools: Tool[] }>(rest, "/api/v1/tools");
  const { problem, workflows } = await json<{ problem: string; workflows: Workflow[] }>(
    rest,
    "/api/v1/workflows",
  );
  const answer = await rest.post("/api/v1/tasks", {
    tool: "generate_image",
    arguments: { prompt: "a fox" },
  });

  expect(tools.every(({ ready }) => ready === null)).toBe(true);
  expect(workflows.every(({ ready }) => ready === null)).toBe(true);
  expect(problem).toContain("127.0.0.1");
  expect(await json(rest, "/api/v1/models")).toEqual({ models: [] });
  expect(await json(rest, "/api/v1/loras")).toEqual({ loras: [] });
  expect([answer.status, (await errorIn(answer)).code]).toEqual([503, "comfy_unreachable"]);
});

test("the OpenAPI document is valid and names every route and the tools' arguments", async () => {
  const rest = await start();

  const document = await json<{
    openapi: string;
    paths: Record<string, Record<string, unknown>>;
    components: { schemas: Record<string, unknown> };
  }>(rest, "/api/v1/openapi.json");
  const { valid, errors } = await new Validator().validate(structuredClone(document));

  expect(errors).toBeUndefined();
  expect(valid).toBe(true);
  expect(document.openapi).toBe("3.1.0");
  const routes = Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.keys(methods).map((method) => `${method} ${path}`),
  );
  expect(routes.sort()).toEqual([
    "delete /tasks/{id}",
    "get /backends",
    "get /events",
    "get /loras",
    "get /me",
    "get /models",
    "get /styles",
    "get /tasks",
    "get /tasks/{id}",
    "get /tasks/{id}/events",
    "get /tasks/{id}/preview",
    "get /tools",
    "get /workflows",
    "post /backends/{name}/drain",
    "post /backends/{name}/undrain",
    "post /tasks",
    "post /tasks/delete",
    "post /tasks/{id}/cancel",
    "post /uploads",
  ]);
  expect(document.components.schemas).toMatchObject({
    Task: expect.anything(),
    generate_image: { properties: { prompt: expect.anything() } },
  });
});

test("an unknown address is 404 in the one shape", async () => {
  const rest = await start();
  for (const path of ["/api/v1", "/api/v1/", "/api/v1/nothing", "/files", "/files/"]) {
    const answer = await rest.get(path);
    expect(answer.status, path).toBe(404);
  }
  const answer = await rest.request("/api/v1/tasks", { method: "PUT" });
  expect([answer.status, (await errorIn(answer)).code]).toEqual([404, "not_found"]);
});

test("a defect is told by an id that the log has, and by nothing else", async () => {
  const log = quietLog();
  const parent = new Hono<RestEnv>();
  // Whoever is in front forgot to say whose request it is.
  parent.route("/files", filesApi({ log, scopesOf: () => [] }));

  const answer = await parent.request("/files/t0123456789abcdef-1");

  const { code, message } = await errorIn(answer);
  expect([answer.status, code]).toEqual([500, "internal"]);
  const [, id] =
    /^Internal error ([0-9a-f]{8}); the server's log has the details\.$/.exec(message) ?? [];
  expect(log.lines.join("\n")).toContain(`(${id}): TypeError`);
});
