import { spawnSync } from "node:child_process";
import { createRequire } from "node:module";
import path from "node:path";
import { demoServer, prompt } from "../server.mjs";

/** The Inspector's command line, which prints a result as it came. */
export function run({ options }) {
  const { command, args } = demoServer(options);
  const ask = (...more) => inspector([...more, "--", command, ...args]);
  const { tools } = ask("--method", "tools/list");
  const made = ask(
    "--method",
    "tools/call",
    "--tool-name",
    "generate_image",
    "--tool-arg",
    `prompt=${prompt}`,
    "--tool-arg",
    "width=512",
    "--tool-arg",
    "height=512",
  );
  return {
    tools: tools.length,
    blocks: made.content.map(({ type }) => type),
    characters: made.content.reduce((sum, { text = "" }) => sum + text.length, 0),
    text: made.content.map(({ text = "" }) => text).join("\n"),
  };
}

function inspector(args) {
  const manifest = createRequire(import.meta.url).resolve(
    "@modelcontextprotocol/inspector/package.json",
  );
  const { bin } = createRequire(import.meta.url)(manifest);
  const file = typeof bin === "string" ? bin : Object.values(bin)[0];
  const { stdout, stderr, status } = spawnSync(
    process.execPath,
    [path.join(path.dirname(manifest), file), "--cli", "--format", "json", ...args],
    { encoding: "utf8", maxBuffer: 2 ** 26 },
  );
  if (status !== 0) throw new Error(stderr || `exit code ${status}`);
  const printed = JSON.parse(stdout);
  return printed.result ?? printed;
}
