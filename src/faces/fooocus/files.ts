import { deliver } from "../../images/convert.ts";
import { sniff } from "../../images/sniff.ts";
import { formatIn, formatNamed, pictureBytes } from "./deliver.ts";
import type { FooocusContext } from "./env.ts";
import { pictureAt } from "./names.ts";

/** What a name stands for never changes, but it is one caller's. */
const caching = "private, max-age=31536000, immutable";

/** `GET /outputs/DATE/FILE`, and the older `/files/DATE/FILE`. */
export async function outputFile(c: FooocusContext): Promise<Response> {
  const { date = "", file = "" } = c.req.param() as Record<string, string>;
  const studio = c.get("studio");
  const extension = formatNamed(file.replace(/^.*\./, "").toLowerCase());
  const found = extension && (await pictureAt(studio, date, file));
  if (!found) return c.body(null, 404);
  const format = formatIn(c.req.header("accept"));
  return send(c, await pictureBytes(studio, found.task, found.image, format));
}

/** `GET /inputs/HASH.png` */
export async function inputFile(c: FooocusContext): Promise<Response> {
  const hash = /^([0-9a-f]{64})(\.\w+)?$/.exec(c.req.param("file") ?? "")?.[1];
  const bytes =
    hash &&
    (await c
      .get("studio")
      .pictures.input(`u${hash}`)
      .catch(() => undefined));
  if (!bytes) return c.body(null, 404);
  return send(c, await deliver(bytes, { format: formatIn(c.req.header("accept")) }));
}

function send(c: FooocusContext, bytes: Buffer): Response {
  return c.body(new Uint8Array(bytes), 200, {
    "content-type": sniff(bytes).mimeType ?? "application/octet-stream",
    "cache-control": caching,
    vary: "Accept",
  });
}
