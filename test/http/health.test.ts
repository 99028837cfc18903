import { expect, test } from "vitest";
import { connectTo, startHttp } from "../support/http.ts";
import { call, startApp, startEmulator } from "../support/world.ts";

const authTokens = ["ann:token-of-ann-0123456789", "op:token-of-op-0123456789:admin"];
const ann = { "X-API-Key": "token-of-ann-0123456789" };
const op = { "X-API-Key": "token-of-op-0123456789" };

test("whoever starts this server learns without a key whether it lives and can work", async () => {
  const emulator = await startEmulator();
  const { url } = await startHttp(await startApp(emulator.url), { authTokens });
  const ask = async (path: string) => {
    const answer = await fetch(`${url}${path}`);
    return [answer.status, await answer.json()];
  };

  expect(await ask("/healthz")).toEqual([200, { status: "ok" }]);
  expect(await ask("/readyz")).toEqual([200, { status: "ready" }]);
  await emulator.close();
  await expect
    .poll(() => ask("/readyz"))
    .toEqual([503, { status: "not ready", problem: "no ComfyUI answers" }]);
  expect(await ask("/readyz?comfyui=0")).toEqual([200, { status: "ready" }]);
  expect(await ask("/healthz")).toEqual([200, { status: "ok" }]);
});

test("the metrics tell of tasks, times, bytes, sessions and limits, to admins alone", async () => {
  const emulator = await startEmulator();
  const { url } = await startHttp(await startApp(emulator.url), {
    authTokens: [...authTokens, "eve:token-of-eve-0123456789::requests=0"],
  });
  const client = await connectTo(url, ann);
  await call(client, "generate_image", { prompt: "x", width: 64, height: 64 });
  await fetch(`${url}/mcp`, { headers: { "X-API-Key": "token-of-eve-0123456789" } });

  expect((await fetch(`${url}/metrics`)).status).toBe(401);
  expect((await fetch(`${url}/metrics`, { headers: ann })).status).toBe(403);
  const answer = await fetch(`${url}/metrics`, { headers: op });
  const text = await answer.text();

  expect(answer.headers.get("content-type")).toMatch(/^text\/plain; version=0\.0\.4/);
  for (const line of [
    'comfy_easel_tasks{state="completed"} 1',
    'comfy_easel_tasks{state="queued"} 0',
    'comfy_easel_tasks_ended_total{tool="generate_image",state="completed"} 1',
    "comfy_easel_queue_wait_seconds_count 1",
    "comfy_easel_mcp_sessions 1",
    `comfy_easel_backend_up{backend="${emulator.url}"} 1`,
    'comfy_easel_limited_total{caller="eve"} 1',
    'comfy_easel_http_requests_total{face="/mcp",status="429"} 1',
  ]) {
    expect(text).toContain(line);
  }
  expect(text).toMatch(/^comfy_easel_run_seconds_count\{workflow="\w+"\} 1$/m);
  expect(text).toMatch(/^comfy_easel_image_bytes_total\{workflow="\w+"\} [1-9]\d+$/m);
  expect(text).toMatch(/^comfy_easel_kept_bytes [1-9]\d+$/m);
});
