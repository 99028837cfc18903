import { expect, test } from "vitest";
import { WebSocket } from "ws";
import { Emulator } from "../../src/emulator/emulator.ts";
import { describeEmulator, emptyImage, saveImage, startEmulator, tinyGraph } from "./support.ts";

describeEmulator("versions", () => {
  test("system_stats tells the version asked for", async () => {
    const [comfy] = await startEmulator({ version: "0.3.64" });

    expect((await comfy.json("/system_stats")).system.comfyui_version).toBe("0.3.64");
  });

  test.for([
    ["0.3.64", 404, 404],
    ["0.6.0", 200, 404],
    ["0.25.0", 200, 404],
    ["0.26.0", 200, 200],
  ] as const)("%s answers jobs with %i and cancels with %i", async ([version, list, cancel]) => {
    const [comfy] = await startEmulator({ version });

    expect((await comfy.fetch("/api/jobs")).status).toBe(list);
    const response = await comfy.post("/api/jobs/x/cancel");
    expect(response.status === 405 ? 404 : response.status).toBe(cancel);
  });

  test("before 0.25 any text may be a prompt id", async () => {
    const [old] = await startEmulator({ version: "0.24.0" });
    const [young] = await startEmulator({ version: "0.25.0" });

    expect((await old.submit(tinyGraph(), { prompt_id: "mine" })).body.prompt_id).toBe("mine");
    expect((await young.submit(tinyGraph(), { prompt_id: "mine" })).status).toBe(400);
  });

  test("before 0.3.68 extra_data of null is accepted and ends the worker", async () => {
    const [comfy] = await startEmulator({ version: "0.3.64" });
    const [young] = await startEmulator({ version: "0.3.68" });
    const asked = { prompt: tinyGraph(), extra_data: null };

    expect((await young.post("/prompt", asked)).status).toBe(500);
    expect((await comfy.post("/prompt", { ...asked, client_id: "x" })).status).toBe(500);
    expect((await comfy.post("/prompt", asked)).status).toBe(200);
    expect((await comfy.submit(tinyGraph())).status).toBe(200);
    const { queue_running, queue_pending } = await comfy.json("/queue");
    expect([queue_running.length, queue_pending.length]).toEqual([1, 1]);
    expect(await comfy.json("/history")).toEqual({});
  });

  test("before 0.12 a missing class is an invalid prompt", async () => {
    const [comfy] = await startEmulator({ version: "0.11.0" });

    const { body } = await comfy.submit({ "1": { class_type: "Nope", inputs: {} } });

    expect(body.error.type).toBe("invalid_prompt");
  });

  test("nodes come and change with the version", async () => {
    const [old] = await startEmulator({ version: "0.5.0" });
    const info = await old.json("/object_info");

    expect(info).not.toHaveProperty("RemoveBackground");
    expect(info.SaveImage.output).toEqual([]);
    expect(info.ImageScaleToTotalPixels.input.required).not.toHaveProperty("resolution_steps");
  });
});

describeEmulator("what is installed", () => {
  test("models replace the default lists, in choices and folders", async () => {
    const [comfy] = await startEmulator({
      models: { checkpoints: ["b.safetensors", "a.safetensors"] },
    });
    const { CheckpointLoaderSimple, UNETLoader, VAELoader } = await comfy.json("/object_info");

    const [checkpoints] = CheckpointLoaderSimple.input.required.ckpt_name;
    expect(checkpoints).toEqual(["a.safetensors", "b.safetensors"]);
    expect(UNETLoader.input.required.unet_name[0]).toEqual([]);
    expect(VAELoader.input.required.vae_name[0]).toEqual(["pixel_space"]);
    expect(await comfy.json("/models/checkpoints")).toEqual(["a.safetensors", "b.safetensors"]);
  });

  test("a class can be missing", async () => {
    const [comfy] = await startEmulator({ withoutNodes: ["UnetLoaderGGUF"] });

    expect(await comfy.json("/object_info/UnetLoaderGGUF")).toEqual({});
    const { body } = await comfy.submit({ "1": { class_type: "UnetLoaderGGUF", inputs: {} } });
    expect(body.error.type).toBe("missing_node_type");
  });
});

describeEmulator("where it lives", () => {
  test("a proxy's header is asked for on HTTP and on the socket", async () => {
    const auth = { header: "Authorization", value: "Bearer x" };
    const [comfy] = await startEmulator({ auth });
    const open = (headers: Record<string, string>) =>
      new Promise<string>((resolve) => {
        const socket = new WebSocket(`${comfy.url.replace("http", "ws")}/ws`, { headers });
        socket.once("open", () => resolve("open"));
        socket.once("error", ({ message }) => resolve(message));
      });

    const headers = { Authorization: "Bearer x" };
    expect((await comfy.fetch("/queue")).status).toBe(401);
    expect((await comfy.fetch("/queue", { headers })).status).toBe(200);
    expect(await open({})).toContain("401");
    expect(await open(headers)).toBe("open");
  });

  test("everything can live below a path", async () => {
    const [comfy, emulator] = await startEmulator({ pathPrefix: "/comfy" });

    const { entry } = await comfy.run(tinyGraph());

    expect(emulator.url).toMatch(/\/comfy$/);
    expect(entry.status?.status_str).toBe("success");
    expect((await fetch(new URL("/queue", emulator.url))).status).toBe(404);
  });

  test("history forgets the oldest beyond its size", async () => {
    const [comfy] = await startEmulator({ history: 2 });
    const listener = await comfy.connect();
    const first = await comfy.run(tinyGraph(), {}, listener);
    for (let run = 0; run < 3; run += 1) await comfy.run(tinyGraph(), {}, listener);

    // As in ComfyUI, one more than the size is held.
    expect(Object.keys(await comfy.json("/history"))).toHaveLength(3);
    expect(await comfy.json(`/history/${first.promptId}`)).toEqual({});
  });

  test("another process steers it over HTTP when that was asked for", async () => {
    const [comfy, emulator] = await startEmulator({ control: true });
    const listener = await comfy.connect();
    await comfy.post("/emulator/faults", { neverStart: true });
    await comfy.post("/emulator/hold", { class_type: "SaveImage" });
    const graph = { "1": emptyImage(), "2": saveImage(["1", 0]) };
    const { body } = await comfy.submit(graph, { client_id: listener.clientId });

    expect((await comfy.job(body.prompt_id)).status).toBe("pending");
    await comfy.post("/emulator/faults", { neverStart: false });
    await listener.executing(body.prompt_id, "2");
    await comfy.post("/emulator/release");
    await listener.end(body.prompt_id);

    const requests = await comfy.json("/emulator/requests");
    expect(requests).toEqual(emulator.requests);
    expect(requests.map(({ path }: { path: string }) => path)).toContain("/prompt");
    expect((await comfy.post("/emulator/nonsense")).status).toBe(404);
    await comfy.post("/emulator/drop-sockets");
    await listener.closed;
  });

  test("control is off unless asked for", async () => {
    const [comfy] = await startEmulator();

    expect((await comfy.post("/emulator/faults", {})).status).toBe(405);
  });

  test("a restart over HTTP brings a new process to the same port", async () => {
    const [comfy, emulator] = await startEmulator({ control: true });
    const listener = await comfy.connect();
    await comfy.run(tinyGraph(), {}, listener);

    const { status } = await comfy.post("/emulator/restart");
    await listener.closed;
    // One after another: this one begins when the first has ended.
    await emulator.restart();

    expect(status).toBe(200);
    expect(await comfy.json("/history")).toEqual({});
  });

  test("two emulators live side by side", async () => {
    const [one, two] = await Promise.all([Emulator.start(), Emulator.start()]);

    expect(one.url).not.toBe(two.url);
    await Promise.all([one.close(), two.close()]);
  });
});
