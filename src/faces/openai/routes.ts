import { Hono } from "hono";
import type { Log } from "../../log.ts";
import type { FaceContext, FaceEnv } from "../shared/env.ts";
import { answer } from "./answer.ts";
import { begin } from "./make.ts";
import type { Kind } from "./map.ts";
import { listModels, oneModel } from "./models.ts";
import { answerProblem, Refused } from "./problems.ts";
import { readCall } from "./read.ts";
import { stream } from "./stream.ts";

/** OpenAI's images API: what its clients know below `/v1`. */
export function openaiApi(log: Log): Hono<FaceEnv> {
  const app = new Hono<FaceEnv>();
  app.onError((error, c) => {
    const problem = answerProblem(c, error);
    // What nobody expected is worded by whoever mounts this.
    if (!problem) throw error;
    return problem;
  });
  const make = (kind: Kind) => async (c: FaceContext) => {
    const begun = await begin(c, await readCall(c), kind);
    return begun.fields.stream === true ? stream(c, begun, log) : answer(c, begun);
  };
  app.post("/images/generations", make("generation"));
  app.post("/images/edits", make("edit"));
  app.post("/images/variations", make("variation"));
  app.get("/models", listModels);
  app.get("/models/:id", oneModel);
  app.all("*", (c) => {
    const { method, path } = c.req;
    throw new Refused(
      `Invalid URL (${method} ${path}): pictures and models are served here.`,
      null,
      {
        status: 404,
        code: "unknown_url",
      },
    );
  });
  return app;
}
