// The whole gate: types, lint, build, tests. The last line is the count.
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import os from "node:os";
import path from "node:path";

const temp = mkdtempSync(path.join(os.tmpdir(), "comfy-easel-tests-"));
const report = path.join(temp, "report.json");

const steps = [
  ["types", "tsc", "-p", "test"],
  ["types of the page", "tsc", "-p", "page"],
  ["lint", "biome", "ci", "."],
  ["build", "npm", "run", "--silent", "build"],
  [
    "tests",
    "vitest",
    "run",
    "--reporter=default",
    "--reporter=json",
    `--outputFile.json=${report}`,
    ...process.argv.slice(2),
  ],
];

let failedSteps = 0;
for (const [name, command, ...args] of steps) {
  console.error(`\n> ${name}: ${command} ${args.join(" ")}`);
  const { status } = spawnSync(command, args, {
    stdio: "inherit",
    shell: process.platform === "win32",
  });
  if (status !== 0 && name !== "tests") failedSteps += 1;
  if (name === "tests") finish(status);
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
