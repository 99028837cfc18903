import { mkdtemp, rm, stat } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { Emulator } from "../../src/emulator/emulator.ts";
import { allWays, call, connect, openApp, tempDir, type World } from "../support/world.ts";

const small = { prompt: "x", width: 64, height: 64 };

let shared: World;
let emulator: Emulator;
beforeAll(async () => {
  const dataDir = await mkdtemp(path.join(os.tmpdir(), "comfy-easel-roots-"));
  emulator = await Emulator.start();
  shared = await openApp(emulator.url, dataDir);
});
afterAll(async () => {
  await shared.app.close();
  await emulator.close();
  await rm(shared.dataDir, { recursive: true, force: true, maxRetries: 5 });
});

/** A folder of this test's own, below one that the operator allows. */
function folder(): Promise<string> {
  return mkdtemp(path.join(shared.dataDir, "work-"));
}

describe.for(allWays)("over $transport, $revision", (way) => {
  test("a relative path starts where the user of the client works, also after that changed", async () => {
    const [first, second] = [await folder(), await folder()];
    let current = first;
    let asked = 0;
    const folders = () => {
      asked += 1;
      return [current];
    };
    const client = await connect(shared.deps, { way, name: "editor", folders });

    const hero = await call(client, "generate_image", { ...small, save_to: "./public/hero.png" });
    current = second;
    const moved = await call(client, "generate_image", { ...small, save_to: "./hero.png" });
    const cut = await call(client, "remove_background", { image: "hero.png" });
    await call(client, "list_tasks");

    expect(hero.text).toContain(`Saved to ${path.join(first, "public", "hero.png")}`);
    expect(moved.text).toContain(`Saved to ${path.join(second, "hero.png")}`);
    expect(cut.text).toMatch(/^Done/);
    expect((await stat(path.join(first, "public", "hero.png"))).size).toBeGreaterThan(0);
    // A call without a path needs no folder.
    expect(asked).toBe(3);
  });

  test("a folder that the operator did not allow stays closed, whatever the client says", async () => {
    const outside = await tempDir();
    const before = await shared.app.tasks.count({});
    const client = await connect(shared.deps, { way, name: "editor", folders: () => [outside] });

    const answer = await call(client, "generate_image", { ...small, save_to: "./hero.png" });

    expect(answer.isError).toBe(true);
    expect(answer.text).toMatch(/^save_to: /);
    expect(await shared.app.tasks.count({})).toBe(before);
  });

  test("folder and model are asked for in one call, and nothing is made before both are known", async () => {
    const here = await folder();
    const before = await shared.app.tasks.count({});
    const client = await connect(shared.deps, {
      way,
      folders: () => [here],
      elicit: () => ({ action: "accept", content: { answer: "sd_xl_base_1.0.safetensors" } }),
    });

    const made = await call(client, "generate_image", {
      ...small,
      model: "sd_xl_bsae_1.0.safetensors",
      save_to: "./hero.png",
    });

    expect(made.text).toContain(`Saved to ${path.join(here, "hero.png")}`);
    expect(await shared.app.tasks.count({})).toBe(before + 1);
  });
});
