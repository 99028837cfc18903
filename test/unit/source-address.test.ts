import path from "node:path";
import { expect, test } from "vitest";
import { loadCatalog } from "../../src/workflows/catalog.ts";
import { addressOfSource } from "../../src/workflows/source-address.ts";

test.for([
  ["huggingface city96/FLUX.1-dev-gguf", "https://huggingface.co/city96/FLUX.1-dev-gguf"],
  [
    "huggingface Comfy-Org/flux1-dev, split_files/vae",
    "https://huggingface.co/Comfy-Org/flux1-dev/tree/main/split_files/vae",
  ],
  ["huggingface a/b, c.safetensors saved under this name", "https://huggingface.co/a/b"],
  ["github city96/ComfyUI-GGUF", "https://github.com/city96/ComfyUI-GGUF"],
  ["https://civitai.com/models/1", "https://civitai.com/models/1"],
  ["somebody's drawer", undefined],
  ["javascript:alert(1)", undefined],
])("the source %s is at %s", ([source, address]) => {
  expect(addressOfSource(source)).toBe(address);
});

test("every source that a shipped workflow names can be opened", async () => {
  const dir = path.resolve(import.meta.dirname, "../../workflows");
  const { catalog } = await loadCatalog([{ dir, trusted: true }]);
  const sources = catalog
    .all()
    .flatMap(({ models, nodes }) => [...models, ...nodes])
    .flatMap(({ source }) => source ?? []);

  expect(sources.length).toBeGreaterThan(50);
  expect(sources.filter((source) => addressOfSource(source) === undefined)).toEqual([]);
});
