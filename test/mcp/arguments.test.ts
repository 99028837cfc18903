import { expect, test } from "vitest";
import { call, connect, startApp, startEmulator, taskIdIn } from "../support/world.ts";

async function studio() {
  const emulator = await startEmulator();
  const world = await startApp(emulator.url);
  return { ...world, emulator, client: await connect(world.deps) };
}

const small = { width: 128, height: 128 };

test("numbers, booleans and lists as text, and one value for a list, are read", async () => {
  const { app, client } = await studio();

  const answer = await call(client, "generate_image", {
    prompt: "x",
    workflow: "checkpoint",
    width: "128",
    height: "128px",
    count: "2",
    seed: "7",
    steps: "5.0",
    guidance: "6.5",
    styles: "anime",
    overwrite: "false",
    wait_seconds: "45",
    output_format: "JPG",
    aspectRatio: null,
  });

  expect(answer.text).toMatch(/^Done/);
  const task = await app.tasks.get(taskIdIn(answer.text));
  expect(task.params).toMatchObject({ width: 128, height: 128, steps: 5, guidance: 6.5 });
  expect(task.params).toMatchObject({ styles: ["anime"] });
  expect(task.runs.map((run) => run.seed)).toEqual([7, 8]);
  expect(task.outputFormat).toBe("jpeg");
});

test("a seed of -1 is a random one, drawn and named", async () => {
  const { app, client } = await studio();

  const { text } = await call(client, "generate_image", { prompt: "x", seed: -1, ...small });

  const [run] = (await app.tasks.get(taskIdIn(text))).runs;
  expect(run?.seed).toBeGreaterThanOrEqual(0);
  expect(text).toContain(`seed ${run?.seed}`);
});

test.for<[as: string, styles: unknown]>([
  ["JSON in a string", '["anime", "cinematic"]'],
  ["words with commas", "anime, cinematic"],
  ["a list", ["anime", "cinematic"]],
])("a list comes as %s", async ([, styles]) => {
  const { app, client } = await studio();

  const { text } = await call(client, "generate_image", { prompt: "x", styles, ...small });

  expect((await app.tasks.get(taskIdIn(text))).params["styles"]).toEqual(["anime", "cinematic"]);
});

test("every parameter may be null or empty for left out", async () => {
  const { client } = await studio();
  const { tools } = await client.listTools();
  const all = tools.find((tool) => tool.name === "generate_image")?.inputSchema.properties ?? {};

  for (const nothing of [null, ""]) {
    const args = Object.fromEntries(Object.keys(all).map((name) => [name, nothing]));
    const answer = await call(client, "generate_image", { ...args, prompt: "x" });
    expect(answer.text).toMatch(/^Done/);
  }
});

test("for the tools that keep records nothing but a filter deletes", async () => {
  const { client, app } = await studio();
  await call(client, "generate_image", { prompt: "x", ...small });

  const nothing = { task_ids: null, state: "", tool: null, since: "", before: null };
  const answer = await call(client, "delete_tasks", { ...nothing, dry_run: "" });

  expect(answer.text).toMatch(/^Say what to delete/);
  expect(await app.tasks.count({})).toBe(1);
});

test.for<[quality: string, effort: string]>([
  ["high", "quality"],
  ["quality", "quality"],
  ["medium", "speed"],
  ["speed", "speed"],
  ["low", "extreme_speed"],
  ["Extreme Speed", "extreme_speed"],
  ["draft", "lightning"],
  ["lightning", "lightning"],
])("quality %s means %s", async ([quality, effort]) => {
  const { app, client } = await studio();

  const { text } = await call(client, "generate_image", { prompt: "x", quality, ...small });

  expect((await app.tasks.get(taskIdIn(text))).params["quality"]).toBe(effort);
});

test("a LoRA comes as text or as an object", async () => {
  const emulator = await startEmulator({
    models: { checkpoints: ["a.safetensors"], loras: ["grain.safetensors"] },
  });
  const { app, deps } = await startApp(emulator.url);
  const client = await connect(deps);

  for (const loras of ["grain:0.5", ["grain:0.5"], [{ name: "grain", weight: 0.5 }]]) {
    const { text } = await call(client, "generate_image", { prompt: "x", loras, ...small });
    expect((await app.tasks.get(taskIdIn(text))).loras).toEqual([
      { name: "grain.safetensors", weight: 0.5 },
    ]);
  }
});

test("a picture comes as the object that a host puts in its place", async () => {
  const { client } = await studio();
  const made = await call(client, "generate_image", { prompt: "x", ...small });
  const block = made.content.find(({ type }) => type === "image");
  const id = `${taskIdIn(made.text)}-1`;

  for (const image of [
    { image_id: id },
    { uri: `comfy://images/${id}`, mimeType: "image/png" },
    JSON.stringify({ path: id }),
    { type: "image", data: block?.["data"], mimeType: block?.["mimeType"] },
    { type: "image_url", image_url: { url: id } },
    [id],
  ]) {
    expect((await call(client, "upscale", { image })).text).toMatch(/^Done/);
  }
});

test("a host's file is fetched under the rules for every URL", async () => {
  const { client } = await studio();

  const answer = await call(client, "remove_background", {
    image: { download_url: "http://127.0.0.1:1/a.png", file_id: "file-1", mime_type: "image/png" },
  });

  expect(answer.text).toMatch(/^image: host "127\.0\.0\.1" is refused/);
});

test("tools with pictures name them for hosts that can fill them", async () => {
  const { client, deps } = await studio();
  const { tools } = await client.listTools();
  const filled = Object.fromEntries(
    tools.flatMap(({ name, _meta }) => (_meta ? [[name, _meta["openai/fileParams"]]] : [])),
  );
  const chat = await connect(deps, "openai-mcp");
  const inpaint = (await chat.listTools()).tools.find(({ name }) => name === "inpaint");

  expect(filled).toEqual({
    img2img: ["image"],
    inpaint: ["image", "mask"],
    outpaint: ["image"],
    upscale: ["image"],
    remove_background: ["image"],
  });
  expect(inpaint?.inputSchema.properties?.["mask"]).toMatchObject({
    anyOf: [{ type: "string" }, { type: "object", required: ["download_url", "file_id"] }],
  });
});

test("a prompt that is JSON stays one, as text or as an object", async () => {
  const { app, client } = await studio();
  const prompt = { url: "none", scene: "a boat" };

  for (const given of [prompt, JSON.stringify(prompt)]) {
    const { text } = await call(client, "generate_image", { prompt: given, ...small });
    const task = await app.tasks.get(taskIdIn(text));
    expect(task.params["prompt"]).toBe(JSON.stringify(prompt));
    expect(task.runs[0]?.prompt).toBeUndefined();
  }
});

test("a share of everything may be a percentage", async () => {
  const { app, client } = await studio();
  const made = await call(client, "generate_image", { prompt: "x", ...small });

  const { text } = await call(client, "img2img", {
    image: taskIdIn(made.text),
    prompt: "y",
    strength: "30%",
  });

  expect((await app.tasks.get(taskIdIn(text))).params["strength"]).toBe(0.3);
});

test("several texts are no prompt: nothing is painted from their JSON", async () => {
  const { client } = await studio();

  const { text, isError } = await call(client, "generate_image", { prompt: ["a", "b"], ...small });

  expect(isError).toBe(true);
  expect(text).toBe('prompt: expected text, got ["a","b"].');
});
