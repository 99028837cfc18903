import type { Task } from "../../page/src/records.ts";

/** A finished task as the server lists it. */
export function task(change: Partial<Task> = {}): Task {
  const id = change.id ?? "t0000000000000001";
  const count = change.count ?? 1;
  return {
    id,
    tool: "generate_image",
    workflow: "flux_dev",
    state: "completed",
    client: "page",
    via: "page",
    created_at: "2026-05-02T12:00:00.000Z",
    started_at: "2026-05-02T12:00:01.000Z",
    finished_at: "2026-05-02T12:00:14.000Z",
    prompt: "a fox",
    count,
    width: 1024,
    height: 1024,
    arguments: { prompt: "a fox", seed: 7, count, steps: 20 },
    images: Array.from({ length: count }, (_, i) => ({
      id: `${id}-${i + 1}`,
      width: 1024,
      height: 1024,
      seed: 7 + i,
      mime_type: "image/png",
      bytes: 1_000_000,
    })),
    ...change,
  };
}
