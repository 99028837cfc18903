import { randomUUID } from "node:crypto";
import { expect, onTestFinished } from "vitest";
import { Backend, type BackendOptions } from "../../src/comfy/backend.ts";
import type { Outcome, RunStatus } from "../../src/comfy/outcome.ts";
import { resultFiles } from "../../src/comfy/outputs.ts";
import type { Graph } from "../../src/comfy/protocol.ts";
import type { RunRequest } from "../../src/comfy/run-request.ts";
import { parseTarget } from "../../src/comfy/target.ts";
import type { Emulator } from "../../src/emulator/emulator.ts";
import { quietLog } from "./world.ts";

/** Waits that a test can wait for. */
export const quick: BackendOptions & Required<Pick<BackendOptions, "patience">> = {
  patience: {
    silentMs: { first: 40, last: 200 },
    blindMs: { first: 20, last: 100 },
    retryMs: { first: 20, last: 100 },
    lostAfterMs: 60_000,
  },
  stalledAfterMs: 0,
};

export function impatientBackend(url: string, options: BackendOptions = {}): Backend {
  const backend = new Backend(parseTarget(url), quietLog(), { ...quick, ...options });
  onTestFinished(() => backend.close());
  return backend;
}

/** A grey picture, scaled once; `shade` keeps it out of the cache. */
export function graphOf(shade: number): Graph {
  return {
    "1": {
      class_type: "EmptyImage",
      inputs: { width: 64, height: 64, batch_size: 1, color: shade },
    },
    "2": {
      class_type: "ImageScale",
      inputs: {
        image: ["1", 0],
        upscale_method: "bilinear",
        width: 32,
        height: 32,
        crop: "disabled",
      },
    },
    "3": { class_type: "SaveImage", inputs: { images: ["2", 0], filename_prefix: "backend" } },
  };
}

export interface Started {
  promptId: string;
  statuses: RunStatus[];
  outcome: Promise<Outcome>;
  /** Aborts its signal. */
  end: AbortController;
}

export function start(backend: Backend, graph: Graph, request: Partial<RunRequest> = {}): Started {
  const statuses: RunStatus[] = [];
  const end = new AbortController();
  const promptId = request.promptId ?? randomUUID();
  const outcome = backend.run({
    promptId,
    graph,
    outputs: ["3"],
    signal: end.signal,
    onStatus: (status) => statuses.push(status),
    ...request,
  });
  outcome.catch(() => {});
  return { promptId, statuses, outcome, end };
}

export function expectPicture(outcome: Outcome): void {
  expect(outcome.kind).toBe("completed");
  if (outcome.kind === "completed") expect(resultFiles(outcome.outputs["3"])).toHaveLength(1);
}

/** How many requests of that kind have arrived. */
export function asked(emulator: Emulator, method: string, path: RegExp): number {
  return emulator.requests.filter((each) => each.method === method && path.test(each.path)).length;
}

export function posts(emulator: Emulator): number {
  return asked(emulator, "POST", /\/prompt$/);
}
