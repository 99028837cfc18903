import { Hono } from "hono";
import type { VisionatrixParts } from "../visionatrix/env.ts";
import { visionatrixApp } from "../visionatrix/routes.ts";
import { type HttpEnv, mounted, studioOf } from "./env.ts";
import type { Face } from "./face.ts";
import type { Foreign } from "./foreign.ts";
import type { Refusal } from "./refusal.ts";

/** Pictures in a call's form, and what is around them. */
const longestBody = 200 * 1024 * 1024;

/** Visionatrix's addresses, all below `/vapi`; its own port has no others. */
export function visionatrixFaces(parts: VisionatrixParts): Foreign {
  const app = new Hono<HttpEnv>().use(async (c, next) => {
    c.set("studio", studioOf(c).through("visionatrix").alone());
    await next();
  });
  app.route("/", mounted(visionatrixApp(parts)));
  const face: Face = { path: "/vapi", app, access: "key", refuse, longestBody };
  return { option: "visionatrixPort", shared: [face], alone: [face] };
}

/** FastAPI's shape; its clients know no other way to log in than Basic. */
function refuse({ status, message, headers }: Refusal): Response {
  const login = status === 401 ? { "WWW-Authenticate": 'Basic realm="Visionatrix"' } : {};
  return Response.json({ detail: message }, { status, headers: { ...headers, ...login } });
}
