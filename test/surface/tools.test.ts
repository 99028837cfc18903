import { readFile, writeFile } from "node:fs/promises";
import path from "node:path";
import type { Tool } from "@modelcontextprotocol/sdk/types.js";
import { expect, test } from "vitest";
import { optionsHelp } from "../../src/options.ts";
import { version } from "../../src/version.ts";
import { connect, startApp, startEmulator } from "../support/world.ts";

const root = path.resolve(import.meta.dirname, "../..");
const docs = (file: string) => path.join(root, "docs", file);

/** The whole list in a model's context; it may only be lowered. */
const tokenCeiling = 4_000;

async function listedTools(): Promise<Tool[]> {
  const emulator = await startEmulator();
  const { deps } = await startApp(emulator.url);
  return (await (await connect(deps)).listTools()).tools;
}

function reference(tools: Tool[]): string {
  return tools
    .map((tool) => {
      const required = tool.inputSchema.required ?? [];
      const rows = Object.entries(tool.inputSchema.properties ?? {}).map(([name, schema]) => {
        const { description } = schema as { description?: string };
        const mark = required.includes(name) ? " (required)" : "";
        return `| \`${name}\`${mark} | ${(description ?? "").replaceAll("|", "\\|")} |`;
      });
      return [
        `### \`${tool.name}\``,
        "",
        tool.description ?? "",
        "",
        "| parameter | meaning |",
        "| --- | --- |",
        ...rows,
      ].join("\n");
    })
    .join("\n\n");
}

function between(text: string, name: string, content: string): string {
  const [start, end] = [`<!-- ${name}:start -->`, `<!-- ${name}:end -->`];
  const [head, rest] = text.split(start);
  const tail = rest?.split(end)[1];
  if (head === undefined || tail === undefined) throw new Error(`no ${start} … ${end}`);
  return `${head}${start}\n\n${content}\n\n${end}${tail}`;
}

/** UPDATE_DOCS=1 npx vitest run --project newest test/surface writes it anew. */
async function expectGenerated(file: string, made: (before: string) => string): Promise<void> {
  const before = await readFile(file, "utf8").catch(() => "");
  const expected = made(before);
  if (process.env["UPDATE_DOCS"]) await writeFile(file, expected);
  expect(await readFile(file, "utf8")).toBe(expected);
}

test("the reference of tools and options is what the server says", async () => {
  const tools = await listedTools();

  await expectGenerated(docs("tools.md"), (text) => between(text, "tools", reference(tools)));
  await expectGenerated(docs("options.md"), (text) =>
    between(text, "options", `\`\`\`\n${optionsHelp()}\n\`\`\``),
  );
});

test("the snapshot of the tool list shows every type, limit and word", async () => {
  const tools = await listedTools();

  await expectGenerated(docs("tools.json"), () => `${JSON.stringify(tools, null, 2)}\n`);
});

test("the whole tool list stays below its ceiling", async () => {
  const tokens = JSON.stringify(await listedTools()).length / 4;

  expect(tokens).toBeLessThan(tokenCeiling);
});

test("no description is longer than clients show", async () => {
  for (const tool of await listedTools()) {
    expect(tool.description?.length).toBeGreaterThan(20);
    expect(tool.description?.length).toBeLessThan(1_024);
  }
});

test("the changelog's newest version is the package's", async () => {
  const changelog = await readFile(path.join(root, "CHANGELOG.md"), "utf8");

  const [newest] = [...changelog.matchAll(/^## (\d\S*)/gm)].map((match) => match[1]);
  expect(newest).toBe(version);
});
