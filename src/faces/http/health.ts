import { setTimeout as delay } from "node:timers/promises";
import { Hono } from "hono";
import type { Studio } from "../../studio/studio.ts";
import type { HttpEnv } from "./env.ts";
import type { Face } from "./face.ts";
import { type OAuth, resourceMetadata } from "./oauth.ts";
import { plainRefusal } from "./refusal.ts";

/** Whoever asks gives up soon, and takes no answer for a no. */
const databaseMs = 2_000;

/** What whoever starts and watches this server asks; it tells nothing about tasks or ComfyUI. */
export function healthFaces(studio: Studio): Face[] {
  const alive = new Hono<HttpEnv>().get("/", (c) => c.json({ status: "ok" }));
  const ready = new Hono<HttpEnv>().get("/", async (c) => {
    const problem = await problemOf(studio, c.req.query("comfyui") !== "0");
    return problem === undefined
      ? c.json({ status: "ready" })
      : c.json({ status: "not ready", problem }, 503);
  });
  return [publicFace("/healthz", alive), publicFace("/readyz", ready)];
}

/** @param comfyui whether a ComfyUI is needed too; who balances servers asks of the server alone */
async function problemOf(studio: Studio, comfyui: boolean): Promise<string | undefined> {
  const counted = studio.count({ ids: [] }).then(
    () => true,
    () => false,
  );
  const isDatabaseThere = await Promise.race([counted, delay(databaseMs, false, { ref: false })]);
  if (!isDatabaseThere) return "the task database does not answer";
  if (studio.notice !== undefined) return "tasks are kept in memory only";
  if (!comfyui) return undefined;
  // Asked even while it rests: who lets ComfyUI sleep watches /healthz instead.
  const backends = await studio.backends("all");
  return backends.every(({ state }) => state === "away") ? "no ComfyUI answers" : undefined;
}

/** Where clients learn who gives tokens: below `/.well-known`, with and without the path of MCP. */
export function oauthFace({ rules }: OAuth): Face {
  const app = new Hono<HttpEnv>();
  app.get("/", (c) => c.json(resourceMetadata(rules, c.get("base"))));
  app.get("/mcp", (c) => c.json(resourceMetadata(rules, c.get("base"))));
  return publicFace("/.well-known/oauth-protected-resource", app);
}

function publicFace(path: string, app: Hono<HttpEnv>): Face {
  return { path, app, access: "public", refuse: plainRefusal };
}
