import { type Context, Hono } from "hono";
import { AppError, refuseUnlessWhole } from "../../../errors.ts";
import { type DeliveryFormat, deliver } from "../../../images/convert.ts";
import { inspectImage } from "../../../images/inspect.ts";
import { isPicture, sniffMedia } from "../../../images/media.ts";
import { preview } from "../../../images/preview.ts";
import { sniff } from "../../../images/sniff.ts";
import { inputHashOf } from "../../../tasks/task.ts";
import { outputFormats } from "../../../workflows/request.ts";
import { sendRange } from "../../shared/range.ts";
import { fileName } from "./file-name.ts";
import type { FilesParts, RestContext, RestEnv } from "./parts.ts";
import { answerErrors, HttpRefusal, needs } from "./refusals.ts";

/** What an id stands for never changes, but it is one caller's. */
const caching = "private, max-age=31536000, immutable";
/** Of a redirect: less than the link lives that it goes to. */
const cachingOfLink = "private, max-age=240";
const largestCopy = 8_192;

/** A picture that is known by its record and read only when it is sent. */
interface Found {
  id: string;
  sha256: string;
  prompt: string;
  isPicture: boolean;
  read(): Promise<Buffer>;
  readPreview(): Promise<Buffer>;
  /** Where it can be fetched instead; undefined where it is sent from here. */
  link(download: boolean): Promise<string | undefined>;
}

/** Everything below `/files`: pictures and inputs by their ids; without `images/` as in 0.1.0. */
export function filesApi(parts: FilesParts): Hono<RestEnv> {
  const app = new Hono<RestEnv>();
  app.onError(answerErrors(parts.log));
  app.use(needs(parts, "read"));
  app.on("GET", ["/images/:id", "/:id"], async (c) => {
    const found = await find(c);
    const { format, width } = c.req.query();
    const copy = { format: formatIn(format), width: widthIn(width) };
    const isCopy = copy.format !== undefined || copy.width !== undefined;
    const link = isCopy || c.req.method === "HEAD" ? undefined : await found.link(isDownload(c));
    if (link !== undefined) {
      c.header("Cache-Control", cachingOfLink);
      return c.redirect(link, 307);
    }
    const variant = isCopy ? `-${copy.format ?? ""}-${copy.width ?? ""}` : "";
    return send(c, found, variant, async () => {
      if (!isCopy) return found.read();
      // What is no picture is shown by its preview.
      return smaller(await (found.isPicture ? found.read() : found.readPreview()), copy);
    });
  });
  app.on("GET", ["/images/:id/preview", "/:id/preview"], async (c) => {
    const found = await find(c);
    return send(c, found, "-preview", () => found.readPreview());
  });
  app.all("*", (c) => {
    throw new HttpRefusal(404, "not_found", `There is no ${c.req.method} on this address.`);
  });
  return app;
}

async function find(c: RestContext): Promise<Found> {
  const id = c.req.param("id") ?? "";
  const studio = c.get("studio");
  const sha256 = inputHashOf(id);
  if (sha256 !== undefined) {
    const bytes = await studio.pictures.input(id);
    const readPreview = async () => (await preview(bytes)).data;
    const link = async () => undefined;
    return { id, sha256, prompt: "", isPicture: true, read: async () => bytes, readPreview, link };
  }
  const { record, task } = await studio.pictures.image(id);
  const prompt = String(task.params["prompt"] ?? "");
  return {
    id,
    sha256: record.sha256,
    prompt,
    isPicture: isPicture(record.mimeType),
    read: async () => (await studio.pictures.original(id)).bytes,
    readPreview: async () => (await studio.pictures.preview(id)).data,
    link: async (download) =>
      studio.pictures.link(id, {
        disposition: disposition(download, fileName(prompt, id, record.mimeType)),
        cacheControl: caching,
      }),
  };
}

async function send(
  c: Context,
  { id, sha256, prompt }: Found,
  variant: string,
  read: () => Promise<Buffer>,
): Promise<Response> {
  const etag = `"${sha256}${variant}"`;
  c.header("ETag", etag);
  c.header("Cache-Control", caching);
  c.header("X-Content-Type-Options", "nosniff");
  if (isSame(c.req.header("if-none-match"), etag)) return c.body(null, 304);
  const bytes = await read();
  const mimeType = sniff(bytes).mimeType ?? sniffMedia(bytes);
  if (mimeType === undefined) throw new Error(`the file of ${id} is of no known type`);
  c.header("Content-Type", mimeType);
  c.header("Content-Disposition", disposition(isDownload(c), fileName(prompt, id, mimeType)));
  return sendRange(c, bytes, etag);
}

function isDownload(c: Context): boolean {
  return c.req.query("download") === "1";
}

function disposition(download: boolean, name: string): string {
  return `${download ? "attachment" : "inline"}; filename="${name}"`;
}

function isSame(given: string | undefined, etag: string): boolean {
  const tags = given?.split(",").map((tag) => tag.trim().replace(/^W\//, "")) ?? [];
  return tags.includes(etag) || tags.includes("*");
}

interface Copy {
  format: DeliveryFormat | undefined;
  width: number | undefined;
}

/** Never larger than the picture is. */
async function smaller(bytes: Buffer, { format, width }: Copy): Promise<Buffer> {
  if (width === undefined) return deliver(bytes, { format });
  const own = await inspectImage(bytes, "The picture");
  return deliver(bytes, { format, width: Math.min(width, own.width) });
}

function formatIn(text: string | undefined): DeliveryFormat | undefined {
  if (text === undefined) return undefined;
  const format = outputFormats.find((each) => each === text);
  if (format) return format;
  throw new AppError(
    "invalid_input",
    `format: expected ${outputFormats.join(", ")}, got ${JSON.stringify(text.slice(0, 20))}.`,
  );
}

function widthIn(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const width = /^\d{1,5}$/.test(text) ? Number(text) : Number.NaN;
  refuseUnlessWhole("width", width, 16, largestCopy);
  return width;
}
