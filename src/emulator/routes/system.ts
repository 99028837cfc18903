import { assetsDisabled, features, since } from "../../as-comfyui/features.ts";
import { empty, json, type Reply, text } from "../../as-comfyui/reply.ts";
import { atLeast } from "../../as-comfyui/version.ts";
import type { Request } from "../http/request.ts";
import type { Route } from "../http/router.ts";
import type { Parts } from "../parts.ts";

const gibibyte = 1024 ** 3;

export const systemRoutes: Route[] = [
  { method: "GET", path: "/system_stats", handle: systemStats },
  { method: "GET", path: "/ws", handle: () => text('Can "Upgrade" only to "WebSocket".', 400) },
  { method: "GET", path: "/features", handle: (_, { version }) => json(features(version)) },
  { method: "GET", path: "/extensions", handle: () => json([]) },
  { method: "GET", path: "/global_subgraphs", handle: () => json({}) },
  { method: "GET", path: "/node_replacements", handle: () => json({}) },
  { method: "GET", path: "/i18n", handle: () => json({}) },
  { method: "GET", path: "/settings", handle: () => json({}) },
  { method: "GET", path: "/settings/{id}", handle: () => json(null) },
  { method: "POST", path: "/settings", handle: () => empty() },
  { method: "GET", path: "/users", handle: () => json({ storage: "server", migrated: true }) },
  { method: "GET", path: "/api/assets", handle: assetsDisabled },
  { method: "GET", path: "/api/tags", handle: assetsDisabled },
];

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
