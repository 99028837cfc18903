import { Hono } from "hono";
import { version } from "../../version.ts";
import { answerProblem, HttpProblem, NotHere } from "../shared/fastapi.ts";
import { flowDetails, flows, subflows, whoami, workers } from "./about.ts";
import { clear, clearQueue, remove, removeFromQueue, restart, update } from "./change.ts";
import { create } from "./create.ts";
import type { Route, VisionatrixEnv, VisionatrixParts } from "./env.ts";
import { progressOfAll, progressOfOne } from "./progress.ts";
import { inputs, results } from "./results.ts";
import { createSync } from "./sync.ts";

function routes(parts: VisionatrixParts): Route[] {
  return [
    { method: "PUT", path: "/tasks/create/:name", answer: (c) => create(c, parts) },
    { method: "PUT", path: "/tasks/create-sync/:name", answer: (c) => createSync(c, parts) },
    { method: "GET", path: "/tasks/progress", answer: (c) => progressOfAll(c, true) },
    { method: "GET", path: "/tasks/progress-summary", answer: (c) => progressOfAll(c, false) },
    { method: "GET", path: "/tasks/progress/:id", answer: progressOfOne },
    { method: "GET", path: "/tasks/results", answer: results },
    { method: "GET", path: "/tasks/inputs", answer: inputs },
    { method: "POST", path: "/tasks/restart", answer: restart },
    { method: "PUT", path: "/tasks/update", answer: update },
    { method: "DELETE", path: "/tasks/task", answer: remove },
    { method: "DELETE", path: "/tasks/clear", answer: clear },
    { method: "DELETE", path: "/tasks/queue", answer: clearQueue },
    { method: "DELETE", path: "/tasks/queue/:id", answer: removeFromQueue },
    { method: "GET", path: "/flows/installed", answer: (c) => flows(c, true) },
    { method: "GET", path: "/flows/not-installed", answer: (c) => flows(c, false) },
    { method: "GET", path: "/flows/flow-details", answer: flowDetails },
    { method: "GET", path: "/flows/subflows", answer: subflows },
    { method: "GET", path: "/flows/install-progress", answer: (c) => c.json([]) },
    { method: "GET", path: "/workers/info", answer: workers },
    { method: "GET", path: "/other/whoami", answer: whoami },
    {
      method: "GET",
      path: "/other/update-status",
      answer: (c) => c.json({ current_version: version, next_version: "" }),
    },
    ...["get", "global", "user"].map(
      (kind): Route => ({ method: "GET", path: `/settings/${kind}`, answer: (c) => c.text("") }),
    ),
    ...["get_all", "global_all", "user_all"].map(
      (kind): Route => ({ method: "GET", path: `/settings/${kind}`, answer: (c) => c.json({}) }),
    ),
    {
      method: "POST",
      path: "/settings/user",
      answer: () => {
        throw new HttpProblem(412, "User settings editing is disabled by the administrator");
      },
    },
    { method: "GET", path: "/federation/instances", answer: (c) => c.json([]) },
  ];
}

/** Where Visionatrix has no other methods either. */
const taskPaths = ["/tasks/create/:name", "/tasks/create-sync/:name", "/tasks/progress/:id"];

/** What Visionatrix has and this server does not do, or does elsewhere. */
const elsewhere: readonly (readonly [path: string, reason: string])[] = [
  ["/tasks", "tasks are worked on by ComfyUI, not by Visionatrix's workers"],
  ["/flows", "workflows are files in --workflows-dir, or saved in ComfyUI itself"],
  ["/models", "model files are ComfyUI's; --doctor and list_workflows say which are missing"],
  ["/workers", "the ComfyUIs in use are told to this server when it starts (--comfyui)"],
  ["/settings", "settings are options of this server's command line"],
  ["/federation", "there are no other instances; several ComfyUIs are used as they are"],
  ["/other", "it is no part of making pictures"],
];

/** Everything below `/vapi`. */
export function visionatrixApp(parts: VisionatrixParts): Hono<VisionatrixEnv> {
  const app = new Hono<VisionatrixEnv>();
  app.onError((error, c) => {
    const answer = answerProblem(c, error);
    // What nobody expected is worded by whoever mounts this.
    if (!answer) throw error;
    return answer;
  });
  for (const { method, path, answer } of routes(parts)) app.on(method, [path, `${path}/`], answer);
  for (const path of taskPaths) {
    app.all(path, () => {
      throw new HttpProblem(405, "Method Not Allowed");
    });
  }
  for (const [path, reason] of elsewhere) {
    app.all(`${path}/*`, (c) => {
      throw new NotHere(`${c.req.method} ${c.req.path} is not here: ${reason}.`);
    });
  }
  return app;
}
