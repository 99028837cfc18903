import { mkdir, stat } from "node:fs/promises";
import path from "node:path";
import { pathToFileURL } from "node:url";
import type { Client as EarlierClient } from "@modelcontextprotocol/sdk/client/index.js";
import { ListRootsRequestSchema } from "@modelcontextprotocol/sdk/types.js";
import { expect, onTestFinished, test } from "vitest";
import type { Deps } from "../../src/faces/mcp/deps.ts";
import { asEarlier, type Client, earlierClient, memoryTransport } from "../support/client.ts";
import { call, startApp, startEmulator, tempDir } from "../support/world.ts";

/** A client whose user works in these folders. */
async function connectIn(
  deps: Deps,
  folders: () => string[],
): Promise<{ client: Client; raw: EarlierClient }> {
  const raw = earlierClient({ name: "editor", capabilities: { roots: { listChanged: true } } });
  raw.setRequestHandler(ListRootsRequestSchema, () => ({
    roots: folders().map((folder) => ({ uri: pathToFileURL(folder).href })),
  }));
  await raw.connect(memoryTransport(deps) as Parameters<EarlierClient["connect"]>[0]);
  onTestFinished(() => raw.close());
  return { client: asEarlier(raw), raw };
}

const small = { prompt: "x", width: 64, height: 64 };

test("a relative save_to lands where the user of the client works, also after that changed", async () => {
  const emulator = await startEmulator();
  const { deps, dataDir } = await startApp(emulator.url);
  const [first, second] = [path.join(dataDir, "one"), path.join(dataDir, "two")];
  await Promise.all([mkdir(first), mkdir(second)]);
  let folder = first;
  const { client, raw } = await connectIn(deps, () => [folder]);

  const hero = await call(client, "generate_image", { ...small, save_to: "./public/hero.png" });
  folder = second;
  await raw.sendRootsListChanged();
  const moved = await call(client, "generate_image", { ...small, save_to: "./hero.png" });
  const cut = await call(client, "remove_background", { image: "hero.png" });

  expect(hero.text).toContain(`Saved to ${path.join(first, "public", "hero.png")}`);
  expect(moved.text).toContain(`Saved to ${path.join(second, "hero.png")}`);
  expect(cut.text).toMatch(/^Done/);
  expect((await stat(path.join(first, "public", "hero.png"))).size).toBeGreaterThan(0);
});

test("a folder that the operator did not allow stays closed, whatever the client says", async () => {
  const emulator = await startEmulator();
  const { deps, app } = await startApp(emulator.url);
  const outside = await tempDir();
  const { client } = await connectIn(deps, () => [outside]);

  const answer = await call(client, "generate_image", { ...small, save_to: "./hero.png" });

  expect(answer.isError).toBe(true);
  expect(answer.text).toMatch(/^save_to: /);
  expect(await app.tasks.count({})).toBe(0);
});
