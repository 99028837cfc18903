import { type NoReply, notFound, type Reply, text } from "../../as-comfyui/reply.ts";
import type { Parts } from "../parts.ts";
import type { Request } from "./request.ts";

export type Handler = (
  request: Request,
  parts: Parts,
  params: Record<string, string>,
) => Reply | NoReply | Promise<Reply | NoReply>;

export interface Route {
  method: "GET" | "POST";
  /** `/history/{id}`; a parameter is one path segment. */
  path: string;
  /** Since this version. */
  since?: string;
  handle: Handler;
}

interface Match {
  route: Route;
  params: Record<string, string>;
}

export class Router {
  readonly #routes: { route: Route; pattern: RegExp }[];

  constructor(routes: readonly Route[]) {
    this.#routes = routes.map((route) => ({
      route,
      pattern: new RegExp(`^${route.path.replace(/\{(\w+)\}/g, "(?<$1>[^/{}]+)")}$`),
    }));
  }

  /** A handler, or aiohttp's refusal. */
  find(method: string, path: string): Match | Reply {
    const matches = this.#matches(path);
    const wanted = method === "HEAD" ? "GET" : method;
    const match = matches.find(({ route }) => route.method === wanted);
    if (match) return match;
    // The front-end's files live at `/`: every path can be read, so a GET is never "not allowed".
    if (wanted === "GET") return notFound;
    const allowed = ["GET", "HEAD", ...(matches.some(isPost) ? ["POST"] : [])];
    return text("405: Method Not Allowed", 405, { allow: allowed.join(",") });
  }

  /** Every route exists under `/api` too, but for `/internal`. */
  #matches(path: string): Match[] {
    const found: Match[] = [];
    const alias =
      path.startsWith("/api/") && !path.startsWith("/api/internal") ? path.slice(4) : path;
    for (const { route, pattern } of this.#routes) {
      const match = pattern.exec(path) ?? pattern.exec(alias);
      if (match) found.push({ route, params: decoded(match.groups ?? {}) });
    }
    return found;
  }
}

function isPost({ route }: Match): boolean {
  return route.method === "POST";
}

function decoded(groups: Record<string, string>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(groups).map(([name, value]) => [name, decodeURIComponent(value)]),
  );
}
