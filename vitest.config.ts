import { availableParallelism } from "node:os";
import { defineConfig } from "vitest/config";

/** The files that tell the versions of ComfyUI apart. */
const versioned = ["caching", "history", "interrupt", "jobs", "object-info"]
  .concat(["prompt-validation", "queue-and-numbering", "routes", "userdata", "view-and-upload"])
  .map((name) => `contract/${name}.test.ts`);

/** Older versions the emulator is told to be; against a real ComfyUI its own version counts. */
const older = process.env["COMFY_URL"] ? [] : ["0.3.64", "0.6.0", "0.20.0", "0.26.0"];

/**
 * The ways in which a client comes, beside the one that all tests take. What is about the way itself
 * goes through all of them by itself; with EASEL_WAYS=all (`npm run test:ways`) all of `test/mcp` does.
 */
const ways =
  process.env["EASEL_WAYS"] === "all"
    ? ([
        { transport: "memory", revision: "2026-07-28" },
        { transport: "stdio", revision: "2025-11-25" },
        { transport: "stdio", revision: "2026-07-28" },
        { transport: "http", revision: "2025-11-25" },
        { transport: "http", revision: "2026-07-28" },
      ] as const)
    : [];
const overAllAnyway = ["mcp/protocol.test.ts", "mcp/client-roots.test.ts"];

/** undici keeps the timer of all its time-outs, which is dead once a test has moved the clock. */
const alone = ["unit/comfy-quiet.test.ts"];

// Long enough for a crowded machine; no test measures time.
export default defineConfig({
  test: {
    dir: "test",
    // Half of the files wait for processes they started; vitest's own number leaves a core idle.
    maxWorkers: Math.max(3, availableParallelism()),
    // Nothing of ours lives in a module, so files may share a process and what it has loaded.
    isolate: false,
    testTimeout: 60_000,
    hookTimeout: 60_000,
    expect: { poll: { timeout: 30_000 } },
    projects: [
      {
        extends: true,
        test: {
          name: "newest",
          exclude: ["**/node_modules/**", ...alone],
          globalSetup: ["test/support/postgres-run.ts"],
          provide: { transport: "memory", revision: "2025-11-25" },
        },
      },
      {
        extends: true,
        test: {
          name: "alone",
          include: alone,
          isolate: true,
          provide: { transport: "memory", revision: "2025-11-25" },
        },
      },
      {
        extends: true,
        test: {
          name: "ComfyUI face",
          include: ["contract/*.test.ts"],
          exclude: ["contract/emulator-*.test.ts"],
          env: { COMFY_FACE: "1" },
          setupFiles: ["test/contract/face-setup.ts"],
          provide: { transport: "memory", revision: "2025-11-25" },
        },
      },
      ...ways.map(({ transport, revision }) => ({
        extends: true as const,
        test: {
          name: `${transport}, ${revision}`,
          include: ["mcp/*.test.ts"],
          exclude: overAllAnyway,
          provide: { transport, revision },
        },
      })),
      ...older.map((version) => ({
        extends: true as const,
        test: {
          name: `ComfyUI ${version}`,
          include: versioned,
          env: { COMFY_VERSION: version },
          provide: { transport: "memory" as const, revision: "2025-11-25" as const },
        },
      })),
    ],
  },
});
