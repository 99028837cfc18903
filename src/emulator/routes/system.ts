import { empty, json, type Reply, text } from "../http/reply.ts";
import type { Request } from "../http/request.ts";
import type { Route } from "../http/router.ts";
import type { Parts } from "../parts.ts";
import { atLeast } from "../version.ts";

/** ComfyUI's default `--max-upload-size`, for every body. */
export const maxBodyBytes = 104_857_600;

const gibibyte = 1024 ** 3;

export const systemRoutes: Route[] = [
  { method: "GET", path: "/system_stats", handle: systemStats },
  { method: "GET", path: "/ws", handle: () => text('Can "Upgrade" only to "WebSocket".', 400) },
  { method: "GET", path: "/features", handle: (_, { version }) => json(features(version)) },
  { method: "GET", path: "/extensions", handle: () => json([]) },
  { method: "GET", path: "/workflow_templates", handle: () => json({}) },
  { method: "GET", path: "/global_subgraphs", handle: () => json({}) },
  { method: "GET", path: "/node_replacements", handle: () => json({}) },
  { method: "GET", path: "/i18n", handle: () => json({}) },
  { method: "GET", path: "/settings", handle: () => json({}) },
  { method: "GET", path: "/settings/{id}", handle: () => json(null) },
  { method: "POST", path: "/settings", handle: () => empty() },
  { method: "GET", path: "/users", handle: () => json({ storage: "server", migrated: true }) },
  { method: "GET", path: "/userdata", handle: userdata },
  { method: "GET", path: "/api/assets", handle: assetsDisabled },
  { method: "GET", path: "/api/tags", handle: assetsDisabled },
];

/** The answer of `GET /features` and to a socket's `feature_flags`. */
export function features(version: string): Record<string, unknown> {
  return since(version, [
    ["0.0.0", { supports_preview_metadata: true }],
    ["0.28.0", { supports_model_type_tags: true }],
    ["0.0.0", { max_upload_size: maxBodyBytes }],
    ["0.4.0", { extension: { manager: { supports_v4: true } } }],
    ["0.14.0", { node_replacements: true }],
    ["0.17.0", { assets: false }],
  ]);
}

function systemStats(_: Request, { version }: Parts): Reply {
  const memory = { vram_total: 24 * gibibyte, vram_free: 22 * gibibyte };
  const torch = { torch_vram_total: gibibyte, torch_vram_free: gibibyte };
  return json({
    system: since(version, [
      ["0.0.0", { os: atLeast(version, "0.4.0") ? "linux" : "posix" }],
      ["0.0.0", { ram_total: 64 * gibibyte, ram_free: 48 * gibibyte, comfyui_version: version }],
      ["0.0.0", { required_frontend_version: "1.49.6" }],
      ["0.0.0", { installed_templates_version: null, required_templates_version: "0.11.44" }],
      ["0.22.0", { comfy_package_versions: [] }],
      ["0.0.0", { python_version: "3.11.7 (emulated)", pytorch_version: "2.13.0" }],
      ["0.0.0", { embedded_python: false }],
      ["0.25.0", { deploy_environment: "local-git" }],
      ["0.0.0", { argv: ["main.py"] }],
    ]),
    devices: [{ name: "emulator", type: "cpu", index: null, ...memory, ...torch }],
  });
}

/** The fields of the first versions that have them, in the order given. */
function since(
  version: string,
  fields: [from: string, field: Record<string, unknown>][],
): Record<string, unknown> {
  const there = fields.filter(([from]) => atLeast(version, from));
  return Object.assign({}, ...there.map(([, field]) => field));
}

function userdata({ query }: Request): Reply {
  const directory = query.get("dir");
  if (!directory) return text("Directory not provided", 400);
  return text("Directory not found", 404);
}

function assetsDisabled(): Reply {
  const message =
    "Assets system is disabled. Start the server with --enable-assets to use this feature.";
  return json({ error: { code: "SERVICE_DISABLED", message, details: {} } }, 503);
}
