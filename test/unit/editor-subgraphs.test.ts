import { expect, test } from "vitest";
import { convert } from "../../src/workflows/editor/convert.ts";
import {
  catalogue,
  editor,
  type NodeSketch,
  type SubgraphSketch,
  text,
  textToImage,
} from "../fixtures/editor/graphs.ts";

const info = catalogue();

/** Loader, texts, latent, sampler and decoder as one node with a text and a seed on it. */
const studio: SubgraphSketch = {
  id: "studio",
  inputs: ["text:STRING", "seed:INT"],
  outputs: ["IMAGE:IMAGE"],
  nodes: textToImage()
    .nodes.filter(({ id }) => id !== 7)
    .map((node) => {
      if (node.id === 2) return { ...node, inputs: ["clip:CLIP", "text:STRING*"] };
      if (node.id !== 5) return node;
      return { ...node, inputs: [...(node.inputs ?? []), "seed:INT*"] };
    }),
  links: [
    ...textToImage().links.filter(([, , to]) => to !== 7),
    [-10, 0, 2, 1, "STRING"],
    [-10, 1, 5, 4, "INT"],
    [6, 0, -20, 0, "IMAGE"],
  ],
};

const save: NodeSketch = { id: 7, type: "SaveImage", inputs: ["images:IMAGE"], values: ["fox"] };

function withStudio(
  instance: Partial<NodeSketch>,
  { more = [], subgraphs = [studio] }: { more?: NodeSketch[]; subgraphs?: SubgraphSketch[] } = {},
) {
  const node: NodeSketch = {
    id: 20,
    type: "studio",
    inputs: ["text:STRING*", "seed:INT*"],
    outputs: ["IMAGE"],
    ...instance,
  };
  const sketch = {
    nodes: [node, save, ...more],
    links: [[20, 0, 7, 0, "IMAGE"] as [number, number, number, number, string]],
  };
  return convert(editor(sketch, subgraphs), info);
}

function valuesOf(result: ReturnType<typeof convert>, prefix = "20:") {
  if ("problems" in result) throw new Error(result.problems.join("; "));
  const { graph } = result;
  return [graph[`${prefix}2`]?.inputs["text"], graph[`${prefix}5`]?.inputs["seed"]];
}

test("inner nodes are named by the way to them, and links cross the border", () => {
  const result = withStudio({});

  expect(result).toMatchObject({ notes: [] });
  expect(result).toMatchObject({
    graph: {
      "7": { inputs: { images: ["20:6", 0] } },
      "20:5": { inputs: { model: ["20:1", 0], latent_image: ["20:4", 0] } },
    },
  });
});

test("without values on the instance the inner nodes keep their own", () => {
  expect(valuesOf(withStudio({}))).toEqual(["a fox", 7]);
});

test("the first editors with subgraphs kept one value for each input on the instance", () => {
  expect(valuesOf(withStudio({ values: ["a bear", 42] }))).toEqual(["a bear", 42]);
});

test("a control may follow a value on the instance", () => {
  expect(
    valuesOf(
      withStudio({ inputs: ["seed:INT*", "text:STRING*"], values: [42, "randomize", "a bear"] }),
    ),
  ).toEqual(["a bear", 42]);
});

test("values are found where the editor took the instance's inputs out before queuing", () => {
  expect(valuesOf(withStudio({ inputs: [], values: ["a bear", 42] }))).toEqual(["a bear", 42]);
});

test("a proxied widget's value on the instance counts, and a null is the inner one", () => {
  const proxyWidgets = [
    ["-1", "text"],
    ["5", "seed"],
  ];

  expect(valuesOf(withStudio({ values: ["a bear", null], properties: { proxyWidgets } }))).toEqual([
    "a bear",
    7,
  ]);
  expect(valuesOf(withStudio({ values: [], properties: { proxyWidgets } }))).toEqual(["a fox", 7]);
});

test("a proxied widget that no input feeds is set for this instance alone", () => {
  const other: NodeSketch = {
    id: 21,
    type: "studio",
    inputs: [],
    outputs: ["IMAGE"],
  };
  const proxyWidgets = [
    ["5", "steps"],
    ["5", "control_after_generate"],
    ["6", "$$canvas-image-preview"],
  ];
  const result = withStudio(
    { values: [4, "randomize", null], properties: { proxyWidgets } },
    { more: [other] },
  );

  expect(result).toMatchObject({
    graph: { "20:5": { inputs: { steps: 4, seed: 7 } }, "21:5": { inputs: { steps: 20 } } },
  });
});

test("the newest editors write values by the input's name as well", () => {
  const properties = { previewExposures: [] };

  expect(
    valuesOf(
      withStudio({ values: ["a bear", 42], named: { text: "a bear", seed: 42 }, properties }),
    ),
  ).toEqual(["a bear", 42]);
  expect(
    valuesOf(withStudio({ values: ["a bear"], named: { text: "an owl", seed: 43 }, properties })),
  ).toEqual(["an owl", 43]);
});

test("a value that lost its widget comes back by its name", () => {
  const quarantine = [{ originalEntry: ["-1", "text"], hostValue: "a bear", reason: "missing" }];

  expect(valuesOf(withStudio({ properties: { proxyWidgetErrorQuarantine: quarantine } }))).toEqual([
    "a bear",
    7,
  ]);
});

test("a link into the instance beats its value, by name and not by place", () => {
  const seed: NodeSketch = { id: 9, type: "PrimitiveInt", outputs: ["INT"], values: [5, "fixed"] };
  const nodes = [
    {
      id: 20,
      type: "studio",
      inputs: ["seed:INT*"],
      outputs: ["IMAGE"],
      values: ["a bear", 42],
    },
    save,
    seed,
  ];

  const result = convert(
    editor(
      {
        nodes,
        links: [
          [20, 0, 7, 0, "IMAGE"],
          [9, 0, 20, 0, "INT"],
        ],
      },
      [studio],
    ),
    info,
  );

  expect(valuesOf(result)).toEqual(["a bear", ["9", 0]]);
});

test("subgraphs inside subgraphs pass values and links down, and up again", () => {
  const around: SubgraphSketch = {
    id: "around",
    inputs: ["words:STRING"],
    outputs: ["IMAGE:IMAGE"],
    nodes: [
      {
        id: 3,
        type: "studio",
        inputs: ["text:STRING*", "seed:INT*"],
        outputs: ["IMAGE"],
        values: ["a bear", 42],
      },
    ],
    links: [
      [-10, 0, 3, 0, "STRING"],
      [3, 0, -20, 0, "IMAGE"],
    ],
  };
  const subgraphs = [studio, around];
  const outer = { type: "around", inputs: ["words:STRING*"] };

  const given = withStudio({ ...outer, values: ["an owl"] }, { subgraphs });
  const proxied = withStudio(
    {
      ...outer,
      values: [null, 99],
      properties: {
        proxyWidgets: [
          ["-1", "words"],
          ["3", "seed"],
        ],
      },
    },
    { subgraphs },
  );

  expect(valuesOf(given, "20:3:")).toEqual(["an owl", 42]);
  expect(valuesOf(proxied, "20:3:")).toEqual(["a bear", 99]);
  expect(given).toMatchObject({ graph: { "7": { inputs: { images: ["20:3:6", 0] } } } });
});

test("a bypassed instance hands on what it is given, a muted one nothing", () => {
  const filter: SubgraphSketch = {
    id: "filter",
    inputs: ["image:IMAGE"],
    outputs: ["IMAGE:IMAGE"],
    nodes: [{ id: 1, type: "ImageInvert", inputs: ["image:IMAGE"], outputs: ["IMAGE"] }],
    links: [
      [-10, 0, 1, 0, "IMAGE"],
      [1, 0, -20, 0, "IMAGE"],
    ],
  };
  const imagesAt = (mode: number) => {
    const { nodes, links } = textToImage();
    const instance: NodeSketch = {
      id: 8,
      type: "filter",
      mode,
      inputs: ["image:IMAGE"],
      outputs: ["IMAGE"],
    };
    const result = convert(
      editor(
        {
          nodes: [...nodes, instance],
          links: [...links.slice(0, -1), [6, 0, 8, 0, "IMAGE"], [8, 0, 7, 0, "IMAGE"]],
        },
        [filter],
      ),
      info,
    );
    if ("problems" in result) throw new Error(result.problems.join("; "));
    return result.graph["7"]?.inputs["images"];
  };

  expect(imagesAt(0)).toEqual(["8:1", 0]);
  expect(imagesAt(4)).toEqual(["6", 0]);
  expect(imagesAt(2)).toBeUndefined();
});

test("a Get node inside finds the Set node outside, and not the one in a neighbour", () => {
  const reader: SubgraphSketch = {
    id: "reader",
    outputs: ["CONDITIONING:CONDITIONING"],
    nodes: [text(1, "a fox"), { id: 2, type: "GetNode", outputs: ["CLIP"], values: ["clip"] }],
    links: [
      [2, 0, 1, 0, "CLIP"],
      [1, 0, -20, 0, "CONDITIONING"],
    ],
  };
  const neighbour: SubgraphSketch = {
    id: "neighbour",
    nodes: [
      { id: 1, type: "CLIPLoader", outputs: ["CLIP"], values: ["x.safetensors", "sd3", "default"] },
      { id: 2, type: "SetNode", inputs: ["CLIP:CLIP"], outputs: ["*"], values: ["clip"] },
    ],
    links: [[1, 0, 2, 0, "CLIP"]],
  };
  const { nodes, links } = textToImage();

  const result = convert(
    editor(
      {
        nodes: [
          { id: 9, type: "neighbour" },
          ...nodes.filter(({ id }) => id !== 2),
          { id: 2, type: "reader", outputs: ["CONDITIONING"] },
          { id: 8, type: "SetNode", inputs: ["CLIP:CLIP"], outputs: ["*"], values: ["clip"] },
        ],
        links: [...links.filter(([, , to]) => to !== 2), [1, 1, 8, 0, "CLIP"]],
      },
      [reader, neighbour],
    ),
    info,
  );

  expect(result).toMatchObject({
    graph: { "2:1": { inputs: { clip: ["1", 1] } }, "5": { inputs: { positive: ["2:1", 0] } } },
  });
});

test("a primitive inside gives the instance's value to all it feeds", () => {
  const sized: SubgraphSketch = {
    id: "sized",
    outputs: ["LATENT:LATENT"],
    nodes: [
      {
        id: 1,
        type: "EmptyLatentImage",
        inputs: ["width:INT*", "height:INT*"],
        outputs: ["LATENT"],
        values: [512, 512, 1],
      },
      { id: 2, type: "PrimitiveNode", outputs: ["INT"], values: [640, "fixed"] },
    ],
    links: [
      [2, 0, 1, 0, "INT"],
      [2, 0, 1, 1, "INT"],
      [1, 0, -20, 0, "LATENT"],
    ],
  };
  const { nodes, links } = textToImage();
  const latent = (values: unknown[]): NodeSketch => ({
    id: 4,
    type: "sized",
    outputs: ["LATENT"],
    values,
    properties: { proxyWidgets: [["2", "value"]] },
  });
  const sizeOf = (values: unknown[]) => {
    const all = [...nodes.filter(({ id }) => id !== 4), latent(values)];
    const result = convert(editor({ nodes: all, links }, [sized]), info);
    return "graph" in result ? result.graph["4:1"]?.inputs : result;
  };

  expect(sizeOf([])).toMatchObject({ width: 640, height: 640 });
  expect(sizeOf([896])).toMatchObject({ width: 896, height: 896 });
});

test("one input gives the same to all it feeds: the instance's value, else the first widget's", () => {
  const shared: SubgraphSketch = {
    id: "shared",
    inputs: ["side:INT"],
    outputs: ["LATENT:LATENT"],
    nodes: [
      {
        id: 1,
        type: "EmptyLatentImage",
        inputs: ["width:INT*", "height:INT*"],
        outputs: ["LATENT"],
        values: [640, 512, 1],
      },
      { id: 2, type: "PreviewAny", inputs: ["source:*"] },
    ],
    links: [
      [-10, 0, 1, 0, "INT"],
      [-10, 0, 1, 1, "INT"],
      [-10, 0, 2, 0, "INT"],
      [1, 0, -20, 0, "LATENT"],
    ],
  };
  const { nodes, links } = textToImage();
  const inputsWith = (values?: unknown[]) => {
    const instance = { id: 4, type: "shared", inputs: ["side:INT*"], outputs: ["LATENT"], values };
    const all = [...nodes.filter(({ id }) => id !== 4), instance];
    const result = convert(editor({ nodes: all, links }, [shared]), info);
    if ("problems" in result) throw new Error(result.problems.join("; "));
    return [result.graph["4:1"]?.inputs, result.graph["4:2"]?.inputs];
  };

  expect(inputsWith()).toEqual([{ width: 640, height: 640, batch_size: 1 }, { source: 640 }]);
  expect(inputsWith([896])).toEqual([{ width: 896, height: 896, batch_size: 1 }, { source: 896 }]);
});

test("a link left behind from an input of another type is none", () => {
  const links: SubgraphSketch["links"] = [...(studio.links ?? []), [-10, 0, 1, 0, "COMBO"]];
  const nodes = studio.nodes.map((node) =>
    node.id === 1 ? { ...node, inputs: ["ckpt_name:COMBO*"] } : node,
  );

  const result = withStudio(
    { values: ["a bear", 42] },
    { subgraphs: [{ ...studio, nodes, links }] },
  );

  expect(result).toMatchObject({
    graph: { "20:1": { inputs: { ckpt_name: "v1-5-pruned-emaonly-fp16.safetensors" } } },
  });
});

test("a definition that is missing or holds itself is a problem in words", () => {
  const endless: SubgraphSketch = {
    id: "studio",
    outputs: ["IMAGE:IMAGE"],
    nodes: [{ id: 1, type: "studio", outputs: ["IMAGE"] }],
    links: [[1, 0, -20, 0, "IMAGE"]],
  };
  const lost = "11111111-2222-3333-4444-555555555555";

  expect(withStudio({}, { subgraphs: [endless] })).toEqual({
    problems: [expect.stringContaining("hold each other")],
  });
  expect(withStudio({ type: lost })).toEqual({
    problems: [
      `node 20: the file does not hold the subgraph ${lost}; save the workflow again in ComfyUI`,
    ],
  });
});

test("a file that unfolds into more nodes than anybody draws is refused at once", () => {
  const level = (i: number): SubgraphSketch => ({
    id: `level${i}`,
    nodes: Array.from({ length: 10 }, (_, id) => ({ id, type: `level${i + 1}` })),
  });
  const subgraphs = [
    ...Array.from({ length: 12 }, (_, i) => level(i)),
    { ...studio, id: "level12" },
  ];

  const result = withStudio({ type: "level0" }, { subgraphs });

  expect(result).toEqual({
    problems: ["it holds more than 20000 nodes; take it apart in ComfyUI"],
  });
});

test("a group node becomes its nodes, with the values and links of its outside", () => {
  const inner = (type: string, more: Record<string, unknown>) => ({ type, mode: 0, ...more });
  const { nodes, links } = textToImage();
  const groupNodes = {
    Paint: {
      nodes: [
        inner("EmptyLatentImage", { outputs: [{ type: "LATENT" }] }),
        inner("Reroute", { inputs: [{ name: "", type: "*" }], outputs: [{ type: "*" }] }),
        inner("KSampler", {
          inputs: [
            "model:MODEL",
            "positive:CONDITIONING",
            "negative:CONDITIONING",
            "latent_image:LATENT",
          ].map((input) => ({ name: input.split(":")[0], type: input.split(":")[1] })),
          outputs: [{ type: "LATENT" }],
        }),
      ],
      links: [
        [null, 0, 1, 0, 1, "MODEL"],
        [1, 0, 2, 0, 2, "MODEL"],
        [0, 0, 2, 3, 3, "LATENT"],
      ],
      external: [[2, 0, "LATENT"]],
    },
  };
  const group = (type: string): NodeSketch => ({
    id: 5,
    type,
    inputs: ["MODEL:MODEL", "positive:CONDITIONING", "negative:CONDITIONING"],
    outputs: ["LATENT"],
    values: [640, 512, 1, 11, "fixed", 12, 4, "euler", "normal", 1],
  });
  const grouped = (type: string) =>
    convert(
      editor({
        nodes: [...nodes.filter(({ id }) => id !== 4 && id !== 5), group(type)],
        links: links.filter(([from]) => from !== 4),
        extra: { groupNodes },
      }),
      info,
    );

  expect(grouped("workflow>Paint")).toMatchObject({
    notes: [],
    graph: {
      "5:0": { class_type: "EmptyLatentImage", inputs: { width: 640, height: 512 } },
      "5:2": {
        inputs: {
          seed: 11,
          steps: 12,
          cfg: 4,
          model: ["1", 0],
          positive: ["2", 0],
          negative: ["3", 0],
          latent_image: ["5:0", 0],
        },
      },
      "6": { inputs: { samples: ["5:2", 0] } },
    },
  });
  const number: NodeSketch = {
    id: 8,
    type: "PrimitiveInt",
    outputs: ["INT"],
    values: [9, "fixed"],
  };
  const wired = { ...group("workflow>Paint") };
  const linkedGroup = convert(
    editor({
      nodes: [
        ...nodes.filter(({ id }) => id !== 4 && id !== 5),
        { ...wired, inputs: [...(wired.inputs ?? []), "width:INT*", "KSampler steps:INT*"] },
        number,
      ],
      links: [...links.filter(([from]) => from !== 4), [8, 0, 5, 3, "INT"], [8, 0, 5, 4, "INT"]],
      extra: { groupNodes },
    }),
    info,
  );
  expect(linkedGroup).toMatchObject({
    graph: {
      "5:0": { inputs: { width: ["8", 0], height: 512 } },
      "5:2": { inputs: { steps: ["8", 0], cfg: 4, model: ["1", 0] } },
    },
  });
  expect(grouped("workflow/Paint")).toEqual(grouped("workflow>Paint"));
  expect(grouped("workflow>Lost")).toEqual({
    problems: [
      'node 5 (group node "Lost"): the file does not hold what is in it; in ComfyUI convert it to a subgraph and save again',
    ],
  });
});

test("a group node may hold a primitive, inputs that are linked inside, and another group", () => {
  const input = (text: string) => {
    const [name = "", type = "", widget] = text.split(":");
    return { name, type, ...(widget && { widget: { name } }) };
  };
  const groupNodes = {
    Size: {
      nodes: [
        { type: "PrimitiveNode", outputs: [{ type: "INT" }] },
        {
          type: "EmptyLatentImage",
          inputs: [input("width:INT:w"), input("height:INT:w")],
          outputs: [{ type: "LATENT" }],
        },
      ],
      links: [
        [0, 0, 1, 0, 1, "INT"],
        [0, 0, 1, 1, 2, "INT"],
      ],
      external: [[1, 0, "LATENT"]],
    },
    Paint: {
      nodes: [
        { type: "workflow>Size", outputs: [{ type: "LATENT" }] },
        {
          type: "KSampler",
          inputs: [
            "model:MODEL",
            "positive:CONDITIONING",
            "negative:CONDITIONING",
            "latent_image:LATENT",
          ].map(input),
          outputs: [{ type: "LATENT" }],
        },
      ],
      links: [[0, 0, 1, 3, 1, "LATENT"]],
      external: [[1, 0, "LATENT"]],
    },
  };
  const { nodes, links } = textToImage();
  const group: NodeSketch = {
    id: 5,
    type: "workflow>Paint",
    inputs: ["model:MODEL", "positive:CONDITIONING", "negative:CONDITIONING"],
    outputs: ["LATENT"],
    values: [640, 2, 11, "fixed", 12, 4, "euler", "normal", 1],
  };

  const result = convert(
    editor({
      nodes: [...nodes.filter(({ id }) => id !== 4 && id !== 5), group],
      links: links.filter(([from]) => from !== 4),
      extra: { groupNodes },
    }),
    info,
  );

  expect(result).toMatchObject({
    graph: {
      "5:0:1": { inputs: { width: 640, height: 640, batch_size: 2 } },
      "5:1": { inputs: { seed: 11, steps: 12, latent_image: ["5:0:1", 0], model: ["1", 0] } },
    },
  });
});

test("a workflow of two hundred nodes is converted whole", () => {
  const { nodes, links } = textToImage();
  const many = Array.from({ length: 30 }, (_, i) => i * 10);
  const sketch = {
    nodes: many.flatMap((by) => nodes.map((node) => ({ ...node, id: node.id + by }))),
    links: many.flatMap((by) =>
      links.map(
        ([from, slot, to, at, type]) => [from + by, slot, to + by, at, type] as (typeof links)[0],
      ),
    ),
  };
  const workflow = editor(sketch);
  const result = convert(workflow, info);

  expect(Object.keys("graph" in result ? result.graph : {})).toHaveLength(210);
});
