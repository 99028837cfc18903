import { Hono } from "hono";
import type { Studio } from "../../studio/studio.ts";
import { filesApi } from "./api/files.ts";
import type { FilesParts, RestParts } from "./api/parts.ts";
import { errorOf } from "./api/refusals.ts";
import { restApi } from "./api/rest.ts";
import { type HttpEnv, mounted, studioOf } from "./env.ts";
import type { Face } from "./face.ts";
import type { Refusal } from "./refusal.ts";
import { type SignedParts, signed } from "./signed.ts";

/** A picture as base64 in an argument, and what is around it; uploads say their own limit. */
const longestBody = 72 * 1024 * 1024;

/** REST at `/api/v1`; its refusals and those of the guards have one shape. */
export function restFace(parts: RestParts): Face {
  const app = withStudio().route("/", mounted(restApi(parts)));
  return { path: "/api/v1", app, access: "key", refuse, longestBody };
}

/** Pictures at `/files`; a link that was signed opens its picture to whoever has no key. */
export function filesFace(parts: FilesParts & SignedParts): Face {
  const app = new Hono<HttpEnv>()
    .use("/images/:id/*", signed(parts))
    .route("/", withStudio())
    .route("/", mounted(filesApi(parts)));
  return { path: "/files", app, access: "open", refuse };
}

function withStudio(): Hono<HttpEnv> {
  return new Hono<HttpEnv>().use(async (c, next) => {
    c.set("studio", named(studioOf(c), c.req.header("x-easel-client")));
    await next();
  });
}

/** Who asks when its key does not say, as it calls itself; the page is a face of its own. */
function named(studio: Studio, given: string | undefined): Studio {
  const client = given?.replace(/[^\x20-\x7e]/g, "").slice(0, 60);
  if (!client) return studio.through("rest");
  return client === "page" ? studio.through("page") : studio.through("rest", client);
}

function refuse(refusal: Refusal): Response {
  return Response.json(errorOf(refusal), { status: refusal.status, headers: refusal.headers });
}
