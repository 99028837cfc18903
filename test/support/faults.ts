import type { RequestFault } from "../../src/emulator/faults.ts";

/** A route of ComfyUI that the product asks. */
export interface FaultyRoute {
  method: "GET" | "POST";
  /** As `RequestFault.path`. */
  path: string;
  /** What is sent there may be refused for good. */
  takesPicturesOrGraphs?: true;
}

export const comfyRoutes: readonly FaultyRoute[] = [
  { method: "GET", path: "/ws" },
  { method: "GET", path: "/system_stats" },
  { method: "GET", path: "/object_info" },
  { method: "POST", path: "/upload/image", takesPicturesOrGraphs: true },
  { method: "POST", path: "/prompt", takesPicturesOrGraphs: true },
  { method: "GET", path: "/queue" },
  { method: "GET", path: "/history" },
  { method: "GET", path: "/history/*" },
  { method: "GET", path: "/api/jobs" },
  { method: "GET", path: "/api/jobs/*" },
  { method: "POST", path: "/api/jobs/*/cancel" },
  { method: "POST", path: "/queue" },
  { method: "POST", path: "/interrupt" },
  { method: "GET", path: "/view" },
];

/** Routes asked beside the runs. */
export const otherRoutes: readonly FaultyRoute[] = [
  { method: "GET", path: "/userdata" },
  { method: "GET", path: "/userdata/*" },
  { method: "GET", path: "/view_metadata/*" },
  { method: "POST", path: "/free" },
];

export interface FaultKind {
  name: string;
  /** The answer is a verdict on what was sent, where the route takes pictures or graphs. */
  isVerdict?: true;
  rule(route: FaultyRoute, whileMs: number): RequestFault;
}

const on = ({ method, path }: FaultyRoute) => ({ method, path });

export const faultKinds: readonly FaultKind[] = [
  { name: "500 once", rule: (route) => ({ ...on(route), times: 1, status: 500 }) },
  {
    name: "500 for a while",
    rule: (route, whileMs) => ({
      ...on(route),
      times: 1_000_000,
      until: Date.now() + whileMs,
      status: 500,
    }),
  },
  { name: "413", isVerdict: true, rule: (route) => ({ ...on(route), times: 1, status: 413 }) },
  {
    name: "an answer cut in its body",
    rule: (route) => ({ ...on(route), times: 1, answer: "cut body" }),
  },
  { name: "a web page", rule: (route) => ({ ...on(route), times: 1, answer: "page" }) },
  { name: "silence", rule: (route) => ({ ...on(route), times: 1, answer: "silence" }) },
];

export interface FaultRow {
  route: FaultyRoute;
  kind: FaultKind;
  name: string;
}

/** Every route with every fault that can be met there. */
export function faultRows(
  kind: FaultKind,
  routes: readonly FaultyRoute[] = comfyRoutes,
): FaultRow[] {
  return routes
    .filter(({ path }) => path !== "/ws" || kind.name.startsWith("500"))
    .map((route) => ({ route, kind, name: `${kind.name} on ${route.method} ${route.path}` }));
}
