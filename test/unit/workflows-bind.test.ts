import fc from "fast-check";
import { expect, test } from "vitest";
import { bind } from "../../src/workflows/bind.ts";
import { resolveParameters } from "../../src/workflows/resolve.ts";
import type { Workflow } from "../../src/workflows/workflow.ts";
import { compiled, sampleBinding, sampleGraph } from "../fixtures/workflows/sample.ts";

const literal = fc.oneof(fc.string(), fc.integer(), fc.boolean());
const id = fc.oneof(fc.nat(99).map(String), fc.constantFrom("57:3", "a.b", "9.format"));

/** Any graph of literals and links, with a parameter on some of its literals. */
const workflows = fc
  .dictionary(id, fc.dictionary(fc.constantFrom("a", "b", "c.d", "e"), literal, { minKeys: 1 }), {
    minKeys: 1,
    maxKeys: 6,
    noNullPrototype: true,
  })
  .chain((literals) => {
    const ids = Object.keys(literals);
    const slots = ids.flatMap((node) =>
      Object.keys(literals[node] ?? {}).map((input) => `${node}.${input}`),
    );
    const graph = Object.fromEntries(
      Object.entries(literals).map(([node, inputs]) => [
        node,
        { class_type: "X", inputs: { ...inputs, linked: [ids[0], 0] } },
      ]),
    );
    return fc.record({
      graph: fc.constant(graph),
      bound: fc.subarray(slots, { minLength: 1 }),
      value: literal,
    });
  })
  // "9" with an input "format.a" and "9.format" with an input "a" are one address.
  .filter(({ graph }) => !("9" in graph && "9.format" in graph))
  .map(({ graph, bound, value }) => ({
    value,
    workflow: compiled(graph, {
      tool: "any_tool",
      title: "Any",
      description: "Any.",
      outputs: [Object.keys(graph)[0]],
      parameters: Object.fromEntries(bound.map((slot, i) => [`p${i}`, { slots: [slot] }])),
    }),
  }));

function slotValues(workflow: Workflow, graph: Workflow["graph"]): Record<string, unknown> {
  const slots = Object.values(workflow.parameters).flatMap((parameter) => parameter.slots);
  return Object.fromEntries(
    slots.map(({ node, input, text }) => [text, graph[node]?.inputs[input]]),
  );
}

test("binding changes nothing but the slots of the given values", () => {
  fc.assert(
    fc.property(workflows, ({ workflow, value }) => {
      const names = Object.keys(workflow.parameters);
      const graph = bind(workflow, { p0: value });

      const expected = structuredClone(workflow.graph);
      const slot = workflow.parameters["p0"]?.slots[0];
      const inputs = slot && expected[slot.node]?.inputs;
      if (!slot || !inputs) throw new Error(`no slot for ${names}`);
      inputs[slot.input] = value;
      expect(graph).toEqual(expected);
    }),
  );
});

test("binding leaves the workflow's graph as it was, and it cannot be changed by accident", () => {
  fc.assert(
    fc.property(workflows, ({ workflow, value }) => {
      const before = JSON.stringify(workflow.graph);
      const graph = bind(
        workflow,
        Object.fromEntries(Object.keys(workflow.parameters).map((name) => [name, value])),
      );

      for (const node of Object.values(graph)) node.inputs["a"] = "changed";
      expect(JSON.stringify(workflow.graph)).toBe(before);
      expect(Object.isFrozen(workflow.graph)).toBe(true);
      for (const node of Object.values(workflow.graph)) {
        expect(Object.isFrozen(node.inputs)).toBe(true);
      }
    }),
  );
});

test("the defaults of any workflow are the values its own graph holds", () => {
  fc.assert(
    fc.property(workflows, ({ workflow }) => {
      const { values, warnings } = resolveParameters(workflow, {});

      expect(warnings).toEqual([]);
      expect(bind(workflow, values)).toEqual(workflow.graph);
      expect(slotValues(workflow, workflow.graph)).toEqual(
        Object.fromEntries(
          Object.values(workflow.parameters).map(({ slots, default: own }) => [
            slots[0]?.text,
            own,
          ]),
        ),
      );
    }),
  );
});

test("one parameter fills all its slots", () => {
  const graph = sampleGraph();
  graph["6"] = { class_type: "ModelSamplingFlux", inputs: { width: 1024 } };
  const workflow = compiled(graph, {
    ...sampleBinding(),
    parameters: { width: { slots: ["5.width", "6.width"] } },
  });

  const bound = bind(workflow, { width: 1920 });

  expect(bound["5"]?.inputs["width"]).toBe(1920);
  expect(bound["6"]?.inputs["width"]).toBe(1920);
});

test("a model choice takes the backend's spelling, a file the caller chose is kept", () => {
  const workflow = compiled(sampleGraph(), {
    ...sampleBinding(),
    parameters: { checkpoint: { slots: ["4.ckpt_name"] } },
  });
  const choices = { "4.ckpt_name": "XL\\base.safetensors" };
  const file = (values: Record<string, unknown>) =>
    bind(workflow, values, choices)["4"]?.inputs["ckpt_name"];

  expect(file({})).toBe("XL\\base.safetensors");
  expect(file({ checkpoint: "base.safetensors" })).toBe("XL\\base.safetensors");
  expect(file({ checkpoint: "mine.safetensors" })).toBe("mine.safetensors");
});

test("values of no parameter are ignored, undefined ones leave the graph's own", () => {
  const workflow = compiled(sampleGraph(), sampleBinding());

  expect(bind(workflow, { nothing: 1, steps: undefined, constructor: 2 })).toEqual(workflow.graph);
});

test("what is not a literal never reaches a graph", () => {
  const workflow = compiled(sampleGraph(), sampleBinding());

  expect(() => bind(workflow, { steps: ["4", 0] })).toThrow("not a literal");
  expect(() => bind(workflow, {}, { "4.other": "x" })).toThrow('slot "4.other"');
});
