import { existsSync } from "node:fs";
import { serveStatic } from "@hono/node-server/serve-static";
import { Hono } from "hono";
import { secureHeaders } from "hono/secure-headers";
import { shipped } from "../../shipped.ts";
import type { HttpEnv } from "./env.ts";
import type { Face } from "./face.ts";
import { plainRefusal } from "./refusal.ts";

/** Nothing from elsewhere, and no script or style in the page itself; see `docs/rest.md`. */
const policy = secureHeaders({
  contentSecurityPolicy: {
    defaultSrc: ["'none'"],
    scriptSrc: ["'self'"],
    styleSrc: ["'self'"],
    imgSrc: ["'self'", "blob:", "data:"],
    mediaSrc: ["'self'", "blob:"],
    fontSrc: ["'self'"],
    connectSrc: ["'self'"],
    baseUri: ["'none'"],
    formAction: ["'none'"],
    frameAncestors: ["'none'"],
  },
  xFrameOptions: "DENY",
  strictTransportSecurity: false,
});

/** The page at `/`, for whoever opens it: without a key it shows nothing. Undefined where it was not built. */
export function pageFace(root = shipped.page): Face | undefined {
  if (!existsSync(`${root}/index.html`)) return undefined;
  const app = new Hono<HttpEnv>();
  app.use(policy);
  app.use("/assets/*", async (c, next) => {
    await next();
    // Their names change with their content.
    if (c.res.ok) c.header("Cache-Control", "public, max-age=31536000, immutable");
  });
  // The page as one file is for hosts of MCP Apps; here its script would not be let run.
  app.get("/studio.html", (c) => c.notFound());
  app.get("*", serveStatic<HttpEnv>({ root }));
  return { path: "/", app, access: "public", refuse: plainRefusal };
}
