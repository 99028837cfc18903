import { availableParallelism } from "node:os";
import { defineConfig } from "vitest/config";

/** The files that tell the versions of ComfyUI apart. */
const versioned = ["caching", "history", "interrupt", "jobs", "object-info"]
  .concat(["prompt-validation", "queue-and-numbering", "routes", "view-and-upload"])
  .map((name) => `contract/${name}.test.ts`);

/** Older versions the emulator is told to be; against a real ComfyUI its own version counts. */
const older = process.env["COMFY_URL"] ? [] : ["0.3.64", "0.6.0", "0.20.0", "0.26.0"];

// Long enough for a crowded machine; no test measures time.
export default defineConfig({
  test: {
    dir: "test",
    // Half of the files wait for processes they started; vitest's own number leaves a core idle.
    maxWorkers: Math.max(3, availableParallelism()),
    testTimeout: 60_000,
    hookTimeout: 60_000,
    expect: { poll: { timeout: 30_000 } },
    projects: [
      { extends: true, test: { name: "newest", provide: { transport: "memory" } } },
      // The tools behave the same whichever way their client comes.
      {
        extends: true,
        test: {
          name: "over http",
          include: ["mcp/{bad-input,edit-tools,image-tools,records}.test.ts"],
          provide: { transport: "http" },
        },
      },
      ...older.map((version) => ({
        extends: true as const,
        test: {
          name: `ComfyUI ${version}`,
          include: versioned,
          env: { COMFY_VERSION: version },
          provide: { transport: "memory" as const },
          // Every test starts an emulator of its own, so files may share a process.
          isolate: false,
        },
      })),
    ],
  },
});
