import { openImage } from "../../images/decoder.ts";
import { greyRaster, rasterPng, type Size } from "../../images/raster.ts";
import type { Studio } from "../../studio/studio.ts";
import type { Upload } from "../../tasks/uploads.ts";
import { HttpProblem } from "../shared/fastapi.ts";
import { noEffect } from "../shared/warnings.ts";
import type { Pictures } from "./map.ts";
import type { Call } from "./schema.ts";

/** Keeps the pictures of an `img2img` call, at the size it asks for. */
export async function bringPictures(
  studio: Studio,
  call: Call,
): Promise<{ pictures: Pictures; warnings: string[] }> {
  const [first, ...more] = call.init_images ?? [];
  if (first === undefined) throw new HttpProblem(404, "Init image not found");
  const warnings =
    more.length > 0
      ? [noEffect("init_images", `only the first of ${more.length + 1} is used`)]
      : [];
  if (call.resize_mode === 3) warnings.push("resize_mode: 3 resizes the pixels, as 0 does.");
  const given = await studio.pictures.bring("init_images", first);
  const size = { width: call.width ?? given.width, height: call.height ?? given.height };
  const image = await fitted(studio, given, size, call.resize_mode);
  if (call.mask === undefined) return { pictures: { image }, warnings };
  const drawn = await studio.pictures.bring("mask", call.mask);
  const white = await whitePart(
    await studio.pictures.input(drawn.id),
    call.inpainting_mask_invert === 1,
  );
  const mask = await fitted(studio, await studio.pictures.upload(white), size, call.resize_mode);
  return { pictures: { image, mask }, warnings };
}

/** The picture at exactly this size: stretched, cut, or with its edges drawn out. */
async function fitted(
  studio: Studio,
  picture: Upload,
  { width, height }: Size,
  mode = 0,
): Promise<Upload> {
  if (picture.width === width && picture.height === height) return picture;
  const whole = await openImage({ bytes: await studio.pictures.input(picture.id) });
  if (mode !== 2) {
    const fit = mode === 1 ? "cover" : "fill";
    return studio.pictures.upload(await whole.resize({ width, height, fit }).png().toBuffer());
  }
  const scale = Math.min(width / picture.width, height / picture.height);
  const inner = {
    width: Math.max(1, Math.round(picture.width * scale)),
    height: Math.max(1, Math.round(picture.height * scale)),
  };
  const [left, top] = [(width - inner.width) >> 1, (height - inner.height) >> 1];
  const filled = whole.resize({ ...inner, fit: "fill" }).extend({
    ...{ left, right: width - inner.width - left, top, bottom: height - inner.height - top },
    extendWith: "copy",
  });
  return studio.pictures.upload(await filled.png().toBuffer());
}

/** What the web UI repaints: what is opaque where a mask has transparent parts, else what is white. */
async function whitePart(bytes: Buffer, isInverted: boolean): Promise<Buffer> {
  const { isOpaque } = await (await openImage({ bytes })).stats();
  const mask = await openImage({ bytes });
  const grey = isOpaque ? mask.removeAlpha().greyscale() : mask.extractChannel("alpha");
  return rasterPng(await greyRaster(isInverted ? grey.negate() : grey));
}
