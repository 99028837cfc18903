import sharp from "sharp";
import type { FolderName } from "../../as-comfyui/annotation.ts";
import { PythonError, typeName } from "../../as-comfyui/python.ts";
import { asciiJson } from "../../as-comfyui/reply.ts";
import type { NodeOutput, OutputFile } from "../../comfy/protocol.ts";
import type { NodeBehaviour, NodeContext, NodeResult } from "../node.ts";
import { outputName } from "../output-name.ts";
import { pngOf } from "../png.ts";
import type { Raster } from "../raster.ts";
import type { Images, Inputs, Masks } from "../values.ts";

async function save(
  frames: Raster[],
  folder: FolderName,
  prefix: string,
  context: NodeContext,
): Promise<OutputFile[]> {
  const { disk, graph, extraPnginfo } = context;
  const [first] = frames;
  if (!first) return [];
  const { subfolder, stem, counter } = outputName(disk, folder, prefix, first);
  const texts = { prompt: asciiJson(graph), ...chunksOf(extraPnginfo) };
  const files: OutputFile[] = [];
  for (const [index, frame] of frames.entries()) {
    const name = stem.replaceAll("%batch_num%", String(index));
    const filename = `${name}_${String(counter + index).padStart(5, "0")}_.png`;
    const path = subfolder ? `${subfolder}/${filename}` : filename;
    disk.write(folder, path, await pngOf(frame, texts));
    files.push({ filename, subfolder, type: folder });
  }
  return files;
}

/** One text for each key; what has no keys makes ComfyUI raise, unless there is nothing in it. */
function chunksOf(values: unknown): Record<string, string> {
  if (values === null || values === undefined) return {};
  if (typeof values !== "object" && typeof values !== "string") {
    throw new PythonError("TypeError", `'${typeName(values)}' object is not iterable`);
  }
  if (typeof values === "string" || Array.isArray(values)) {
    if (values.length === 0) return {};
    const kind = typeof values === "string" ? "string indices" : "list indices";
    throw new PythonError("TypeError", `${kind} must be integers, not 'str'`);
  }
  return Object.fromEntries(Object.entries(values).map(([key, value]) => [key, asciiJson(value)]));
}

async function saveImage(inputs: Inputs, context: NodeContext): Promise<NodeResult> {
  const pictures = inputs.take("image", "images");
  const prefix = inputs.text("filename_prefix", "ComfyUI");
  const files = await save(pictures.frames, "output", prefix, context);
  return saved(pictures, { images: files });
}

async function previewImage(inputs: Inputs, context: NodeContext): Promise<NodeResult> {
  const pictures = inputs.take("image", "images");
  const files = await save(pictures.frames, "temp", temporaryPrefix(), context);
  return saved(pictures, { images: files });
}

async function previewMask(inputs: Inputs, context: NodeContext): Promise<NodeResult> {
  const shown = inputs.take("mask", "mask");
  const files = await save(shown.frames.map(grey), "temp", temporaryPrefix(), context);
  return saved(shown, { images: files, animated: [false] });
}

function saved(value: Images | Masks, ui: NodeOutput): NodeResult {
  return { outputs: [value], ui };
}

function grey({ width, height, data }: Masks["frames"][number]): Raster {
  const rgb = Buffer.alloc(data.length * 3);
  for (let at = 0; at < data.length; at += 1) rgb.fill(data[at] ?? 0, at * 3, at * 3 + 3);
  return { width, height, channels: 3, data: rgb };
}

/** `ComfyUI_temp_` and five letters, so that previews never meet. */
function temporaryPrefix(): string {
  const letters = "abcdefghijklmnopqrstupvxyz";
  const random = Array.from(
    { length: 5 },
    () => letters[Math.trunc(Math.random() * letters.length)],
  );
  return `ComfyUI_temp_${random.join("")}`;
}

/** The pictures go over the socket as previews do; nothing is written or listed. */
async function saveToSocket(inputs: Inputs, context: NodeContext): Promise<NodeResult> {
  const { frames } = inputs.take("image", "images");
  for (const [index, frame] of frames.entries()) {
    await context.tick(index, frames.length, { format: "png", bytes: await pngOf(frame) });
  }
  return { outputs: [] };
}

async function saveAnimatedWebp(inputs: Inputs, context: NodeContext): Promise<NodeResult> {
  const pictures = inputs.take("image", "images");
  const [first] = pictures.frames;
  if (!first) return saved(pictures, { images: [], animated: [true] });
  const { disk } = context;
  const { subfolder, stem, counter } = outputName(
    disk,
    "output",
    inputs.text("filename_prefix"),
    first,
  );
  const filename = `${stem}_${String(counter).padStart(5, "0")}_.webp`;
  const frames = await Promise.all(pictures.frames.map((frame) => pngOf(frame)));
  const delay = frames.map(() => Math.round(1000 / inputs.number("fps", 6)));
  const animation = sharp(frames, { join: { animated: true } }).webp({
    delay,
    lossless: inputs.flag("lossless"),
    quality: Math.max(inputs.number("quality", 80), 1),
  });
  disk.write(
    "output",
    subfolder ? `${subfolder}/${filename}` : filename,
    await animation.toBuffer(),
  );
  const file = { filename, subfolder, type: "output" };
  return saved(pictures, { images: [file], animated: [true] });
}

export const outputNodes: Record<string, NodeBehaviour> = {
  SaveImage: { run: saveImage },
  PreviewImage: { run: previewImage },
  MaskPreview: { run: previewMask },
  SaveAnimatedWEBP: { run: saveAnimatedWebp },
  SaveImageWebsocket: { run: saveToSocket, changed: "always" },
};
