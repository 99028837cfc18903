import { Hono } from "hono";
import type { Log } from "../../log.ts";
import type { FaceContext, FaceEnv } from "../shared/env.ts";
import {
  deleteAsset,
  getAsset,
  getContent,
  headByHash,
  postAsset,
  postFromHash,
} from "./assets.ts";
import type { Parts } from "./env.ts";
import { jobEvents } from "./events.ts";
import { cancelJob, getJob, getJobWorkflow, listJobs, postJob } from "./jobs.ts";
import { answerProblem, Problem } from "./problems.ts";

/** Comfy API v2, as ComfyUI's makers publish it: jobs, their events, assets. */
export function comfyV2Api(log: Log): Hono<FaceEnv> {
  const parts: Parts = { log, canceling: new Set() };
  const app = new Hono<FaceEnv>();
  app.onError((error, c) => {
    const problem = answerProblem(c, error);
    // What nobody expected is worded by whoever mounts this.
    if (!problem) throw error;
    return problem;
  });
  app.use(async (c, next) => {
    const client = c.req.header("user-agent")?.slice(0, 60);
    c.set("studio", c.get("studio").alone().through("comfyv2", client));
    await next();
  });
  const withParts = (handle: (c: FaceContext, parts: Parts) => Promise<Response>) => {
    return (c: FaceContext) => handle(c, parts);
  };
  app.post("/jobs", withParts(postJob));
  app.get("/jobs", withParts(listJobs));
  app.get("/jobs/:id", withParts(getJob));
  app.get("/jobs/:id/workflow", getJobWorkflow);
  app.get("/jobs/:id/events", withParts(jobEvents));
  app.post("/jobs/:id/cancel", withParts(cancelJob));
  app.post("/assets", postAsset);
  app.post("/assets/from-hash", postFromHash);
  // Hono answers HEAD by the route of GET.
  app.get("/assets/by-hash/:hash", headByHash);
  app.get("/assets/:id", getAsset);
  app.get("/assets/:id/content", getContent);
  app.delete("/assets/:id", deleteAsset);
  app.all("*", ({ req: { method, path } }) => {
    throw new Problem(404, "not_found", `There is no ${method} ${path} in Comfy API v2.`);
  });
  return app;
}
