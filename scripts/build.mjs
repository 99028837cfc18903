// The package as it is run: one bundle with chunks for what is loaded later, beside the two packages
// with compiled parts, and the licences of what is inside.
import { readFile, rm, writeFile } from "node:fs/promises";
import path from "node:path";
import { pathToFileURL } from "node:url";
import { build } from "esbuild";

const root = path.resolve(import.meta.dirname, "..");
const dist = path.join(root, "dist");

await rm(dist, { recursive: true, force: true });
const requireBanner =
  'import { createRequire as nodeRequire } from "node:module";const require = nodeRequire(import.meta.url);';
const { metafile } = await build({
  absWorkingDir: root,
  entryPoints: { cli: "src/cli.ts" },
  outdir: dist,
  bundle: true,
  splitting: true,
  format: "esm",
  platform: "node",
  target: "node20.18",
  // One of them is written for browsers' loaders under `main`.
  mainFields: ["module", "main"],
  external: ["sharp", "@keyv/sqlite"],
  sourcemap: true,
  // Every start reads and parses it; the names in stacks stay.
  minifySyntax: true,
  minifyWhitespace: true,
  legalComments: "none",
  metafile: true,
  plugins: [{ name: "english-alone", setup: englishAlone }],
  // Packages written for `require` find Node's own modules by it.
  banner: { js: requireBanner },
  logLevel: "warning",
});
await writeFile(path.join(dist, "workflows.json"), await compiledWorkflows());
await writeFile(path.join(dist, "LICENSES.txt"), await licences(Object.keys(metafile.inputs)));

/** zod brings its words in fifty languages; it speaks the one here. */
function englishAlone({ onResolve, onLoad }) {
  onResolve({ filter: /\/locales\/index\.c?js$/ }, ({ importer }) =>
    importer.includes(`${path.sep}zod${path.sep}`)
      ? { path: "locales", namespace: "english-alone" }
      : undefined,
  );
  onLoad({ filter: /.*/, namespace: "english-alone" }, () => ({ contents: "export {};" }));
}

/** What a start would find out about the shipped workflows, found out once. */
async function compiledWorkflows() {
  const { outputFiles } = await build({
    absWorkingDir: root,
    entryPoints: ["src/workflows/shipped-folder.ts"],
    bundle: true,
    write: false,
    format: "esm",
    platform: "node",
    target: "node20.18",
    banner: { js: requireBanner },
    external: ["sharp"],
  });
  const file = path.join(dist, "compile-workflows.mjs");
  await writeFile(file, outputFiles[0].contents);
  try {
    const { compiledText } = await import(pathToFileURL(file).href);
    return await compiledText(path.join(root, "workflows"));
  } finally {
    await rm(file);
  }
}

async function licences(inputs) {
  const packages = new Set();
  for (const input of inputs) {
    const [, name] = /^.*node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(input) ?? [];
    if (name) packages.add(name);
  }
  const parts = [];
  for (const name of [...packages].sort()) {
    const dir = path.join(root, "node_modules", name);
    const { version, license } = JSON.parse(await readFile(path.join(dir, "package.json"), "utf8"));
    parts.push(`${name} ${version} (${license})\n\n${(await textIn(dir)).trim()}\n`);
  }
  return `Packages inside this bundle, and their licences.\n\n${parts.join(`\n${"-".repeat(80)}\n\n`)}`;
}

async function textIn(dir) {
  for (const name of ["LICENSE", "LICENSE.md", "LICENSE.txt", "license", "LICENCE", "license.md"]) {
    const text = await readFile(path.join(dir, name), "utf8").catch(() => undefined);
    if (text !== undefined) return text;
  }
  return "(its package holds no text)";
}
