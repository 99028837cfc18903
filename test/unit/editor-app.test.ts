import { expect, test } from "vitest";
import { type AppMode, declaredByApp } from "../../src/workflows/app-mode.ts";
import { compileOwn } from "../../src/workflows/discover/own.ts";
import { convert } from "../../src/workflows/editor/convert.ts";
import {
  catalogue,
  editor,
  type GraphSketch,
  type NodeSketch,
  type SubgraphSketch,
  textToImage,
} from "../fixtures/editor/graphs.ts";

const info = catalogue();

function appOf(
  linearData: unknown,
  sketch: GraphSketch = textToImage(),
  subgraphs: SubgraphSketch[] = [],
) {
  const result = convert(editor({ ...sketch, extra: { linearData } }, subgraphs), info);
  if ("problems" in result) throw new Error(result.problems.join("; "));
  return result;
}

/** What a server makes of a file with this app, and with this binding beside it. */
function offered(linearData: unknown, binding?: unknown, sketch?: GraphSketch) {
  const { graph, app } = appOf(linearData, sketch);
  const made = compileOwn({
    name: "mine",
    graphFile: "mine.json",
    graphText: JSON.stringify(graph),
    bindingFile: "mine.binding.json",
    bindingText: binding === undefined ? undefined : JSON.stringify(binding),
    app,
  });
  if ("problems" in made) throw new Error(JSON.stringify(made.problems));
  return made.workflow;
}

test("a workflow that nobody made an app of has none", () => {
  expect(appOf(undefined).app).toBeUndefined();
  expect(appOf({ inputs: [], outputs: [] }).app).toBeUndefined();
});

test("an app names widgets in its author's order, and the outputs that count", () => {
  const inputs = [
    [5, "steps"],
    ["2", "text", { height: 120 }],
    ["5", "sampler_name"],
    [5, "control_after_generate"],
    [99, "gone"],
  ];

  expect(appOf({ inputs, outputs: [7, 6, 98] }).app).toEqual({
    parameters: [
      { slots: ["5.steps"], label: "steps", type: "integer", minimum: 1, maximum: 10000 },
      { slots: ["2.text"], label: "text" },
      { slots: ["5.sampler_name"], label: "sampler_name" },
    ],
    outputs: ["7"],
  } satisfies AppMode);
});

test("the author's label is the label, else the title of the node stands before the widget", () => {
  const { nodes, links } = textToImage();
  const titled = nodes.map((node): NodeSketch => {
    if (node.id === 2) {
      return { ...node, inputs: ["clip:CLIP", "text:STRING*"], labels: { text: "What to draw" } };
    }
    return node.id === 3 ? { ...node, title: "Keep out" } : node;
  });

  const { app } = appOf(
    {
      inputs: [
        [2, "text"],
        [3, "text"],
      ],
    },
    { nodes: titled, links },
  );

  expect(app?.parameters.map(({ label }) => label)).toEqual(["What to draw", "Keep out: text"]);
});

test("newer saves name a widget by graph, node and name", () => {
  const graph = "0f6f5d0c-6f0c-4a8e-9d4c-0e8f3a4f7b11";
  const inputs = [[`${graph}:5:steps`, "steps"], [`${graph}:2:te%78t`], [`${graph}:3`, "text"]];

  expect(appOf({ inputs }).app?.parameters.map(({ slots }) => slots)).toEqual([
    ["5.steps"],
    ["2.text"],
    ["3.text"],
  ]);
});

test("a widget whose input is linked has no effect and is left out", () => {
  const { nodes, links } = textToImage();
  const number: NodeSketch = {
    id: 8,
    type: "PrimitiveInt",
    outputs: ["INT"],
    values: [9, "fixed"],
  };
  const linked = nodes.map((node) =>
    node.id === 4 ? { ...node, inputs: ["width:INT*", "height:INT*"] } : node,
  );

  const { app } = appOf(
    {
      inputs: [
        [4, "width"],
        [4, "height"],
      ],
    },
    { nodes: [...linked, number], links: [...links, [8, 0, 4, 0, "INT"]] },
  );

  expect(app?.parameters.map(({ slots }) => slots)).toEqual([["4.height"]]);
});

const sized: SubgraphSketch = {
  id: "sized",
  inputs: ["side:INT"],
  outputs: ["LATENT:LATENT"],
  nodes: [
    {
      id: 41,
      type: "EmptyLatentImage",
      inputs: ["width:INT*", "height:INT*"],
      outputs: ["LATENT"],
      values: [512, 512, 1],
    },
  ],
  links: [
    [-10, 0, 41, 0, "INT"],
    [-10, 0, 41, 1, "INT"],
    [41, 0, -20, 0, "LATENT"],
  ],
};

function withSized(instance: Partial<NodeSketch>): GraphSketch {
  const { nodes, links } = textToImage();
  const node = { id: 4, type: "sized", inputs: ["side:INT*"], outputs: ["LATENT"], ...instance };
  return { nodes: [...nodes.filter(({ id }) => id !== 4), node], links };
}

test("an input of a subgraph's instance stands for every slot it feeds", () => {
  const sketch = withSized({ values: [640], labels: { side: "Side in pixels" } });

  const { graph, app } = appOf({ inputs: [[4, "side"]] }, sketch, [sized]);

  expect(graph["4:41"]?.inputs).toMatchObject({ width: 640, height: 640 });
  expect(app?.parameters).toMatchObject([
    { slots: ["4:41.width", "4:41.height"], label: "Side in pixels", type: "integer" },
  ]);
});

test("a proxied widget and an inner node's id lead to the slot inside", () => {
  const sketch = withSized({ properties: { proxyWidgets: [["41", "batch_size"]] } });
  const slotsFor = (input: unknown) =>
    appOf({ inputs: [input] }, sketch, [sized]).app?.parameters[0]?.slots;

  expect(slotsFor([4, "batch_size"])).toEqual(["4:41.batch_size"]);
  expect(slotsFor(["41", "batch_size"])).toEqual(["4:41.batch_size"]);
});

test("a primitive stands for what it feeds", () => {
  const { nodes, links } = textToImage();
  const linked = nodes.map((node) =>
    node.id === 4 ? { ...node, inputs: ["width:INT*", "height:INT*"] } : node,
  );
  const primitive = { id: 8, type: "PrimitiveNode", outputs: ["INT"], values: [640, "fixed"] };

  const { app } = appOf(
    { inputs: [[8, "value"]] },
    { nodes: [...linked, primitive], links: [...links, [8, 0, 4, 0, "INT"], [8, 0, 4, 1, "INT"]] },
  );

  expect(app?.parameters[0]?.slots).toEqual(["4.width", "4.height"]);
});

test("declarations keep the author's order behind all others", () => {
  const app: AppMode = {
    parameters: [
      { slots: ["5.steps"], label: "Steps", type: "integer" },
      { slots: ["2.text"], label: "What to draw" },
    ],
    outputs: [],
  };

  const [first, second] = declaredByApp(app);

  expect(first).toMatchObject({
    slots: ["5.steps"],
    label: "Steps",
    type: "integer",
    hidden: false,
  });
  expect(second?.order).toBeGreaterThan(first?.order ?? 0);
  expect(first?.order).toBeGreaterThan(99);
});

test("a server offers what the author chose, in that order, and the seed", () => {
  const { nodes, links } = textToImage();
  const labelled = nodes.map((node) =>
    node.id === 2
      ? { ...node, inputs: ["clip:CLIP", "text:STRING*"], labels: { text: "What to draw" } }
      : node,
  );

  const workflow = offered(
    {
      inputs: [
        [5, "steps"],
        [2, "text"],
      ],
      outputs: [7],
    },
    undefined,
    {
      nodes: labelled,
      links,
    },
  );

  expect(Object.keys(workflow.parameters)).toEqual(["steps", "prompt", "seed"]);
  expect(workflow.parameters["prompt"]).toMatchObject({
    description: "What to draw",
    required: true,
  });
  expect(workflow.outputs).toEqual(["7"]);
  expect(workflow.tool).toBe("generate_image");
});

test("an app beats a title, and a binding beats the app", () => {
  const { nodes, links } = textToImage();
  const titled = nodes.map((node) =>
    node.id === 2 ? { ...node, title: "input;Subject;custom_id=subject" } : node,
  );
  const data = {
    inputs: [
      [2, "text"],
      [5, "steps"],
    ],
  };

  const app = offered(data, undefined, { nodes: titled, links });
  const bound = offered(
    data,
    { parameters: { words: { slots: ["2.text"] }, cfg: { slots: ["5.cfg"] }, steps: null } },
    { nodes: titled, links },
  );

  expect(app.parameters["steps"]?.slots.map(({ text }) => text)).toEqual(["5.steps"]);
  expect(Object.keys(app.parameters)).not.toContain("width");
  expect(new Set(Object.keys(bound.parameters))).toEqual(new Set(["cfg", "seed", "words"]));
});
