import { fileURLToPath } from "node:url";
import { defineConfig } from "vite";
import { oneFile } from "./one-file.ts";

const at = (path: string) => fileURLToPath(new URL(path, import.meta.url));

/** The page at `/`; with `--mode studio` the same page as the one file that an MCP App is. */
export default defineConfig(({ mode }) => {
  const isOneFile = mode === "studio";
  return {
    root: at("."),
    base: "./",
    publicDir: isOneFile ? false : "public",
    oxc: { jsx: { runtime: "automatic", importSource: "preact" } },
    plugins: isOneFile ? [oneFile()] : [],
    define: { "process.env.NODE_ENV": '"production"' },
    build: {
      outDir: at("../dist/page"),
      // The other build stands there.
      emptyOutDir: !isOneFile,
      target: "es2022",
      // The page at / is files of ours alone: its policy allows no data: fonts or styles.
      assetsInlineLimit: isOneFile ? Number.MAX_SAFE_INTEGER : 0,
      modulePreload: { polyfill: false },
      reportCompressedSize: true,
      ...(isOneFile && { cssCodeSplit: false, rolldownOptions: { input: at("studio.html") } }),
    },
  };
});
