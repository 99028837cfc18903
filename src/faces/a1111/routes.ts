import { Hono } from "hono";
import type { FaceContext, FaceEnv } from "../shared/env.ts";
import { HttpProblem, NotHere } from "../shared/fastapi.ts";
import { generate } from "./answer.ts";
import { extraBatch, extraSingle, pngInfo } from "./extras.ts";
import {
  listEmbeddings,
  listLoras,
  listModules,
  listSamplers,
  listSchedulers,
  listStyles,
  listUpscalers,
  memory,
  sdModels,
} from "./lists.ts";
import { getOptions, optionsOf, postOptions } from "./options.ts";
import { answerProblem } from "./problems.ts";
import { interrupt, progress, skip } from "./progress.ts";

/** The API of AUTOMATIC1111's web UI: what its clients know below `/sdapi/v1`. */
export function a1111Api(): Hono<FaceEnv> {
  const app = withProblems();
  app.post("/txt2img", generate("txt2img"));
  app.post("/img2img", generate("img2img"));
  app.post("/extra-single-image", extraSingle);
  app.post("/extra-batch-images", extraBatch);
  app.post("/png-info", pngInfo);
  app.get("/options", getOptions);
  app.post("/options", postOptions);
  app.get("/progress", progress);
  app.post("/interrupt", interrupt);
  app.post("/skip", skip);
  app.get("/sd-models", sdModels);
  app.get("/samplers", listSamplers);
  app.get("/schedulers", listSchedulers);
  app.get("/upscalers", listUpscalers);
  app.get("/sd-vae", listModules("vae"));
  app.get("/sd-modules", listModules("vae", "text_encoders"));
  app.get("/loras", listLoras);
  app.get("/prompt-styles", listStyles);
  app.get("/embeddings", listEmbeddings);
  app.get("/memory", memory);
  app.get("/cmd-flags", (c) => c.json({ api: true, nowebui: true }));
  app.get("/scripts", (c) => c.json({ txt2img: [], img2img: [] }));
  for (const none of ["latent-upscale-modes", "hypernetworks", "face-restorers"] as const) {
    app.get(`/${none}`, (c) => c.json([]));
  }
  for (const none of ["realesrgan-models", "script-info", "extensions"] as const) {
    app.get(`/${none}`, (c) => c.json([]));
  }
  // Lists are read anew at every question, and a model is loaded when a picture needs it.
  for (const done of ["refresh-checkpoints", "refresh-vae", "refresh-loras"] as const) {
    app.post(`/${done}`, (c) => c.json(null));
  }
  app.post("/reload-checkpoint", (c) => c.json({}));
  app.post("/unload-checkpoint", unload);
  app.post("/interrogate", () => {
    throw new NotHere(
      "Pictures are not described here: the workflows of this server make pictures, and none answers in words.",
    );
  });
  for (const path of ["/create/*", "/train/*", "/server-kill", "/server-restart", "/server-stop"]) {
    app.post(path, () => {
      throw new NotHere(
        "Nothing is trained through this server, and nothing is stopped by its API.",
      );
    });
  }
  app.all("*", notFound);
  return app;
}

/** The same as the web UI has it on a port of its own, with what clients look at to see whether it is there. */
export function a1111App(): Hono<FaceEnv> {
  const app = withProblems();
  app.route("/sdapi/v1", a1111Api());
  app.get("/internal/ping", (c) => c.json({}));
  // Clients of Draw Things, which has the same API, read its settings here.
  app.get("/", async (c) => {
    const { sd_model_checkpoint: model } = await optionsOf(c.get("studio"));
    return c.json({ model, upscaler: null });
  });
  app.all("*", notFound);
  return app;
}

function withProblems(): Hono<FaceEnv> {
  const app = new Hono<FaceEnv>();
  app.onError((error, c) => {
    const problem = answerProblem(c, error);
    // What nobody expected is worded by whoever mounts this.
    if (!problem) throw error;
    return problem;
  });
  return app;
}

/** Memory is given back by those ComfyUIs that nothing keeps busy. */
async function unload(c: FaceContext): Promise<Response> {
  const studio = c.get("studio");
  studio.demand("generate");
  await studio.prompts.comfy.free();
  return c.json({});
}

function notFound(): never {
  throw new HttpProblem(404, "Not Found");
}
