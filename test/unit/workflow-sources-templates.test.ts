import { expect, test } from "vitest";
import { guestWorkflow, modelNeeds } from "../../src/workflows/guest.ts";
import { ownGraphIn } from "../../src/workflows/own-graph.ts";
import { searchTemplates, templatesIn } from "../../src/workflows/templates.ts";
import { catalogue, editor, textToImage } from "../fixtures/editor/graphs.ts";

const index = JSON.stringify([
  {
    title: "Image",
    type: "image",
    templates: [
      {
        name: "fox_t2i",
        title: "Fox: text to image",
        tags: ["Text to Image"],
        models: ["Fox-1"],
        usage: 5,
      },
      { name: "fox_edit", title: "Fox edit", tags: ["Image Edit"], models: ["Fox-1"], usage: 90 },
      { name: "wolf_api", title: "Wolf Pro", models: ["Wolf"], openSource: false },
      { name: "../../etc/passwd", title: "no file name" },
      { name: "old", status: "archived" },
    ],
  },
  {
    title: "Video",
    templates: [{ name: "fox_edit" }, { name: "film", requiresCustomNodes: ["pack"] }, null],
  },
  "no category",
]);

test("an index is read leniently, each template once with all its categories", () => {
  const templates = templatesIn(index);

  expect(templates.map(({ name }) => name)).toEqual(["fox_t2i", "fox_edit", "wolf_api", "film"]);
  expect(templates[1]?.tasks).toEqual(["Image", "image", "Video"]);
  expect(templates.filter(({ isPaid }) => isPaid).map(({ name }) => name)).toEqual(["wolf_api"]);
  expect(templatesIn("<html>")).toEqual([]);
});

test.for<[query: string, names: string[]]>([
  ["fox", ["fox_edit", "fox_t2i"]],
  ["Text-to-Image fox", ["fox_t2i"]],
  ["wolf", ["wolf_api"]],
  ["video edit", ["fox_edit"]],
  ["fox nowhere", ["fox_edit", "fox_t2i"]],
  ["zebra", []],
  ["  ", []],
])("a search for %s finds by title, tags, models and task", ([query, names]) => {
  expect(searchTemplates(templatesIn(index), query).map(({ name }) => name)).toEqual(names);
});

const info = catalogue();

function withModels(directory: string) {
  const { nodes, links } = textToImage();
  const models = [
    { name: "v1-5-pruned-emaonly-fp16.safetensors", url: "https://example.org/sd15", directory },
    { name: "unused.safetensors", url: "https://example.org/unused", directory: "vae" },
  ];
  const [loader, ...rest] = nodes;
  if (!loader) throw new Error("the sketch has no loader");
  return editor({ nodes: [{ ...loader, properties: { models } }, ...rest], links });
}

function guest(data: unknown, rest: { tool?: string; isRecipe?: boolean } = {}) {
  const read = ownGraphIn(JSON.stringify(data), info);
  return guestWorkflow(
    { name: "template:fox", read, editor: data, isRecipe: false, ...rest },
    info,
  );
}

test.for(["checkpoints", "models/checkpoints"])(
  "a template's own words say where the files in %s come from",
  (directory) => {
    expect(guest(withModels(directory)).models).toEqual([
      {
        file: "v1-5-pruned-emaonly-fp16.safetensors",
        folder: "checkpoints",
        source: "https://example.org/sd15",
      },
    ]);
  },
);

test("files of nodes inside of subgraphs are known, by their bare names too", () => {
  const graph = { "1": { class_type: "VAELoader", inputs: { vae_name: "flux/ae.safetensors" } } };
  const models = [{ name: "ae.safetensors", directory: "vae" }];
  const data = { nodes: [], definitions: { subgraphs: [{ nodes: [{ properties: { models } }] }] } };

  expect(modelNeeds(data, graph)).toEqual([{ file: "flux/ae.safetensors", folder: "vae" }]);
});

test("a recipe needs nothing of what its graph holds", () => {
  const made = guest(editor(textToImage()), { tool: "generate_image", isRecipe: true });

  expect(made).toMatchObject({ name: "template:fox", tool: "generate_image" });
  expect(made.parameters["prompt"]).toMatchObject({ required: false, default: "a fox" });
});

test("a workflow that takes no image is not run by a tool that gives one", () => {
  const { nodes, links } = textToImage();
  expect(() => guest(editor({ nodes, links }), { tool: "img2img" })).toThrow(
    /takes no image; call generate_image/,
  );
});

test("paid partner nodes are named and not run", () => {
  const { nodes, links } = textToImage();
  const sampler = info["KSampler"];
  if (!sampler) throw new Error("the catalogue has no KSampler");
  const paid = { ...info, KSampler: { ...sampler, api_node: true } };
  const read = ownGraphIn(JSON.stringify(editor({ nodes, links })), paid);

  expect(() => guestWorkflow({ name: "template:fox", read, isRecipe: false }, paid)).toThrow(
    /paid partner nodes \(KSampler\)/,
  );
});
