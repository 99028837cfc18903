import { expect, test } from "vitest";
import type { ObjectInfo } from "../../src/comfy/protocol.ts";
import { withStills } from "../../src/workflows/stills.ts";

const known = Object.fromEntries(
  ["ImageFromBatch", "PreviewImage", "GetVideoComponents"].map((name) => [name, {}]),
) as unknown as ObjectInfo;

function recipe(save: string, inputs: Record<string, [string, number]>, others = {}) {
  const graph = { ...others, "9": { class_type: save, inputs } };
  return { graph, open: {}, outputs: ["9"], files: {} };
}

test.for<[what: string, save: string, inputs: Record<string, [string, number]>, from: string]>([
  ["the frames it saves", "SaveWEBM", { images: ["6", 0] }, "6"],
  ["the frames of the film it saves", "SaveVideo", { video: ["8", 0] }, "6"],
  ["a film that is loaded, taken apart", "SaveVideo", { video: ["7", 0] }, "9:frames"],
])("the still of a film comes from %s", ([, save, inputs, from]) => {
  const film = {
    class_type: "CreateVideo",
    inputs: { images: ["6", 0] as [string, number], fps: 16 },
  };
  const others = { "7": { class_type: "LoadVideo", inputs: { file: "a.mp4" } }, "8": film };
  const { graph, stills } = withStills(recipe(save, inputs, others), known);

  expect(stills).toEqual({ "9": "9:still" });
  expect(graph["9:first_frame"]?.inputs).toEqual({ image: [from, 0], batch_index: 0, length: 1 });
  expect(graph["9:still"]?.inputs).toEqual({ images: ["9:first_frame", 0] });
});

test("a picture, and a ComfyUI without the nodes, keep the recipe as it is", () => {
  const picture = recipe("SaveImage", { images: ["6", 0] });
  const film = recipe("SaveWEBM", { images: ["6", 0] });

  expect(withStills(picture, known)).toBe(picture);
  expect(withStills(film, {})).toBe(film);
});
