import { expect, test } from "vitest";
import type { NodeInfo, ObjectInfo } from "../../src/comfy/protocol.ts";
import { convert } from "../../src/workflows/editor/convert.ts";
import {
  catalogue,
  editor,
  type GraphSketch,
  type LinkSketch,
  type NodeSketch,
  textToImage,
} from "../fixtures/editor/graphs.ts";

const info = catalogue();

function converted(sketch: GraphSketch, more: ObjectInfo = {}) {
  const result = convert(editor(sketch), { ...info, ...more });
  if ("problems" in result) throw new Error(result.problems.join("; "));
  return result;
}

/** Text to image with `node` put on the link into the sampler's model. */
function withModelThrough(
  node: NodeSketch,
  before: LinkSketch[],
  after: LinkSketch[],
): GraphSketch {
  const { nodes, links } = textToImage();
  const rest = links.filter(([from, , to]) => from !== 1 || to !== 5);
  return { nodes: [...nodes, node], links: [...rest, ...before, ...after] };
}

const lora: NodeSketch = {
  id: 8,
  type: "LoraLoader",
  inputs: ["model:MODEL", "clip:CLIP"],
  outputs: ["MODEL", "CLIP"],
  values: ["a.safetensors", 1, 1],
};

const aroundLora: [LinkSketch[], LinkSketch[]] = [
  [
    [1, 0, 8, 0, "MODEL"],
    [1, 1, 8, 1, "CLIP"],
  ],
  [[8, 0, 5, 0, "MODEL"]],
];

test("a bypassed node hands on the input of the same type", () => {
  const { graph, notes } = converted(withModelThrough({ ...lora, mode: 4 }, ...aroundLora));

  expect(graph["8"]).toBeUndefined();
  expect(graph["5"]?.inputs["model"]).toEqual(["1", 0]);
  expect(notes).toEqual([]);
});

test("bypass prefers the same place, then the exact type, then a type that fits", () => {
  const node: NodeSketch = {
    id: 8,
    type: "Pack",
    mode: 4,
    inputs: ["image:IMAGE", "wide:MODEL,VAE", "exact:MODEL"],
    outputs: ["LATENT", "MODEL", "MODEL"],
  };
  const before: LinkSketch[] = [
    [1, 2, 8, 0, "IMAGE"],
    [1, 1, 8, 1, "CLIP"],
    [1, 0, 8, 2, "MODEL"],
  ];
  const through = (slot: number) =>
    converted(withModelThrough(node, before, [[8, slot, 5, 0, "MODEL"]])).graph["5"]?.inputs[
      "model"
    ];

  expect(through(1)).toEqual(["1", 1]);
  expect(through(2)).toEqual(["1", 0]);
  expect(through(0)).toEqual(["1", 0]);
});

test("a muted node takes the links to it along, and says what then gets nothing", () => {
  const { graph, notes } = converted(withModelThrough({ ...lora, mode: 2 }, ...aroundLora));

  expect(graph["8"]).toBeUndefined();
  expect(graph["5"]?.inputs).not.toHaveProperty("model");
  expect(notes).toEqual(['node 5 (KSampler): its input "model" gets nothing']);
});

test("a widget fed by a muted node is missing rather than its old value", () => {
  const number: NodeSketch = {
    id: 8,
    type: "PrimitiveInt",
    outputs: ["INT"],
    values: [9, "fixed"],
  };
  const sketch = (mode: number): GraphSketch => {
    const { nodes, links } = textToImage();
    const latent = { ...nodes[3], inputs: ["width:INT*", "height:INT*"] } as NodeSketch;
    return {
      nodes: [...nodes.filter(({ id }) => id !== 4), latent, { ...number, mode }],
      links: [...links, [8, 0, 4, 0, "INT"]],
    };
  };

  expect(converted(sketch(0)).graph["4"]?.inputs["width"]).toEqual(["8", 0]);
  expect(converted(sketch(2)).graph["4"]?.inputs).toEqual({ height: 768, batch_size: 1 });
  expect(converted(sketch(4)).graph["4"]?.inputs).toMatchObject({ width: 512 });
});

test.for([
  { type: "Reroute", values: undefined },
  { type: "Reroute (rgthree)", values: undefined },
  { type: "SetNode", values: ["the model"] },
])("a link through $type leads to what is behind it", ({ type, values }) => {
  const node = { id: 8, type, inputs: [":*"], outputs: ["*"], ...(values && { values }) };

  const { graph } = converted(
    withModelThrough(node, [[1, 0, 8, 0, "MODEL"]], [[8, 0, 5, 0, "MODEL"]]),
  );

  expect(graph["5"]?.inputs["model"]).toEqual(["1", 0]);
  expect(graph).not.toHaveProperty("8");
});

test("a Get node gives what the Set node of its name is given, whatever their titles", () => {
  const { nodes, links } = textToImage();
  const { graph } = converted({
    nodes: [
      ...nodes,
      {
        id: 8,
        type: "SetNode",
        title: "Set_other",
        inputs: ["MODEL:MODEL"],
        outputs: ["*"],
        values: ["m"],
      },
      { id: 9, type: "GetNode", title: "Get_x", outputs: ["MODEL"], values: ["m"] },
    ],
    links: [
      ...links.filter(([from, , to]) => from !== 1 || to !== 5),
      [1, 0, 8, 0, "MODEL"],
      [9, 0, 5, 0, "MODEL"],
    ],
  });

  expect(graph["5"]?.inputs["model"]).toEqual(["1", 0]);
});

test("a primitive's value goes into the widgets it is linked to, through reroutes too", () => {
  const { nodes, links } = textToImage();
  const { graph } = converted({
    nodes: [
      ...nodes.filter(({ id }) => id !== 4),
      {
        id: 4,
        type: "EmptyLatentImage",
        inputs: ["width:INT*", "height:INT*"],
        outputs: ["LATENT"],
        values: [512, 768, 1],
      },
      { id: 8, type: "PrimitiveNode", outputs: ["INT"], values: [640, "fixed"] },
      { id: 9, type: "Reroute", inputs: [":*"], outputs: ["*"] },
    ],
    links: [...links, [8, 0, 4, 0, "INT"], [8, 0, 9, 0, "INT"], [9, 0, 4, 1, "INT"]],
  });

  expect(graph["4"]?.inputs).toEqual({ width: 640, height: 640, batch_size: 1 });
});

test("links that use-everywhere added are used where nothing else is linked", () => {
  const { nodes, links } = textToImage();
  const ue = (downstream: number, slot: number) => ({
    downstream,
    downstream_slot: slot,
    upstream: "1",
    upstream_slot: 2,
    controller: 8,
    type: "VAE",
  });
  const everywhere = { id: 8, type: "Anything Everywhere", inputs: ["anything:VAE"] };
  const sketch: GraphSketch = {
    nodes: [...nodes, everywhere],
    links: [...links.filter(([, , to, slot]) => to !== 6 || slot !== 1), [1, 2, 8, 0, "VAE"]],
  };

  const { graph } = converted({ ...sketch, extra: { ue_links: [ue(6, 1), ue(5, 0)] } });

  expect(graph["6"]?.inputs["vae"]).toEqual(["1", 2]);
  expect(graph["5"]?.inputs["model"]).toEqual(["1", 0]);
});

/** A text to image workflow with one sender, and without the links it is to make. */
function everywhere(sender: Omit<NodeSketch, "id">, links: GraphSketch["links"] = [], cut = "") {
  const base = textToImage();
  const kept = base.links.filter(([, , to, slot]) => !cut.split(" ").includes(`${to}.${slot}`));
  return convert(
    editor({ nodes: [...base.nodes, { id: 8, ...sender }], links: [...kept, ...links] }),
    info,
  );
}

test.for<[string, Omit<NodeSketch, "id">, GraphSketch["links"], string, string, unknown]>([
  [
    "what has the type that is sent",
    { type: "Anything Everywhere", inputs: ["anything:*"] },
    [[1, 2, 8, 0, "VAE"]],
    "6.1",
    "6.vae",
    ["1", 2],
  ],
  [
    "positive and negative by name",
    { type: "Prompts Everywhere", inputs: ["+ve:*", "-ve:*"] },
    [
      [2, 0, 8, 0, "CONDITIONING"],
      [3, 0, 8, 1, "CONDITIONING"],
    ],
    "5.1 5.2",
    "5.negative",
    ["3", 0],
  ],
  [
    "what its expressions name",
    { type: "Anything Everywhere?", inputs: ["anything:*"], values: ["KSampler", "^model", ".*"] },
    [[1, 0, 8, 0, "MODEL"]],
    "5.0",
    "5.model",
    ["1", 0],
  ],
])("use-everywhere without its list of links reaches %s", ([, sender, links, cut, slot, from]) => {
  const result = everywhere(sender, links, cut);
  const [id = "", input = ""] = slot.split(".");

  expect("graph" in result && result.graph[id]?.inputs[input]).toEqual(from);
});

test("use-everywhere makes no link in a circle, none between two senders, and none by groups", () => {
  const clip = { type: "Anything Everywhere", inputs: ["anything:*"] };
  const sent = everywhere(clip, [[6, 0, 8, 0, "IMAGE"]], "7.0 6.0");
  const both = convert(
    editor({
      nodes: [...textToImage().nodes, { id: 8, ...clip }, { id: 9, ...clip }],
      links: [
        ...textToImage().links.filter(([, , to, slot]) => to !== 5 || slot !== 1),
        [2, 0, 8, 0, "CONDITIONING"],
        [3, 0, 9, 0, "CONDITIONING"],
      ],
    }),
    info,
  );
  const grouped = { ...clip, type: "Anything Everywhere?", values: [".*", ".*", "Left"] };

  expect("graph" in sent && sent.graph["7"]?.inputs["images"]).toEqual(["6", 0]);
  expect("notes" in both && both.notes).toEqual([
    'node 5 (KSampler): its input "positive" gets nothing',
  ]);
  expect(everywhere(grouped, [[1, 2, 8, 0, "VAE"]], "6.1")).toEqual({
    problems: [expect.stringMatching(/^node 8 sends by groups or colours/)],
  });
});

test("notes and buttons vanish, and an unknown node that nothing is linked to is said", () => {
  const { nodes, links } = textToImage();
  const { graph, notes } = converted({
    nodes: [
      ...nodes,
      { id: 8, type: "Note", values: ["read me"] },
      { id: 9, type: "MarkdownNote", values: ["# read me"] },
      { id: 10, type: "Fast Groups Muter (rgthree)", outputs: ["*"] },
      { id: 11, type: "Some Label", values: [] },
    ],
    links,
  });

  expect(Object.keys(graph)).toEqual(["1", "2", "3", "4", "5", "6", "7"]);
  expect(notes).toEqual([expect.stringMatching(/^node 11 \(Some Label\): is left out/)]);
});

test("classes ComfyUI does not have are refused by name, with their nodes and their pack", () => {
  const { nodes, links } = textToImage();
  const pack = { cnr_id: "comfyui-fancy", ver: "1.4.0" };
  const fancy = (id: number): NodeSketch => ({
    id,
    type: "FancyModel",
    inputs: ["model:MODEL"],
    outputs: ["MODEL"],
    properties: pack,
  });
  const newer: NodeSketch = {
    ...fancy(10),
    type: "Newer",
    properties: { cnr_id: "comfy-core", ver: "0.99.0" },
  };
  const bare: NodeSketch = { ...fancy(11), type: "Bare", properties: {} };

  const result = convert(
    editor({
      nodes: [...nodes, fancy(8), fancy(9), newer, bare],
      links: [
        ...links,
        [1, 0, 8, 0, "MODEL"],
        [8, 0, 9, 0, "MODEL"],
        [1, 0, 10, 0, "MODEL"],
        [1, 0, 11, 0, "MODEL"],
      ],
    }),
    info,
  );

  expect(result).toEqual({
    problems: [
      'nodes 8, 9: ComfyUI has no node class "FancyModel"; install the node pack comfyui-fancy 1.4.0',
      'node 10: ComfyUI has no node class "Newer" (comfy-core 0.99.0); update ComfyUI',
      'node 11: ComfyUI has no node class "Bare"; install the node pack it is from',
    ],
  });
});

test("an unknown class that is bypassed or muted is in nobody's way", () => {
  const missing = { ...lora, type: "Gone", mode: 4 };

  expect(converted(withModelThrough(missing, ...aroundLora)).graph["5"]?.inputs["model"]).toEqual([
    "1",
    0,
  ]);
});

test("the class a node had when it was saved helps where its type is not known", () => {
  const { nodes, links } = textToImage();
  const renamed = nodes.map((node) =>
    node.id === 6
      ? { ...node, type: "VAE Decode", properties: { "Node name for S&R": "VAEDecode" } }
      : node,
  );

  expect(converted({ nodes: renamed, links }).graph["6"]?.class_type).toBe("VAEDecode");
});

test("dynamic inputs are taken as they are linked", () => {
  const batch: NodeInfo | undefined = info["BatchImagesNode"];
  expect(batch?.input.required).toMatchObject({ images: ["COMFY_AUTOGROW_V3", expect.anything()] });
  const { graph, notes } = converted({
    nodes: [
      { id: 1, type: "LoadImage", outputs: ["IMAGE", "MASK"], values: ["a.png", "image"] },
      { id: 2, type: "LoadImage", outputs: ["IMAGE", "MASK"], values: ["b.png", "image"] },
      {
        id: 3,
        type: "BatchImagesNode",
        inputs: ["images.image0:IMAGE", "images.image1:IMAGE", "images.image2:IMAGE"],
        outputs: ["IMAGE"],
      },
      { id: 4, type: "SaveImage", inputs: ["images:IMAGE"], values: ["batch"] },
    ],
    links: [
      [1, 0, 3, 0, "IMAGE"],
      [2, 0, 3, 1, "IMAGE"],
      [3, 0, 4, 0, "IMAGE"],
    ],
  });

  expect(graph["3"]?.inputs).toEqual({ "images.image0": ["1", 0], "images.image1": ["2", 0] });
  expect(notes).toEqual([]);
});

test("a link's own idea of the slot it ends in does not matter", () => {
  const workflow = editor(textToImage());
  const links = workflow["links"] as number[][];
  const moved = { ...workflow, links: links.map((link) => link.with(4, 99)) };

  expect(convert(moved, info)).toEqual(convert(workflow, info));
});

test("reroutes in a circle and damaged files end in words", () => {
  const reroute = (id: number) => ({ id, type: "Reroute", inputs: [":*"], outputs: ["*"] });
  const { nodes, links } = textToImage();
  const circle = convert(
    editor({
      nodes: [...nodes, reroute(8), reroute(9)],
      links: [
        ...links.filter(([from, , to]) => from !== 1 || to !== 5),
        [8, 0, 9, 0, "*"],
        [9, 0, 8, 0, "*"],
        [9, 0, 5, 0, "*"],
      ],
    }),
    info,
  );

  expect(circle).toEqual({ problems: [expect.stringContaining("linked in a circle")] });
  expect(convert({ nodes: [null, 7, {}], links: [null, "x"] }, info)).toEqual({
    problems: ["has no node that ComfyUI would run"],
  });
  expect(convert({ "1": { class_type: "KSampler", inputs: {} } }, info)).toHaveProperty("problems");
});

test("names that mean something to JavaScript are names like any other", () => {
  const own: NodeInfo = {
    input: { required: { constructor: ["STRING", {}], toString: ["INT", {}] } } as never,
    output: [],
    name: "Own",
    output_node: true,
  };
  const result = converted({ nodes: [{ id: 1, type: "Own", values: ["a", 1] }] }, { Own: own });

  expect(result.graph["1"]?.inputs).toEqual({ constructor: "a", toString: 1 });
  expect(convert(editor({ nodes: [{ id: 1, type: "__proto__", inputs: ["a:A"] }] }), info)).toEqual(
    {
      problems: ["has no node that ComfyUI would run"],
    },
  );
});
