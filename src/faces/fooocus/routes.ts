import { Hono } from "hono";
import { answerProblem } from "../shared/fastapi.ts";
import { control, stop } from "./control.ts";
import type { FooocusEnv, FooocusParts, Route } from "./env.ts";
import { inputFile, outputFile } from "./files.ts";
import { generate } from "./generate.ts";
import { olderRoutes } from "./older-routes.ts";
import { listTasks, oneTask } from "./tasks.ts";
import { allModels, describeImage, generateMask, styles } from "./tools.ts";

/** Where the two servers have something that this one has elsewhere: only on a port of its own. */
const alone: readonly Route[] = [
  { method: "GET", path: "/", answer: (c) => c.json({ message: "comfy-easel, as FooocusAPI" }) },
  { method: "GET", path: "/files/:date/:file", answer: outputFile },
];

function routes(parts: FooocusParts): Route[] {
  return [
    { method: "POST", path: "/v1/engine/generate", answer: (c) => generate(c, parts) },
    { method: "POST", path: "/v1/engine/control", answer: control },
    { method: "POST", path: "/v1/tools/generate_mask", answer: generateMask },
    { method: "POST", path: "/v1/tools/describe-image", answer: describeImage },
    { method: "GET", path: "/v1/engines/all-models", answer: allModels },
    { method: "GET", path: "/v1/engines/styles", answer: styles },
    { method: "GET", path: "/v1/engines/clean_vram", answer: (c) => c.json({ message: "ok" }) },
    { method: "GET", path: "/tasks", answer: listTasks },
    { method: "GET", path: "/tasks/:id", answer: oneTask },
    { method: "GET", path: "/outputs/:date/:file", answer: outputFile },
    { method: "GET", path: "/inputs/:file", answer: inputFile },
    { method: "GET", path: "/ping", answer: (c) => c.json("pong") },
    { method: "POST", path: "/v1/generation/stop", answer: stop },
    ...olderRoutes,
  ];
}

/** The first parts of addresses that clients of FooocusAPI and Fooocus-API call on a shared port. */
export const prefixes = [
  "/v1/engine",
  "/v1/engines",
  "/v1/tools",
  "/v1/generation",
  "/v2/generation",
  "/tasks",
  "/outputs",
  "/inputs",
  "/ping",
] as const;

/** The routes below `prefix`, to be mounted there; below "/" all of them. */
export function fooocusApp(parts: FooocusParts, prefix: string): Hono<FooocusEnv> {
  const app = new Hono<FooocusEnv>();
  app.onError((error, c) => {
    const answer = answerProblem(c, error);
    // What nobody expected is worded by whoever mounts this.
    if (!answer) throw error;
    return answer;
  });
  const all = [...routes(parts), ...(prefix === "/" ? alone : [])];
  for (const { method, path, answer } of all) {
    const isBelow = prefix === "/" || path === prefix || path.startsWith(`${prefix}/`);
    if (!isBelow) continue;
    const below = prefix === "/" ? path : path.slice(prefix.length) || "/";
    // Both forms are taken as they are: a redirect would lose the body of some clients.
    app.on(method, below === "/" ? ["/"] : [below, `${below}/`], answer);
  }
  return app;
}
