import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type Graph, isLink, type Link, type ObjectInfo } from "../../src/comfy/protocol.ts";
import { deepFreeze } from "../../src/workflows/graph.ts";
import { type Lora, resolveLoras, spliceLoras } from "../../src/workflows/loras.ts";
import { recordedObjectInfo, sampleGraph } from "../fixtures/workflows/sample.ts";

const model: Link = ["4", 0];
const clip: Link = ["4", 1];

function node(graph: Graph, id: string): unknown {
  return graph[id];
}

describe("splicing", () => {
  test("a chain of loaders stands between the checkpoint and all that used it", () => {
    const graph = sampleGraph();
    graph["11"] = { class_type: "CLIPTextEncode", inputs: { text: "", clip: ["4", 1] } };
    graph["12"] = { class_type: "VAEDecode", inputs: { samples: ["3", 0], vae: ["4", 2] } };
    const loras = [
      { name: "a.safetensors", weight: 0.8 },
      { name: "b.safetensors", weight: -1 },
    ];

    const spliced = spliceLoras(deepFreeze(graph), { model, clip }, loras);

    expect(node(spliced, "lora_1")).toEqual({
      class_type: "LoraLoader",
      inputs: {
        model: ["4", 0],
        clip: ["4", 1],
        lora_name: "a.safetensors",
        strength_model: 0.8,
        strength_clip: 0.8,
      },
    });
    expect(node(spliced, "lora_2")).toEqual({
      class_type: "LoraLoader",
      inputs: {
        model: ["lora_1", 0],
        clip: ["lora_1", 1],
        lora_name: "b.safetensors",
        strength_model: -1,
        strength_clip: -1,
      },
    });
    expect(spliced["3"]?.inputs["model"]).toEqual(["lora_2", 0]);
    expect(spliced["57:3"]?.inputs["clip"]).toEqual(["lora_2", 1]);
    expect(spliced["11"]?.inputs["clip"]).toEqual(["lora_2", 1]);
    expect(node(spliced, "12")).toEqual(graph["12"]);
  });

  test("without a clip point only the model goes through", () => {
    const spliced = spliceLoras(sampleGraph(), { model }, [{ name: "a", weight: 1 }]);

    expect(node(spliced, "lora_1")).toEqual({
      class_type: "LoraLoaderModelOnly",
      inputs: { model: ["4", 0], lora_name: "a", strength_model: 1 },
    });
    expect(spliced["57:3"]?.inputs["clip"]).toEqual(["4", 1]);
  });

  test("model and clip may come from two loaders", () => {
    const graph: Graph = {
      unet: { class_type: "UNETLoader", inputs: { unet_name: "u" } },
      text: { class_type: "DualCLIPLoader", inputs: { type: "flux" } },
      use: { class_type: "Use", inputs: { model: ["unet", 0], clip: ["text", 0] } },
    };

    const spliced = spliceLoras(graph, { model: ["unet", 0], clip: ["text", 0] }, [
      { name: "a", weight: 1 },
    ]);

    expect(spliced["use"]?.inputs).toEqual({ model: ["lora_1", 0], clip: ["lora_1", 1] });
    expect(spliced["lora_1"]?.inputs).toMatchObject({ model: ["unet", 0], clip: ["text", 0] });
  });

  test("a LoRA the graph has itself stays, behind ours; its id is not taken", () => {
    const graph = sampleGraph();
    graph["lora_1"] = {
      class_type: "LoraLoaderModelOnly",
      inputs: { model: ["4", 0], lora_name: "own", strength_model: 1 },
    };
    graph["3"]!.inputs["model"] = ["lora_1", 0];

    const spliced = spliceLoras(graph, { model }, [
      { name: "a", weight: 1 },
      { name: "b", weight: 1 },
    ]);

    expect(Object.keys(spliced)).toEqual([...Object.keys(graph), "lora_2", "lora_3"]);
    expect(spliced["lora_1"]?.inputs["model"]).toEqual(["lora_3", 0]);
    expect(spliced["3"]?.inputs["model"]).toEqual(["lora_1", 0]);
  });

  test("a point that is not in the graph is a defect of its binding", () => {
    expect(() => spliceLoras(sampleGraph(), { model, clip: ["99", 0] }, [])).toThrow('node "99"');
  });

  const id = fc.constantFrom("1", "2", "57:3", "a.b", "lora_1", "lora_3");
  const link = fc.tuple(id, fc.nat(2)) as fc.Arbitrary<Link>;
  const inputs = fc.dictionary(
    fc.string({ maxLength: 6 }),
    fc.oneof(fc.string(), fc.integer(), fc.boolean(), fc.constant(null), link),
    { maxKeys: 5, noNullPrototype: true },
  );
  const cases = fc.record({
    graph: fc
      .dictionary(id, fc.record({ class_type: fc.string(), inputs }), {
        minKeys: 1,
        noNullPrototype: true,
      })
      .map((graph): Graph => graph),
    loras: fc.array(fc.record({ name: fc.string(), weight: fc.integer({ min: -2, max: 2 }) }), {
      maxLength: 5,
    }),
    withClip: fc.boolean(),
  });
  const pointsIn = (graph: Graph, withClip: boolean) => {
    const [first = "", second = first] = Object.keys(graph);
    return { model: [first, 0] as Link, ...(withClip && { clip: [second, 1] as Link }) };
  };
  const isPoint = (value: unknown, points: { model: Link; clip?: Link }) =>
    JSON.stringify(value) === JSON.stringify(points.model) ||
    JSON.stringify(value) === JSON.stringify(points.clip);

  test("nothing but the links to the points ever changes, and never the graph itself", () => {
    fc.assert(
      fc.property(cases, ({ graph, loras, withClip }) => {
        const before = structuredClone(graph);
        const points = pointsIn(graph, withClip);

        const spliced = spliceLoras(deepFreeze(graph), points, loras);

        expect(graph).toEqual(before);
        expect(Object.keys(spliced).length).toBe(Object.keys(graph).length + loras.length);
        for (const [key, { class_type, inputs: own }] of Object.entries(graph)) {
          expect(spliced[key]?.class_type).toBe(class_type);
          const now = spliced[key]?.inputs ?? {};
          expect(Object.keys(now)).toEqual(Object.keys(own));
          for (const [input, value] of Object.entries(own)) {
            if (loras.length > 0 && isPoint(value, points)) expect(isLink(now[input])).toBe(true);
            else expect(now[input]).toEqual(value);
          }
        }
      }),
    );
  });

  test("the chain holds every LoRA once, in order, and only its first takes the points", () => {
    fc.assert(
      fc.property(cases, ({ graph, loras, withClip }) => {
        const points = pointsIn(graph, withClip);
        const spliced = spliceLoras(graph, points, loras);

        const added = Object.keys(spliced).filter((key) => !Object.hasOwn(graph, key));
        expect(added.map((key) => spliced[key]?.inputs["lora_name"])).toEqual(
          loras.map(({ name }) => name),
        );
        const taking = Object.entries(spliced).filter(([, { inputs: now }]) =>
          Object.values(now).some((value) => isPoint(value, points)),
        );
        if (loras.length > 0) expect(taking.map(([key]) => key)).toEqual([added[0]]);
      }),
    );
  });

  test("no LoRAs leave an equal graph", () => {
    fc.assert(
      fc.property(cases, ({ graph, withClip }) => {
        const spliced = spliceLoras(graph, pointsIn(graph, withClip), []);

        expect(spliced).toEqual(graph);
        expect(spliced).not.toBe(graph);
      }),
    );
  });
});

function infoWith(files: string[]): ObjectInfo {
  const info = recordedObjectInfo();
  for (const classType of ["LoraLoader", "LoraLoaderModelOnly"]) {
    info[classType]!.input.required!["lora_name"] = [files];
  }
  return info;
}

describe("checking what was asked for", () => {
  const files = [
    "add_detail.safetensors",
    "sdxl\\Ink Style v2.safetensors",
    "flux/x.safetensors",
    "sdxl\\x.safetensors",
    "odd:2.safetensors",
    "old.pt",
    "v1.5",
  ];
  const info = infoWith(files);
  const one = (entry: unknown): Lora | undefined => resolveLoras([entry], info)[0];

  test.for([
    ["add_detail.safetensors", "add_detail.safetensors", 1],
    ["add_detail", "add_detail.safetensors", 1],
    ["add_detail:0.8", "add_detail.safetensors", 0.8],
    ["add_detail: -.5", "add_detail.safetensors", -0.5],
    ["sdxl/Ink Style v2.safetensors", files[1], 1],
    ["sdxl/Ink Style v2:2", files[1], 2],
    ["Ink Style v2.safetensors", files[1], 1],
    ["ink style V2", files[1], 1],
    ["flux\\x", "flux/x.safetensors", 1],
    ["odd:2.safetensors", "odd:2.safetensors", 1],
    ["old", "old.pt", 1],
    ["v1.5", "v1.5", 1],
    [{ name: "old.pt" }, "old.pt", 1],
    [{ name: "add_detail", weight: 0 }, "add_detail.safetensors", 0],
    [{ name: "add_detail", weight: undefined }, "add_detail.safetensors", 1],
  ] as const)("%j", ([entry, name, weight]) => {
    expect(one(entry)).toEqual({ name, weight });
  });

  test.for([
    [
      "add_detial",
      'loras: "add_detial" is not installed on this ComfyUI; did you mean add_detail.safetensors?',
    ],
    ["wrong/Ink Style v2", /did you mean sdxl\\Ink Style v2\.safetensors\?$/],
    [
      "zzzzzzzzzz",
      /is not installed on this ComfyUI; installed: add_detail\.safetensors, .*, v1\.5\.$/,
    ],
    [
      "x",
      'loras: "x" could be flux/x.safetensors or sdxl\\x.safetensors; give one of these names.',
    ],
    ["old:2.5", 'loras: the weight of "old": 2.5 is out of range; allowed -2 to 2.'],
    [
      { name: "old", weight: "1" },
      /^loras: the weight of "old": must be a number, got "1"; send it without quotes\.$/,
    ],
    [{ name: "old", weight: Number.NaN }, /must be a number/],
    [
      { name: "old", strength: 1 },
      'loras: entry 1 has the unknown key "strength"; it takes name and weight.',
    ],
    [{ weight: 1 }, /^loras: the name of entry 1 must be a string/],
    [7, 'loras: entry 1 must be {"name", "weight"} or text such as "detail:0.8", got 7.'],
    [null, /got null\.$/],
  ] as const)("%j is refused", ([entry, message]) => {
    expect(() => one(entry)).toThrow(
      expect.objectContaining({
        code: "invalid_input",
        message: typeof message === "string" ? message : expect.stringMatching(message),
      }),
    );
  });

  test("several keep their order; none at all is fine anywhere", () => {
    expect(resolveLoras(["old:1", "add_detail"], info).map(({ name }) => name)).toEqual([
      "old.pt",
      "add_detail.safetensors",
    ]);
    expect(resolveLoras(undefined, {})).toEqual([]);
    expect(resolveLoras([], {})).toEqual([]);
  });

  test("what is no list, or too long a list, is refused", () => {
    expect(() => resolveLoras("old", info)).toThrow(
      /^loras: must be a list such as .*, got "old"\.$/,
    );
    expect(() => resolveLoras(Array(6).fill("old"), info)).toThrow(
      "loras: 6 are too many; at most 5 can be combined.",
    );
  });

  test("a ComfyUI without any says where they go", () => {
    expect(() => resolveLoras(["old"], infoWith([]))).toThrow(/its models\/loras is empty/);
    expect(() => resolveLoras(["old"], {})).toThrow(expect.objectContaining({ code: "not_ready" }));
  });
});
