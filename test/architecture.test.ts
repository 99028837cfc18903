import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { expect, test } from "vitest";

const src = path.resolve(import.meta.dirname, "../src");

/** Who may import whom; a file of `src` itself is its own room, and so is each face. */
const free = ["back-off", "errors", "json", "log", "version", "words"];
const table: Record<string, string[]> = {
  "back-off": [],
  errors: [],
  json: [],
  log: [],
  shipped: [],
  version: [],
  words: [],
  net: free,
  files: free,
  comfy: [...free, "net/undici"],
  // The graph is ComfyUI's, so its types are too.
  workflows: [...free, "comfy/protocol", "as-comfyui"],
  blobs: [...free, "files"],
  images: [...free, "net", "files", "blobs"],
  webhooks: [...free, "net"],
  tasks: [...free, "as-comfyui", "comfy", "workflows", "images", "net", "files", "webhooks"],
  studio: [
    ...[...free, "tasks", "workflows", "images", "files/roots", "blobs/blobs"],
    ...["comfy/installs", "comfy/pool", "comfy/protocol"],
  ],
  "faces/mcp": [...free, "shipped", "studio", "tasks", "workflows", "images", "webhooks"],
  "faces/terminal": [...free, "options", "studio", "tasks", "workflows", "images"],
  // What faces of other systems have in common.
  "faces/shared": [...free, "studio", "tasks", "workflows", "images"],
  "faces/visionatrix": [...free, "faces/shared", "studio", "tasks", "workflows", "images"],
  "faces/fooocus": [...free, "faces/shared", "studio", "tasks", "workflows", "images"],
  "faces/openai": [...free, "faces/shared", "studio", "tasks", "workflows", "images"],
  "faces/a1111": [...free, "faces/shared", "studio", "tasks", "workflows", "images"],
  "faces/comfyui": [
    ...[...free, "as-comfyui", "faces/shared", "studio", "tasks", "workflows", "images"],
    ...["comfy/protocol", "comfy/run-request"],
  ],
  "faces/comfyv2": [
    ...[...free, "faces/shared", "studio", "tasks", "workflows", "images"],
    ...["comfy/protocol", "comfy/outputs"],
  ],
  // It mounts the other faces.
  "faces/http": [
    "as-comfyui",
    ...free,
    "shipped",
    "http-config",
    "options",
    "studio",
    "tasks",
    "workflows",
    "images",
    "faces",
  ],
  // How a ComfyUI answers, for the two that answer as one.
  "as-comfyui": ["comfy/protocol"],
  emulator: ["comfy/protocol", "as-comfyui"],
  // One table that the shell's face reads, and that configuration is read by.
  options: [...free, "http-options"],
  "http-options": free,
  "config-values": [...free, "options"],
  "http-config": [...free, "options", "config-values"],
  "backends-config": [...free, "options", "config-values", "comfy/target"],
  config: [
    ...[...free, "options", "config-values", "http-config", "backends-config"],
    "comfy/target",
    "blobs-config",
    "blobs/open",
  ],
  "blobs-config": [...free, "options", "config-values", "blobs/open", "blobs/s3-blobs"],
  migrate: [...free, "blobs", "images", "tasks"],
  app: [
    ...free,
    "shipped",
    "config",
    "comfy",
    "workflows",
    "images",
    "net",
    "files",
    "blobs",
    "tasks",
    "studio",
    "webhooks",
  ],
  "with-app": [...free, "app", "comfy", "config", "emulator", "faces", "options"],
  cli: [
    "with-app",
    "blobs/open",
    "migrate",
    "http-config",
    ...free,
    "studio",
    "app",
    "config",
    "options",
    "comfy",
    "workflows",
    "images",
    "studio",
    "faces",
    "emulator",
  ],
};

interface Import {
  from: string;
  to: string;
}

function imports(): Import[] {
  const files = readdirSync(src, { recursive: true, encoding: "utf8" }).filter((file) =>
    file.endsWith(".ts"),
  );
  return files.flatMap((file) => {
    const text = readFileSync(path.join(src, file), "utf8");
    const specifiers = [...text.matchAll(/(?:from|import)\s*\(?\s*"(\.[^"]+\.ts)"/g)];
    return specifiers.map(([, specifier]) => ({
      from: file,
      to: path.relative(src, path.resolve(src, path.dirname(file), specifier ?? "")),
    }));
  });
}

function roomOf(file: string): string {
  const [first = "", second = ""] = file.replace(/\.ts$/, "").split(path.sep);
  return first === "faces" ? `${first}/${second}` : first;
}

test("rooms import only what the table allows", () => {
  const all = imports();
  expect(all.length).toBeGreaterThan(100);

  const refused = all.filter(({ from, to }) => {
    const allowed = table[roomOf(from)];
    const target = to.split(path.sep).join("/").replace(/\.ts$/, "");
    if (roomOf(from) === roomOf(to)) return false;
    return !allowed?.some((entry) => target === entry || target.startsWith(`${entry}/`));
  });

  expect(refused).toEqual([]);
});

test("only the command line ends the process and reads the environment", () => {
  const offenders = readdirSync(src, { recursive: true, encoding: "utf8" })
    .filter((file) => file.endsWith(".ts") && file !== "cli.ts")
    .filter((file) => /process\.(exit\(|env\b)/.test(readFileSync(path.join(src, file), "utf8")));

  expect(offenders).toEqual([]);
});

test("what MCP's SDKs export stays where their revisions are translated", () => {
  const offenders = readdirSync(src, { recursive: true, encoding: "utf8" })
    .filter((file) => file.endsWith(".ts") && !/^faces.mcp.sdk[12]\.ts$/.test(file))
    .filter((file) =>
      /(from|import\() ?"@modelcontextprotocol/.test(readFileSync(path.join(src, file), "utf8")),
    );

  expect(offenders).toEqual([]);
});
