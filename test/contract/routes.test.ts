import http from "node:http";
import { expect, test } from "vitest";
import { startComfy } from "./support.ts";
import { before, isSince, since } from "./versions.ts";

const serverError = "500 Internal Server Error\n\nServer got itself in trouble";

/** node:http sends the headers `fetch` may not set. */
function statusWith(url: string, headers: Record<string, string>): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    const request = http.get(url, { headers }, (response) => {
      response.resume();
      resolve(response.statusCode);
    });
    request.on("error", reject);
  });
}

test.for([
  "/prompt",
  "/queue",
  "/history",
  "/system_stats",
  "/features",
  "/object_info/SaveImage",
  "/models",
  "/embeddings",
  "/users",
  "/settings",
])("%s exists under /api too, with the same answer", async (path) => {
  const comfy = await startComfy();

  const [plain, alias] = await Promise.all([comfy.fetch(path), comfy.fetch(`/api${path}`)]);

  expect([plain.status, alias.status]).toEqual([200, 200]);
  expect(plain.headers.get("content-type")).toBe("application/json; charset=utf-8");
  const [answer, same] = [await plain.json(), await alias.json()] as [object, object];
  expect(Object.keys(answer)).toEqual(Object.keys(same));
});

test("the jobs routes exist only under /api, the internal ones only outside it", async () => {
  const comfy = await startComfy();

  expect((await comfy.fetch("/api/jobs?limit=1")).status).toBe(isSince("0.6.0") ? 200 : 404);
  expect((await comfy.fetch("/jobs")).status).toBe(404);
  expect((await comfy.fetch("/internal/files/output")).status).toBe(200);
  expect((await comfy.fetch("/api/internal/files/output")).status).toBe(404);
});

test("an unknown path is an empty 404", async () => {
  const comfy = await startComfy();

  const response = await comfy.fetch("/no/such/path");

  expect(response.status).toBe(404);
  expect(response.headers.get("content-type")).toBe("application/octet-stream");
  expect(await response.text()).toBe("");
});

test("a wrong method is a 405 that names the right ones, but a GET is never more than not found", async () => {
  const comfy = await startComfy();

  const put = await comfy.fetch("/queue", { method: "PUT" });
  expect(put.status).toBe(405);
  expect(put.headers.get("allow")).toBe("GET,HEAD,POST");
  expect(await put.text()).toBe("405: Method Not Allowed");

  const deleted = await comfy.fetch("/view", { method: "DELETE" });
  expect(deleted.headers.get("allow")).toBe("GET,HEAD");
  expect((await comfy.fetch("/interrupt")).status).toBe(404);
});

test.for(["/prompt", "/queue", "/history", "/free"])(
  "a body that is no JSON makes POST %s a plain 500",
  async (path) => {
    const comfy = await startComfy();

    const response = await comfy.post(path, "{not json");

    expect(response.status).toBe(500);
    expect(response.headers.get("content-type")).toBe("text/plain; charset=utf-8");
    expect(await response.text()).toBe(serverError);
  },
);

test("successes that have nothing to say have neither body nor content type", async () => {
  const comfy = await startComfy();

  for (const path of ["/queue", "/history", "/free"]) {
    const response = await comfy.post(path, {});
    expect(response.status).toBe(200);
    expect(response.headers.get("content-type")).toBeNull();
    expect(await response.text()).toBe("");
  }
});

test("HEAD works where GET does and OPTIONS everywhere", async () => {
  const comfy = await startComfy();

  const head = await comfy.fetch("/queue", { method: "HEAD" });
  expect([head.status, await head.text()]).toEqual([200, ""]);
  const options = await comfy.fetch("/whatever", { method: "OPTIONS" });
  expect([options.status, await options.text()]).toEqual([200, ""]);
});

test("a page of another site is refused, a caller without Origin is not", async () => {
  const comfy = await startComfy();
  const url = `${comfy.url}/queue`;

  expect(await statusWith(url, {})).toBe(200);
  expect(await statusWith(url, { Origin: comfy.url })).toBe(200);
  expect(await statusWith(url, { Origin: "http://evil.example" })).toBe(403);
  expect(await statusWith(url, { Origin: "http://localhost:1" })).toBe(403);
});

since("0.19.0")("a page of another site is refused for what the browser says of it", async () => {
  const comfy = await startComfy();
  const url = `${comfy.url}/queue`;

  expect(await statusWith(url, { "Sec-Fetch-Site": "cross-site" })).toBe(403);
  expect(await statusWith(url, { "Sec-Fetch-Site": "same-origin" })).toBe(200);
});

before("0.19.0")("what the browser says of the asking site does not count", async () => {
  const comfy = await startComfy();

  const status = await statusWith(`${comfy.url}/queue`, { "Sec-Fetch-Site": "cross-site" });

  expect(status).toBe(200);
});

test("a body over the announced limit is refused", async () => {
  const comfy = await startComfy();
  const { max_upload_size: limit } = await comfy.json("/features");

  const response = await comfy.post("/queue", " ".repeat(limit + 1));

  expect(response.status).toBe(413);
  expect(await response.text()).toContain(`Maximum request body size ${limit} exceeded`);
});

test("system_stats tells the version and at least one device", async () => {
  const comfy = await startComfy();

  const { system, devices } = await comfy.json("/system_stats");

  expect(system.comfyui_version).toMatch(/^\d+\.\d+\.\d+$/);
  expect(system.ram_total).toBeGreaterThan(0);
  expect(devices.length).toBeGreaterThan(0);
  expect(devices[0]).toMatchObject({ name: expect.any(String), type: expect.any(String) });
});

test("system_stats and features tell more with every version", async () => {
  const comfy = await startComfy();

  const { system } = await comfy.json("/system_stats");
  const features = await comfy.json("/features");

  const told = (answer: object, key: string) => Object.keys(answer).includes(key);
  expect(told(system, "comfy_package_versions")).toBe(isSince("0.22.0"));
  expect(told(system, "deploy_environment")).toBe(isSince("0.25.0"));
  expect(told(features, "extension")).toBe(isSince("0.4.0"));
  expect(told(features, "node_replacements")).toBe(isSince("0.14.0"));
  expect(told(features, "assets")).toBe(isSince("0.17.0"));
  expect(told(features, "supports_model_type_tags")).toBe(isSince("0.28.0"));
});

test("a plain GET of the socket's path is refused", async () => {
  const comfy = await startComfy();

  expect((await comfy.fetch("/ws")).status).toBe(400);
});

test("an unknown model folder is an empty 404", async () => {
  const comfy = await startComfy();

  const response = await comfy.fetch("/models/no-such-folder");

  expect([response.status, await response.text()]).toEqual([404, ""]);
  expect((await comfy.fetch("/models/unet")).status).toBe(404);
});
