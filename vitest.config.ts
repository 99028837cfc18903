import { defineConfig } from "vitest/config";

// Long enough for a crowded machine; no test measures time.
export default defineConfig({
  test: {
    dir: "test",
    testTimeout: 60_000,
    hookTimeout: 60_000,
    expect: { poll: { timeout: 30_000 } },
  },
});
