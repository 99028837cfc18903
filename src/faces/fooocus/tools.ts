import { openImage } from "../../images/decoder.ts";
import { greyRaster, rasterPng } from "../../images/raster.ts";
import { imagesOf } from "../../tasks/task.ts";
import { NotHere, Unprocessable } from "../shared/fastapi.ts";
import { everMs } from "../shared/patient.ts";
import { formBody, jsonBody } from "./body.ts";
import type { FooocusContext } from "./env.ts";
import { fault } from "./read.ts";
import { styleNames } from "./styles.ts";

/** Masks of the whole subject, which any installed background removal makes. */
const subjectModels = [
  "u2net",
  "u2netp",
  "u2net_human_seg",
  "silueta",
  "isnet-general-use",
  "isnet-anime",
] as const;

/** `POST /v1/tools/generate_mask`: base64 of a PNG, white where the subject is. */
export async function generateMask(c: FooocusContext): Promise<Response> {
  const body = (await jsonBody(c)) as Record<string, unknown>;
  const { image, mask_model: model = "isnet-general-use" } = body;
  if (typeof image !== "string") {
    throw new Unprocessable([fault("missing", ["image"], "Field required", image)]);
  }
  if (!subjectModels.some((each) => each === model)) {
    throw new NotHere(
      `mask_model: ${JSON.stringify(model)} finds clothes or what words name, and no workflow here does that. These find the subject: ${subjectModels.join(", ")}.`,
    );
  }
  const studio = c.get("studio").through("fooocus");
  const { id: picture } = await studio.pictures.bring("image", image);
  const request = { outputFormat: "png" as const, parameters: { image: picture } };
  const { id } = await studio.submit("remove_background", request);
  const task = await studio.wait(id, everMs);
  const [cutOut] = imagesOf(task);
  if (!cutOut) return c.json({ detail: task.error?.message ?? `It ended ${task.state}.` }, 500);
  const { bytes } = await studio.pictures.original(cutOut.id);
  const alpha = (await openImage({ bytes })).ensureAlpha().extractChannel("alpha");
  return c.json((await rasterPng(await greyRaster(alpha))).toString("base64"));
}

/** `POST /v1/tools/describe-image`: JSON, or the older form. */
export async function describeImage(c: FooocusContext): Promise<Response> {
  const { image } = await formBody(c);
  if (typeof image !== "string") {
    throw new Unprocessable([fault("missing", ["image"], "Field required", image)]);
  }
  throw new NotHere(
    "Pictures are not described here: the workflows of this server make pictures, and none answers in words.",
  );
}

/** `GET /v1/engines/all-models`: what there is to put into a call. */
export async function allModels(c: FooocusContext): Promise<Response> {
  const { models, loras } = await c.get("studio").installed();
  const files = models
    .filter(({ tool }) => tool === "generate_image")
    .flatMap(({ files: all }) => all);
  return c.json({ model_filenames: [...new Set(files)].sort(), lora_filenames: loras });
}

/** `GET /v1/engines/styles`: Fooocus's names, then those that only this server has. */
export function styles(c: FooocusContext): Response {
  const own = c.get("studio").styles();
  return c.json([...styleNames, ...own.map(({ name }) => name)]);
}
