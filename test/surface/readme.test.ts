import { spawnSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import path from "node:path";
import { parse as parseToml } from "smol-toml";
import { expect, test } from "vitest";
import { parse as parseYaml } from "yaml";
import { options } from "../../src/options.ts";
import { version } from "../../src/version.ts";

const root = path.resolve(import.meta.dirname, "../..");
const readme = readFileSync(path.join(root, "README.md"), "utf8");

/** Each fenced text with the language it names. */
const fences = [...readme.matchAll(/^```(\w+)\n(.*?)^```$/gms)].map(([, language, text = ""]) => ({
  language,
  text,
}));

function all(language: string): string[] {
  return fences.filter((fence) => fence.language === language).map(({ text }) => text);
}

/** What starts this server, wherever in a client's configuration it stands. */
function launches(value: unknown): unknown[] {
  if (typeof value !== "object" || value === null) return [];
  const inside = Object.values(value).flatMap(launches);
  return "args" in value ? [value, ...inside] : inside;
}

test("every snippet for a client parses and starts this package", () => {
  const parsed = [
    ...all("json").map((text) => JSON.parse(text)),
    ...all("toml").map((text) => parseToml(text)),
    ...all("yaml").map((text) => parseYaml(text)),
  ];
  const found = parsed.flatMap(launches);

  expect(parsed.length).toBeGreaterThanOrEqual(6);
  expect(found.length).toBeGreaterThanOrEqual(5);
  for (const launch of found) expect(launch).toMatchObject({ args: ["-y", "comfy-easel"] });
});

test("the install links carry the same launch", () => {
  const [, config = ""] = /config=([\w+/=]+)\)/.exec(readme) ?? [];
  const [, encoded = ""] = /vscode:mcp\/install\?([^)]+)\)/.exec(readme) ?? [];
  const launch = { command: "npx", args: ["-y", "comfy-easel"] };

  expect(JSON.parse(Buffer.from(config, "base64").toString("utf8"))).toEqual(launch);
  expect(JSON.parse(decodeURIComponent(encoded))).toEqual({ name: "comfy-easel", ...launch });
});

test.skipIf(!existsSync("/usr/bin/python3"))("the Python snippets are Python", () => {
  const program = "import ast, sys; ast.parse(sys.stdin.read())";
  expect(all("python").length).toBe(2);
  for (const input of all("python")) {
    const { status, stderr } = spawnSync("/usr/bin/python3", ["-c", program], { input });
    expect(String(stderr)).toBe("");
    expect(status).toBe(0);
  }
});

test("every option and every file that the README names is there", () => {
  const flags = new Set<string>(Object.values(options).map(({ flag }) => flag));
  const elsewhere = ["out", "image", "strength", "style", "version", "fix-config"];
  const named = [...readme.matchAll(/(?<![\w-])--([a-z][a-z-]+)/g)].map(([, flag = ""]) => flag);
  const links = [...readme.matchAll(/\]\(((?!https?:|cursor:|vscode:)[^)#]+)\)|src="([^"]+)"/g)];

  expect(named.filter((flag) => !flags.has(flag) && !elsewhere.includes(flag))).toEqual([]);
  expect(links.length).toBeGreaterThan(10);
  for (const [, link, source] of links) {
    expect(existsSync(path.join(root, link ?? source ?? "")), link ?? source).toBe(true);
  }
});

test("the registry's entry and the bundle's manifest are of this package", () => {
  const read = (file: string) => JSON.parse(readFileSync(path.join(root, file), "utf8"));
  const [server, manifest] = [read("server.json"), read("package.json")];
  const variables = Object.values(options).map(({ env }) => env);

  expect(server.name).toBe(manifest.mcpName);
  expect(server.description.length).toBeLessThanOrEqual(100);
  expect([server.version, server.packages[0].version]).toEqual([version, version]);
  expect(server.packages[0].identifier).toBe(manifest.name);
  for (const { name } of server.packages[0].environmentVariables) {
    expect(variables).toContain(name);
  }
  expect(read("plugin/.claude-plugin/plugin.json").version).toBe(version);
  const bundle = read("mcpb/manifest.json");
  expect([bundle.name, bundle.version]).toEqual([manifest.name, version]);
  const { args, env } = bundle.server.mcp_config;
  expect(args).toEqual([`\${__dirname}/${manifest.bin["comfy-easel"]}`]);
  for (const [name, value] of Object.entries<string>(env)) {
    expect(variables).toContain(name);
    // What is left empty is not set, while a placeholder without a default would come as it stands.
    expect(bundle.user_config[value.slice("${user_config.".length, -1)].default).toBe("");
  }
});
