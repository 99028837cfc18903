import { defineConfig } from "vitest/config";

// Long enough for a crowded machine; no test measures time.
export default defineConfig({
  test: {
    dir: "test",
    testTimeout: 60_000,
    hookTimeout: 60_000,
    expect: { poll: { timeout: 30_000 } },
    projects: [
      { extends: true, test: { name: "main", provide: { transport: "memory" } } },
      // The tools behave the same whichever way their client comes.
      {
        extends: true,
        test: {
          name: "over http",
          include: ["mcp/{bad-input,edit-tools,image-tools,records}.test.ts"],
          provide: { transport: "http" },
        },
      },
    ],
  },
});
