import { readFile, writeFile } from "node:fs/promises";
import path from "node:path";
import sharp from "sharp";
import { expect, test } from "vitest";
import type { EmulatorNode } from "../../src/emulator/node.ts";
import { filmGraph } from "../fixtures/exports/film.ts";
import {
  call,
  connect,
  imageIdsIn,
  pathsIn,
  startApp,
  startEmulator,
  tempDir,
} from "../support/world.ts";

const film = Buffer.from("\x1aE\xdf\xa3\x9fB\x86\x81\x01B\x82\x84webm and frames", "latin1");

/** Saves a film as ComfyUI 0.33.0 lists one (`comfy_extras/nodes_video.py`). */
const saveFilm: EmulatorNode = {
  info: {
    name: "SaveWEBM",
    input: { required: { images: ["IMAGE"], filename_prefix: ["STRING", {}] } },
    output: [],
    output_node: true,
  },
  run(inputs, { disk }) {
    const filename = `${inputs.text("filename_prefix", "fox")}_00001_.webm`;
    disk.write("output", filename, film);
    const images = [{ filename, subfolder: "", type: "output" }];
    return { outputs: [], ui: { images, animated: [true] } };
  },
};

async function studio() {
  const models = { checkpoints: ["v1-5-pruned-emaonly-fp16.safetensors"] };
  const emulator = await startEmulator({ extraNodes: [saveFilm], models });
  const workflowsDir = await tempDir();
  await writeFile(path.join(workflowsDir, "fox_film.json"), JSON.stringify(filmGraph("SaveWEBM")));
  const { deps, dataDir } = await startApp(emulator.url, { workflowsDir, resultLinks: "always" });
  return { client: await connect(deps), dataDir };
}

test("a film is kept as a file of its type, named, linked, read and saved", async () => {
  const { client, dataDir } = await studio();
  const folder = `${path.join(dataDir, "films")}/`;
  const made = await call(client, "fox_film", { prompt: "a fox runs", save_to: folder });

  expect(made.isError, made.text).toBe(false);
  expect(made.text).toMatch(/1 file in/);
  expect(made.text).toMatch(/- image t\S+: 64x64 WEBM video, 1 KB/);
  const [file = ""] = pathsIn(made.text);
  expect(path.extname(file)).toBe(".webm");
  expect(await readFile(file)).toEqual(film);
  expect(made.text).not.toContain("Note:");
  const [still, ...others] = made.content.filter(({ type }) => type === "image");
  expect(others).toEqual([]);
  const shown = await sharp(Buffer.from(String(still?.["data"]), "base64")).metadata();
  expect([shown.width, shown.height]).toEqual([64, 64]);
  expect(made.content.at(-1)).toMatchObject({ type: "resource_link", mimeType: "video/webm" });
  const [id = ""] = imageIdsIn(made.text);
  expect(await readFile(path.join(folder, `${id}.webm`))).toEqual(film);

  const { contents } = await client.readResource({ uri: `comfy://images/${id}` });
  expect(contents[0]).toMatchObject({ mimeType: "video/webm", blob: film.toString("base64") });
  const looked = await call(client, "get_image", { image_id: id });
  expect(looked.text).toContain("64x64 WEBM video, 1 KB; its first frame is shown");
  expect(looked.content.filter(({ type }) => type === "image")).toHaveLength(1);
  expect(looked.text).toContain(file);
  expect((await call(client, "list_tasks")).text).toContain(id);

  const given = await call(client, "img2img", { prompt: "a fox", image: id });
  expect(given.isError).toBe(true);
  expect(given.text).toContain("a video");
});

test("what was asked of a picture is said not to be done to a film, and it is deleted with its task", async () => {
  const { client } = await studio();
  const made = await call(client, "fox_film", { prompt: "a fox runs", output_format: "jpeg" });
  expect(made.text).toContain("without output_format jpeg");

  const [file = ""] = pathsIn(made.text);
  await call(client, "delete_tasks", { state: "completed" });
  await expect(readFile(file)).rejects.toThrow("ENOENT");
});

test("a ComfyUI that cannot give a frame gives the film alone, unless a picture lies beside it", async () => {
  const models = { checkpoints: ["v1-5-pruned-emaonly-fp16.safetensors"] };
  const withBeside: EmulatorNode = {
    ...saveFilm,
    info: { ...saveFilm.info, name: "VHS_VideoCombine" },
    async run(_, { disk }) {
      const black = {
        create: { width: 48, height: 32, channels: 3 as const, background: "black" },
      };
      disk.write("output", "fox_00001.png", await sharp(black).png().toBuffer());
      disk.write("output", "fox_00001.webm", film);
      const gif = { filename: "fox_00001.webm", subfolder: "", type: "output" };
      return { outputs: [], ui: { gifs: [{ ...gif, workflow: "fox_00001.png" }] } };
    },
  };
  const emulator = await startEmulator({
    ...{ extraNodes: [saveFilm, withBeside], models, withoutNodes: ["ImageFromBatch"] },
  });
  const workflowsDir = await tempDir();
  for (const [name, save] of [
    ["plain", "SaveWEBM"],
    ["beside", "VHS_VideoCombine"],
  ] as const) {
    await writeFile(path.join(workflowsDir, `${name}.json`), JSON.stringify(filmGraph(save)));
  }
  const { deps } = await startApp(emulator.url, { workflowsDir });
  const client = await connect(deps);

  const plain = await call(client, "plain", { prompt: "a fox" });
  const beside = await call(client, "beside", { prompt: "a fox" });

  expect(plain.text).toMatch(/- image t\S+: WEBM video/);
  expect(plain.content.some(({ type }) => type === "image")).toBe(false);
  expect(beside.text).toMatch(/- image t\S+: 48x32 WEBM video/);
  expect(beside.content.some(({ type }) => type === "image")).toBe(true);
});
