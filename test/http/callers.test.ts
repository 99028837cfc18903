import { describe, expect, test } from "vitest";
import { connectTo, startHttp } from "../support/http.ts";
import {
  call,
  imageIdsIn,
  startApp,
  startEmulator,
  type ToolAnswer,
  taskIdIn,
  type World,
} from "../support/world.ts";

const tokens = {
  ann: "token-of-ann-0123456789",
  bob: "token-of-bob-0123456789",
  op: "token-of-op-0123456789",
  eye: "token-of-eye-0123456789",
};

type Name = keyof typeof tokens;

const authTokens = [
  `ann:${tokens.ann}`,
  `bob:${tokens.bob}:generate`,
  `op:${tokens.op}:admin`,
  `eye:${tokens.eye}:read`,
];

async function serve(config: Parameters<typeof startHttp>[1] = {}) {
  const emulator = await startEmulator();
  const world = await startApp(emulator.url);
  const server = await startHttp(world, { authTokens, ...config });
  const as = (name: Name, headers: Record<string, string> = {}) =>
    connectTo(server.url, { Authorization: `Bearer ${tokens[name]}`, ...headers });
  return { emulator, world, server, as };
}

const small = { prompt: "x", width: 64, height: 64 };

async function toolNames(client: Awaited<ReturnType<typeof connectTo>>): Promise<string[]> {
  return (await client.listTools()).tools.map(({ name }) => name);
}

function tasksIn({ structured }: ToolAnswer): string[] {
  const { tasks } = structured as { tasks: { task_id: string }[] };
  return tasks.map(({ task_id }) => task_id);
}

describe("two keys", () => {
  test("see, use, cancel and delete nothing of each other's; admin does", async () => {
    const { as } = await serve();
    const [ann, bob, op] = [await as("ann"), await as("bob"), await as("op")];
    const made = await call(ann, "generate_image", small);
    const [id, image] = [taskIdIn(made.text), String(imageIdsIn(made.text)[0])];
    const never = "t9999999999999999";

    expect(tasksIn(await call(bob, "list_tasks"))).toEqual([]);
    for (const [tool, parameter, foreign, unknown] of [
      ["task_status", "task_id", id, never],
      ["cancel_task", "task_id", id, never],
      ["get_image", "image_id", image, `${never}-1`],
    ] as const) {
      const refused = await call(bob, tool, { [parameter]: foreign });
      const absent = await call(bob, tool, { [parameter]: unknown });
      expect(refused.isError).toBe(true);
      expect(refused.text.replaceAll(foreign, "ID")).toBe(absent.text.replaceAll(unknown, "ID"));
    }
    const used = await call(bob, "img2img", { prompt: "x", image });
    expect(used.isError).toBe(true);
    await expect(bob.readResource({ uri: `comfy://images/${image}` })).rejects.toThrow(
      "no picture",
    );

    expect(tasksIn(await call(op, "list_tasks"))).toEqual([id]);
    const gone = await call(op, "delete_tasks", { task_ids: [id] });
    expect(gone.structured).toMatchObject({ tasks: 1, images: 1 });
    expect(tasksIn(await call(ann, "list_tasks"))).toEqual([]);
  });

  test("are on record with the program that each calls with", async () => {
    const { as } = await serve();
    const ann = await as("ann");
    const made = await call(ann, "generate_image", small);

    const { contents } = await ann.readResource({ uri: `comfy://tasks/${taskIdIn(made.text)}` });

    expect(
      JSON.parse(String(contents[0] && "text" in contents[0] && contents[0].text)),
    ).toMatchObject({
      caller: "ann",
      client: "test",
    });
  });

  test("have no folders, and their pictures are at a URL", async () => {
    const { as, world, server } = await serve();
    const ann = await as("ann");
    const made = await call(ann, "generate_image", small);
    const image = String(imageIdsIn(made.text)[0]);

    expect(made.text).toContain(`${server.url}/files/images/${image}?expires=`);
    expect(made.text).not.toContain(world.dataDir);
    for (const path of ["/etc/passwd", "~/a.png", "./a.png", `${world.dataDir}/a.png`]) {
      const read = await call(ann, "img2img", { prompt: "x", image: path });
      const write = await call(ann, "generate_image", { ...small, save_to: path });
      expect([read.isError, write.isError]).toEqual([true, true]);
      expect(read.text).toMatch(/^image: /);
      expect(write.text).toMatch(/^save_to: /);
    }
    expect(tasksIn(await call(ann, "list_tasks"))).toHaveLength(1);
  });
});

describe("what a key may not do", () => {
  test.for<[name: Name, hidden: string[]]>([
    ["ann", []],
    ["bob", ["delete_tasks"]],
    ["eye", ["generate_image", "img2img", "cancel_task", "delete_tasks"]],
  ])("is not listed for %s, and refused", async ([name, hidden]) => {
    const { as } = await serve();
    const client = await as(name);
    const listed = await toolNames(client);

    expect(listed).toContain("task_status");
    expect(listed.filter((tool) => hidden.includes(tool))).toEqual([]);
    for (const tool of hidden) {
      const refused = await call(client, tool, {});
      expect(refused.isError).toBe(true);
      expect(refused.text).toMatch(`${tool} is not offered here: the key ${name} lacks the scope`);
    }
  });

  test("is refused by the studio too, whatever the face", async () => {
    const { world } = await serve();
    const studio = studioWith(world, []);

    const refusals = [
      studio.submit("generate_image", { parameters: {} } as never),
      studio.get("t0123456789abcdef"),
      studio.list({}, 1),
      studio.count({}),
      studio.cancel("t0123456789abcdef"),
      studio.delete({}, true),
      studio.pictures.image("t0123456789abcdef-1"),
      studio.events("t0123456789abcdef").next(),
      studio.allEvents({}).next(),
    ];
    const codes = refusals.map((refusal) =>
      refusal.then(
        () => "done",
        ({ code }) => code,
      ),
    );

    expect(new Set(await Promise.all(codes))).toEqual(new Set(["forbidden"]));
  });
});

function studioWith({ app }: World, scopes: ("read" | "generate")[]) {
  return app.studio({ name: "nobody", scopes: new Set(scopes), folders: { roots: [] } });
}

describe("the tools of a connection", () => {
  test("are those it asks for, and it may ask for reading ones", async () => {
    const { as, server } = await serve();

    expect(
      await toolNames(await as("ann", { "X-Easel-Tools": "generate_image, task_status" })),
    ).toEqual(["generate_image", "task_status"]);
    const reading = await as("ann", { "X-Easel-Readonly": "1" });
    expect(await toolNames(reading)).toEqual([
      "task_status",
      "list_tasks",
      "get_image",
      "list_workflows",
    ]);
    expect((await call(reading, "generate_image", small)).text).toContain("X-Easel-Readonly");
    const byQuery = await connectTo(server.url, { "X-API-Key": tokens.ann }, "?tools=get_image");
    expect(await toolNames(byQuery)).toEqual(["get_image"]);
  });

  test("never go beyond what the operator offers", async () => {
    const emulator = await startEmulator();
    const world = await startApp(emulator.url, { tools: ["generate_image", "task_status"] });
    const { url } = await startHttp(world);
    const client = await connectTo(url, { "X-Easel-Tools": "generate_image,delete_tasks" });

    expect(await toolNames(client)).toEqual(["generate_image"]);
    expect((await call(client, "delete_tasks", {})).text).toContain("--tools");
  });

  test("that it asks for and that are none are named", async () => {
    const { as } = await serve();

    await expect(as("ann", { "X-Easel-Tools": "generate_imag" })).rejects.toThrow(
      /there is no tool .*Did you mean generate_image\?/,
    );
  });
});

describe("limits", () => {
  test("hold a caller to its requests a minute, and nobody else", async () => {
    const limited = [`ann:${tokens.ann}:read:requests=3`, `bob:${tokens.bob}`];
    const { server } = await serve({ authTokens: limited });
    const ask = (name: Name) =>
      fetch(`${server.url}/mcp`, { headers: { "X-API-Key": tokens[name] } });

    const statuses = [];
    for (let i = 0; i < 4; i += 1) statuses.push((await ask("ann")).status);
    const refused = await ask("ann");

    expect(statuses).toEqual([400, 400, 400, 429]);
    expect(Number(refused.headers.get("retry-after"))).toBeGreaterThan(0);
    expect(await refused.json()).toMatchObject({
      error: { message: expect.stringMatching(/3 requests a minute/) },
    });
    expect((await ask("bob")).status).toBe(400);
  });

  test("hold a caller to its tasks at once", async () => {
    const limited = [`ann:${tokens.ann}:generate:tasks=2`];
    const { as, emulator } = await serve({ authTokens: limited });
    const ann = await as("ann");
    const hold = emulator.hold("VAEDecode");
    const begin = () => call(ann, "generate_image", { ...small, wait_seconds: 0 });
    const [first] = [await begin(), await begin()];

    const third = await begin();
    hold.release();
    await call(ann, "task_status", { task_id: taskIdIn(first.text) });

    expect(third.isError).toBe(true);
    expect(third.text).toMatch(/The key ann may have 2 tasks queued or running at once/);
    expect((await begin()).isError).toBe(false);
  });

  test("hold a caller to the bytes of its pictures", async () => {
    const limited = [`ann:${tokens.ann}:generate,delete:gb=0.000000001`];
    const { as } = await serve({ authTokens: limited });
    const ann = await as("ann");
    const made = await call(ann, "generate_image", small);

    const refused = await call(ann, "generate_image", small);
    await call(ann, "delete_tasks", { task_ids: [taskIdIn(made.text)] });

    expect(refused.text).toMatch(/The pictures of the key ann take the 1e-9 GB/);
    expect((await call(ann, "generate_image", small)).isError).toBe(false);
  });
});
