import type { z } from "@hono/zod-openapi";
import type { BackendState } from "../../../studio/backend-states.ts";
import type { backendSchema } from "./schemas.ts";

export function backendView(backend: BackendState): z.infer<typeof backendSchema> {
  return {
    name: backend.name,
    state: backend.state,
    gpu: backend.gpu ?? null,
    vram_total: backend.vramTotal ?? null,
    vram_free: backend.vramFree ?? null,
    running: backend.running ?? null,
    waiting: backend.waiting ?? null,
    version: backend.version ?? null,
    problem: backend.problem ?? null,
    drained: backend.drained,
    given: backend.given,
    loaded: backend.loaded ?? null,
    step_ms: backend.stepMs,
    weight: backend.weight ?? null,
    labels: backend.labels ?? {},
  };
}
