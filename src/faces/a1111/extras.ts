import { deliver } from "../../images/convert.ts";
import { sniff } from "../../images/sniff.ts";
import { imagesOf } from "../../tasks/task.ts";
import type { Upload } from "../../tasks/uploads.ts";
import { textsOf } from "../../workflows/carried.ts";
import { sourceOf } from "../../workflows/carriers/source.ts";
import type { FaceContext } from "../shared/env.ts";
import { failureOf } from "../shared/failure.ts";
import { HttpProblem } from "../shared/fastapi.ts";
import { hereOf } from "../shared/here.ts";
import { readInfotext } from "../shared/infotext.ts";
import { everMs } from "../shared/patient.ts";
import { noEffect } from "../shared/warnings.ts";
import { enlarge } from "./enlarge.ts";
import { formatOf } from "./map.ts";
import { optionsOf } from "./options.ts";
import { knownExtras, type Resizing, readBatch, readExtras, readInfoCall } from "./schema.ts";

/** `POST /extra-single-image`: one picture, enlarged. */
export async function extraSingle(c: FaceContext): Promise<Response> {
  const call = await readExtras(c);
  const { image } = call;
  if (image === undefined) throw new HttpProblem(404, "Image not found");
  const { pictures, warnings } = await enlargeAll(c, [image], call);
  return c.json({ html_info: "", image: pictures[0] ?? null, ...told(warnings) });
}

/** `POST /extra-batch-images` */
export async function extraBatch(c: FaceContext): Promise<Response> {
  const call = await readBatch(c);
  const images = call.imageList.map(({ data }) => data);
  const { pictures, warnings } = await enlargeAll(c, images, call);
  return c.json({ html_info: "", images: pictures, ...told(warnings) });
}

function told(warnings: readonly string[]): { warnings?: readonly string[] } {
  return warnings.length > 0 ? { warnings } : {};
}

async function enlargeAll(
  c: FaceContext,
  images: readonly string[],
  call: Resizing,
): Promise<{ pictures: string[]; warnings: string[] }> {
  const studio = c.get("studio");
  const [here, options] = await Promise.all([hereOf(studio), optionsOf(studio)]);
  const format = formatOf(options);
  const warnings = new Set(unheardIn(call));
  const made = images.map(async (image) => {
    const picture = await studio.pictures.bring("image", image);
    const { upscaler_1: upscaler } = call;
    const wanted = { image: picture.id, upscaler, field: "upscaler_1", ...sizeOf(call, picture) };
    const mapped = enlarge(wanted, here, format);
    const { id } = await studio.submit("upscale", mapped.request, { signal: c.req.raw.signal });
    const task = await studio.wait(id, everMs);
    const [enlarged] = imagesOf(task);
    if (!enlarged) throw failureOf(task);
    for (const warning of [...mapped.warnings, ...task.warnings]) warnings.add(warning);
    if (call.show_extras_results === false) return [];
    const { bytes } = await studio.pictures.original(enlarged.id);
    return [(await deliver(bytes, { format })).toString("base64")];
  });
  return { pictures: (await Promise.all(made)).flat(), warnings: [...warnings] };
}

/** `resize_mode` 0: so many times; 1: to a size, into which the picture is cut unless it is to be kept whole. */
function sizeOf(call: Resizing, picture: Upload) {
  const { upscaling_resize: factor = 2, upscaling_crop: isCut = true } = call;
  const { upscaling_resize_w: width = 512, upscaling_resize_h: height = 512 } = call;
  if (call.resize_mode === 1 && isCut) return { size: { width, height } };
  const inside = Math.min(width / picture.width, height / picture.height);
  const scale = call.resize_mode === 1 ? inside : factor;
  const times = (side: number) => Math.max(1, Math.round(side * scale));
  return { size: { width: times(picture.width), height: times(picture.height) } };
}

const faces = "no workflow here restores faces";
const unheard: Readonly<Record<string, string>> = {
  gfpgan_visibility: faces,
  codeformer_visibility: faces,
  upscaler_2: "one upscaler is used",
};

function unheardIn(call: Readonly<Record<string, unknown>>): string[] {
  const silent = ["codeformer_weight", "extras_upscaler_2_visibility", "upscale_first"];
  return Object.entries(call).flatMap(([name, value]) => {
    if (knownExtras.includes(name) || silent.includes(name)) return [];
    if (value === null || value === 0 || value === "" || value === "None") return [];
    const why = Object.hasOwn(unheard, name) ? unheard[name] : undefined;
    return [noEffect(name.slice(0, 60), why ?? "there is no such field")];
  });
}

/** `POST /png-info`: what a picture says of how it was made. */
export async function pngInfo(c: FaceContext): Promise<Response> {
  const { image } = await readInfoCall(c);
  c.get("studio").demand("read");
  const bytes = Buffer.from(image.trim().replace(/^data:[^,]*,/, ""), "base64");
  if (!sniff(bytes).mimeType) throw new HttpProblem(500, "Invalid encoded image");
  const texts = await textsOf(sourceOf(bytes));
  const items = Object.fromEntries(texts.all);
  const info = texts.get("parameters") ?? texts.get("comment") ?? "";
  return c.json({ info, items, parameters: info === "" ? {} : readInfotext(info) });
}
