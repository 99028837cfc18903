import { randomUUID } from "node:crypto";
import { expect, test } from "vitest";
import { startComfy } from "./support.ts";
import { isSince } from "./versions.ts";

function at(file: string): string {
  return `/api/userdata/${encodeURIComponent(file)}`;
}

test("a folder nobody saved into is not found, and none named is refused", async () => {
  const comfy = await startComfy();
  const missing = await comfy.fetch(`/api/userdata?dir=${randomUUID()}&recurse=true`);
  expect([missing.status, await missing.text()]).toEqual([404, "Directory not found"]);

  const unnamed = await comfy.fetch("/api/userdata");
  expect([unnamed.status, await unnamed.text()]).toEqual([400, "Directory not provided"]);
});

test("a saved file is listed by its path, size and time, and read as one segment", async () => {
  const comfy = await startComfy();
  const dir = `comfy-easel-test-${randomUUID()}`;
  const saved = await comfy.post(`${at(`${dir}/sub/a b.json`)}?overwrite=false&full_info=true`, {
    nodes: [],
  });
  expect(saved.status).toBe(200);
  expect(await saved.json()).toMatchObject({ path: `${dir}/sub/a b.json`, size: 12 });

  const query = `/api/userdata?dir=${dir}&full_info=true`;
  expect(await comfy.json(query)).toEqual([]);
  const [file, ...others] = await comfy.json(`${query}&recurse=true`);
  expect(others).toEqual([]);
  expect(file).toMatchObject({ path: "sub/a b.json", size: 12 });
  const modified = file.modified * (isSince("0.21.0") ? 1 : 1_000);
  expect(Math.abs(modified - Date.now())).toBeLessThan(600_000);
  expect(await comfy.json(`/api/userdata?dir=${dir}&recurse=true`)).toEqual(["sub/a b.json"]);
  expect(await comfy.json(`/api/userdata?dir=${dir}&recurse=true&split=true`)).toEqual([
    ["sub/a b.json", "sub", "a b.json"],
  ]);

  const read = await comfy.fetch(at(`${dir}/sub/a b.json`));
  expect([read.status, await read.json()]).toEqual([200, { nodes: [] }]);
  expect((await comfy.fetch(`/api/userdata/${dir}/sub/a%20b.json`)).status).toBe(404);
  expect((await comfy.fetch(at(`${dir}/other.json`))).status).toBe(404);
});

test("a file is not replaced unasked, and a percent sign is decoded twice", async () => {
  const comfy = await startComfy();
  const dir = `comfy-easel-test-${randomUUID()}`;
  const twice = at(`${dir}/100%25 fox.json`);
  expect((await comfy.post(twice, {})).status).toBe(200);
  expect((await comfy.post(`${twice}?overwrite=false`, {})).status).toBe(409);

  const listed = await comfy.json(`/api/userdata?dir=${dir}&recurse=true`);
  expect(listed).toEqual(["100% fox.json"]);
  expect((await comfy.fetch(twice)).status).toBe(200);
});

test("the gallery's files are at the root alone", async () => {
  const templates = { "index.json": [{ title: "Image", templates: [] }] };
  const comfy = await startComfy({ templates });

  expect((await comfy.fetch("/templates/none.json")).status).toBe(404);
  expect((await comfy.fetch("/api/templates/index.json")).status).toBe(404);
});
