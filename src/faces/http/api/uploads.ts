import { type OpenAPIHono, z } from "@hono/zod-openapi";
import { bodyLimit } from "hono/body-limit";
import { refusal } from "../../../errors.ts";
import { megabytes } from "../../../words.ts";
import type { RestContext, RestEnv, RestParts } from "./parts.ts";
import { HttpRefusal, needs } from "./refusals.ts";
import { answers, uploadSchema } from "./schemas.ts";

/** As much as is read of a picture from anywhere else. */
const maxBytes = 50_000_000;
/** What a form adds to its file. */
const formBytes = 100_000;

/** Pictures that come ahead of the call that uses them. */
export function uploadRoutes(app: OpenAPIHono<RestEnv>, parts: RestParts): void {
  const binary = { schema: z.string().openapi({ format: "binary" }) };
  app.openAPIRegistry.registerPath({
    method: "post",
    path: "/uploads",
    summary: "Send a picture for image, mask or background",
    request: {
      body: {
        required: true,
        content: {
          "image/*": binary,
          "multipart/form-data": { schema: z.object({ file: binary.schema }) },
        },
      },
    },
    responses: answers("Its id", uploadSchema, 201),
  });
  app.post("/uploads", needs(parts, "generate"), limited, async (c) => {
    const bytes = await sent(c);
    if (bytes.length > maxBytes) throw tooLarge();
    const studio = c.get("studio");
    const { id, width, height, mimeType, bytes: kept } = await studio.pictures.upload(bytes);
    const url = studio.pictures.url(id) ?? null;
    c.header("Location", `/files/images/${id}`);
    return c.json({ id, width, height, mime_type: mimeType, bytes: kept, url }, 201);
  });
}

const limited = bodyLimit({
  maxSize: maxBytes + formBytes,
  onError: () => {
    throw tooLarge();
  },
});

async function sent(c: RestContext): Promise<Buffer> {
  const type = c.req.header("content-type")?.split(";")[0]?.trim().toLowerCase() ?? "";
  if (type === "multipart/form-data") return fileIn(c);
  if (type.startsWith("image/")) return Buffer.from(await c.req.arrayBuffer());
  throw new HttpRefusal(
    415,
    "unsupported_media_type",
    `The Content-Type is ${type === "" ? "missing" : JSON.stringify(type.slice(0, 60))}; send image/png, another image type, or multipart/form-data with one file.`,
  );
}

async function fileIn(c: RestContext): Promise<Buffer> {
  const form = await c.req.formData().catch((error) => {
    throw refusal("The form cannot be read: it is cut short, or its boundary is wrong.", error);
  });
  const files = [...form.values()].filter((value) => value instanceof File);
  const [file] = files;
  if (!file || files.length > 1) {
    throw refusal(`The form holds ${files.length} files; send exactly one.`);
  }
  return Buffer.from(await file.arrayBuffer());
}

function tooLarge(): HttpRefusal {
  return new HttpRefusal(
    413,
    "too_large",
    `The picture is larger than ${megabytes(maxBytes)}. Send a smaller version.`,
  );
}
