import { Hono, type MiddlewareHandler } from "hono";
import type { Log } from "../../log.ts";
import { limitBody } from "./body.ts";
import type { Callers } from "./callers.ts";
import type { HttpEnv } from "./env.ts";
import { unauthorized } from "./env.ts";
import { type Face, faceAt, longestBodyOf } from "./face.ts";
import { crossOrigin, type GuardRules, hostGuard, originGuard, securityHeaders } from "./guards.ts";
import { plainRefusal, Refusal, refusalOf } from "./refusal.ts";

export interface HttpParts {
  /** Sees every request and its answer. */
  watch?: MiddlewareHandler<HttpEnv>;
  guards: GuardRules;
  callers: Callers;
  faces: readonly Face[];
  log: Log;
}

/** Everything behind one port: the guards, then who calls, then the face that the path names. */
export function httpApp(parts: HttpParts): Hono<HttpEnv> {
  const { guards, callers, faces, log } = parts;
  const app = new Hono<HttpEnv>();
  if (parts.watch) app.use(parts.watch);
  app.use(securityHeaders, hostGuard(guards), originGuard(guards), crossOrigin(guards));
  const identify = callers.identify();
  app.use((c, next) =>
    faceAt(faces, c.req.path)?.access === "public" ? next() : identify(c, next),
  );
  app.use(admission(faces));
  for (const face of faces) app.route(face.path, face.app);
  app.notFound((c) => refuse(c.req.path, new Refusal(404, "There is nothing here.")));
  app.onError((error, c) => refuse(c.req.path, refusalOf(error, log)));
  return app;

  function refuse(path: string, refusal: Refusal): Response {
    return faceAt(faces, path)?.refuse(refusal) ?? plainRefusal(refusal);
  }
}

/** Who has no key gets no further than an open face, and nobody with more than the face takes. */
function admission(faces: readonly Face[]): MiddlewareHandler<HttpEnv> {
  return (c, next) => {
    const face = faceAt(faces, c.req.path);
    if (face?.access === "key" && !c.get("caller")) throw unauthorized(c);
    const longest = longestBodyOf(face);
    if (longest !== Number.POSITIVE_INFINITY) limitBody(c, longest);
    return next();
  };
}
