import { availableParallelism } from "node:os";
import { defineConfig } from "vitest/config";

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

/**
 * They leave a process changed: undici keeps the timer of all its time-outs, which is dead once a test has
 * moved the clock, and the older ComfyUIs are told to a module that the newest one's tests read.
 */
const alone = ["unit/comfy-quiet.test.ts", "contract/older.test.ts"];

// Long enough for a crowded machine; no test measures time.
export default defineConfig({
  test: {
    dir: "test",
    // Half of the files wait for processes they started; vitest's own number leaves cores idle.
    maxWorkers: 2 * availableParallelism(),
    // Nothing of ours lives in a module, so files may share a process and what it has loaded.
    isolate: false,
    testTimeout: 180_000,
    hookTimeout: 180_000,
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
          exclude: ["contract/emulator-*.test.ts", "contract/older.test.ts"],
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
    ],
  },
});
