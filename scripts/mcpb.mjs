// Bundles for clients that install one file (MCPB): `npm run mcpb -- darwin-arm64 win32-x64`, one file a
// platform, because of sharp's compiled part; without an argument, for this machine. The database is
// that of Node itself, which such clients bring along.
import { spawnSync } from "node:child_process";
import { cp, mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import sharp from "sharp";

const tool = "@anthropic-ai/mcpb@2.1.2";
const root = path.resolve(import.meta.dirname, "..");
const out = path.join(root, "out");

const json = async (file) => JSON.parse(await readFile(path.join(root, file), "utf8"));
const { name, version, license, dependencies } = await json("package.json");
const manifest = await json("mcpb/manifest.json");
const tools = await json("docs/tools.json");

await mkdir(out, { recursive: true });
const asked = process.argv.slice(2);
const targets = asked.length > 0 ? asked : [`${process.platform}-${process.arch}`];
for (const target of targets) await bundle(target);

async function bundle(target) {
  const [platform, arch] = target.split("-");
  const dir = await mkdtemp(path.join(os.tmpdir(), "comfy-easel-mcpb-"));
  try {
    await fill(dir, platform, arch);
    const file = path.join(out, `${name}-${version}-${target}.mcpb`);
    run(dir, "npx", ["-y", tool, "validate", path.join(dir, "manifest.json")]);
    run(dir, "npx", ["-y", tool, "pack", dir, file]);
    console.log(file);
  } finally {
    await rm(dir, { recursive: true, force: true });
  }
}

async function fill(dir, platform, arch) {
  const isShipped = (file) => !file.endsWith(".map");
  for (const each of ["dist", "workflows", "styles", "LICENSE"]) {
    await cp(path.join(root, each), path.join(dir, each), { recursive: true, filter: isShipped });
  }
  const manifestHere = {
    ...manifest,
    version,
    tools: tools.map(({ name, description }) => ({ name, description })),
    compatibility: { ...manifest.compatibility, platforms: [platform] },
  };
  await writeFile(path.join(dir, "manifest.json"), JSON.stringify(manifestHere, null, 2));
  const { sharp: range } = dependencies;
  const own = { name, version, license, type: "module", dependencies: { sharp: range } };
  await writeFile(path.join(dir, "package.json"), JSON.stringify(own, null, 2));
  await sharp(path.join(root, "page/public/favicon.svg"), { density: 1_200 })
    .resize(512, 512)
    .png()
    .toFile(path.join(dir, "icon.png"));
  const quiet = ["--ignore-scripts", "--no-audit", "--no-fund", "--no-package-lock", "--silent"];
  run(dir, "npm", ["install", `--os=${platform}`, `--cpu=${arch}`, ...quiet]);
}

function run(cwd, command, args) {
  const { status } = spawnSync(command, args, {
    cwd,
    stdio: ["ignore", "ignore", "inherit"],
    shell: process.platform === "win32",
  });
  if (status !== 0) throw new Error(`${command} ${args.join(" ")} ended with ${status}.`);
}
