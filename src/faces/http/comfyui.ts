import { Hono } from "hono";
import { maxBodyBytes } from "../../as-comfyui/features.ts";
import type { Log } from "../../log.ts";
import { comfyuiApi } from "../comfyui/app.ts";
import { refusalAsComfyui } from "../comfyui/refusals.ts";
import { type HttpEnv, mounted, studioOf } from "./env.ts";
import type { Face } from "./face.ts";
import type { Foreign } from "./foreign.ts";

/** ComfyUI's own routes: below `/comfyui`, and at the root of a port of their own. */
export function comfyuiFace(log: Log): Foreign {
  const app = new Hono<HttpEnv>().use(async (c, next) => {
    c.set("studio", studioOf(c));
    await next();
  });
  app.route("/", mounted(comfyuiApi({ log })));
  const face = (path: string): Face => ({
    path,
    app,
    access: "key",
    refuse: refusalAsComfyui,
    longestBody: maxBodyBytes,
  });
  return { option: "comfyuiPort", shared: [face("/comfyui")], alone: [face("/")] };
}
