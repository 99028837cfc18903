// The whole gate: types, lint, build, tests. The last line is the count.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import os from "node:os";
import path from "node:path";

const temp = mkdtempSync(path.join(os.tmpdir(), "comfy-easel-tests-"));
const report = path.join(temp, "report.json");
const shell = process.platform === "win32";

// They need nothing that is built, so they go on beside the build and the tests.
const checks = [
  ["types", "tsc", "-p", "test"],
  ["types of the page", "tsc", "-p", "page"],
  ["lint", "biome", "ci", "."],
].map(([name, command, ...args]) => [name, run(command, args)]);

const built = await run("npm", ["run", "--silent", "build"]);
said("build", built);
const tests = spawn(
  "vitest",
  [
    "run",
    "--reporter=default",
    "--reporter=json",
    `--outputFile.json=${report}`,
    ...process.argv.slice(2),
  ],
  { stdio: "inherit", shell },
);
const [status] = await once(tests, "close");
let failedSteps = built.status === 0 ? 0 : 1;
for (const [name, check] of checks) {
  const done = await check;
  said(name, done);
  if (done.status !== 0) failedSteps += 1;
}
finish(status);

/** Its output is kept, so that it does not run into that of the tests. */
async function run(command, args) {
  const child = spawn(command, args, { stdio: ["ignore", "pipe", "pipe"], shell });
  let output = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding("utf8").on("data", (text) => {
      output += text;
    });
  }
  const [status] = await once(child, "close");
  return { status, output };
}

function said(name, { status, output }) {
  console.error(`\n> ${name}: ${status === 0 ? "ok" : `failed (${status})`}\n${output}`);
}

function finish(status) {
  const results = readReport();
  const passed = results?.numPassedTests ?? 0;
  const skipped = (results?.numPendingTests ?? 0) + (results?.numTodoTests ?? 0);
  let failed = failedSteps + (results?.numFailedTests ?? 0);
  // A suite that cannot load, an unhandled error or no report at all is a failure too.
  if (status !== 0 && failed === 0) failed = 1;
  if (passed === 0 && failed === 0) failed = 1;
  rmSync(temp, { recursive: true, force: true });
  const tail = skipped > 0 ? `, ${skipped} skipped` : "";
  console.log(`\n${passed} passed, ${failed} failed${tail}`);
  process.exitCode = failed > 0 ? 1 : 0;
}

function readReport() {
  try {
    return JSON.parse(readFileSync(report, "utf8"));
  } catch {
    return undefined;
  }
}
