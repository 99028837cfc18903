import { Hono, type MiddlewareHandler } from "hono";
import { Counter, Gauge, Histogram, Registry } from "prom-client";
import { AppError } from "../../errors.ts";
import type { BackendState } from "../../studio/backend-states.ts";
import type { Studio } from "../../studio/studio.ts";
import { isTerminal, taskStates } from "../../tasks/state.ts";
import type { Task } from "../../tasks/task.ts";
import { backendGauges } from "./backend-metrics.ts";
import { type HttpEnv, studioOf } from "./env.ts";
import { type Face, faceAt } from "./face.ts";
import { plainRefusal } from "./refusal.ts";

const secondsBuckets = [0.5, 1, 2, 5, 10, 20, 40, 80, 160, 320, 640, 1_280];
/** Scrapers come every few seconds, and a ComfyUI need not be asked each time. */
const freshMs = 10_000;

export interface MetricsParts {
  /** Of a caller that sees every task. */
  studio: Studio;
  sessions(): number;
}

/** What this server counts, in the format of Prometheus, for whoever has the scope `admin`. */
export class Metrics {
  readonly #parts: MetricsParts;
  readonly #registry = new Registry();
  readonly #requests: Counter<"face" | "status">;
  readonly #limited: Counter<"caller">;
  readonly #ended: Counter<"tool" | "state">;
  readonly #images: Counter<"workflow">;
  readonly #waited: Histogram;
  readonly #worked: Histogram<"workflow">;
  readonly #stop: () => void;
  #backends: { at: number; states: Promise<BackendState[]> } | undefined;

  constructor(parts: MetricsParts) {
    this.#parts = parts;
    const registers = [this.#registry];
    this.#requests = new Counter({
      name: "comfy_easel_http_requests_total",
      help: "HTTP requests by the face they went to and the status they got",
      labelNames: ["face", "status"],
      registers,
    });
    this.#limited = new Counter({
      name: "comfy_easel_limited_total",
      help: "Requests refused because a limit of the caller was reached",
      labelNames: ["caller"],
      registers,
    });
    this.#ended = new Counter({
      name: "comfy_easel_tasks_ended_total",
      help: "Tasks that this server has seen to their end",
      labelNames: ["tool", "state"],
      registers,
    });
    this.#images = new Counter({
      name: "comfy_easel_image_bytes_total",
      help: "Bytes of the pictures that were made",
      labelNames: ["workflow"],
      registers,
    });
    this.#waited = new Histogram({
      name: "comfy_easel_queue_wait_seconds",
      help: "From a task's call to its start",
      buckets: secondsBuckets,
      registers,
    });
    this.#worked = new Histogram({
      name: "comfy_easel_run_seconds",
      help: "From a completed task's start to its end",
      labelNames: ["workflow"],
      buckets: secondsBuckets,
      registers,
    });
    this.#gauges(registers);
    this.#stop = parts.studio.onWrote((task) => this.#wrote(task));
  }

  close(): void {
    this.#stop();
  }

  face(): Face {
    const app = new Hono<HttpEnv>();
    app.get("/", async (c) => {
      if (!studioOf(c).may("admin")) {
        throw new AppError("forbidden", "/metrics tells of all callers; it takes the scope admin.");
      }
      return c.body(await this.#registry.metrics(), 200, {
        "Content-Type": this.#registry.contentType,
      });
    });
    return { path: "/metrics", app, access: "key", refuse: plainRefusal };
  }

  /** Counts every request with its answer. */
  watch(faces: readonly Face[]): MiddlewareHandler<HttpEnv> {
    return async (c, next) => {
      await next();
      const { status } = c.res;
      this.#requests.inc({ face: faceAt(faces, c.req.path)?.path ?? "none", status });
      if (status === 429) this.#limited.inc({ caller: c.get("caller")?.name ?? "unknown" });
    };
  }

  #gauges(registers: Registry[]): void {
    const { studio, sessions } = this.#parts;
    new Gauge({
      name: "comfy_easel_tasks",
      help: "Tasks on record by state",
      labelNames: ["state"],
      registers,
      async collect() {
        for (const state of taskStates) {
          this.set({ state }, await studio.count({ states: [state] }));
        }
      },
    });
    new Gauge({
      name: "comfy_easel_kept_bytes",
      help: "What the pictures of all tasks take",
      registers,
      async collect() {
        this.set(await studio.keptBytes());
      },
    });
    new Gauge({
      name: "comfy_easel_mcp_sessions",
      help: "Open MCP sessions",
      registers,
      collect() {
        this.set(sessions());
      },
    });
    backendGauges(registers, () => this.#backendStates());
  }

  #backendStates(): Promise<BackendState[]> {
    const now = performance.now();
    if (!this.#backends || now - this.#backends.at > freshMs) {
      this.#backends = { at: now, states: this.#parts.studio.backends("known") };
    }
    return this.#backends.states;
  }

  #wrote(task: Task): void {
    if (!isTerminal(task.state) || !task.finishedAt) return;
    const { tool, workflow, state, createdAt, startedAt, finishedAt } = task;
    this.#ended.inc({ tool, state });
    this.#images.inc({ workflow }, task.resultBytes ?? 0);
    if (!startedAt) return;
    this.#waited.observe(seconds(createdAt, startedAt));
    if (state === "completed") this.#worked.observe({ workflow }, seconds(startedAt, finishedAt));
  }
}

function seconds(from: string, to: string): number {
  return Math.max(0, Date.parse(to) - Date.parse(from)) / 1_000;
}
