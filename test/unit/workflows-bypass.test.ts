import { expect, test } from "vitest";
import { compile } from "../../src/workflows/compile.ts";
import { reduced } from "../../src/workflows/reduce.ts";
import { problemText, type Workflow } from "../../src/workflows/workflow.ts";
import { pairOf, sampleBinding, sampleGraph } from "../fixtures/workflows/sample.ts";

type Bypass = Record<string, (string | [string, number])[]>;

/** The sample with a chain of two nodes between checkpoint and sampler, and another latent. */
function withChain(bypass: { first?: Bypass; second?: Bypass } = {}) {
  const graph: Record<string, { class_type: string; inputs: Record<string, unknown> }> = {
    ...sampleGraph(),
    "90": { class_type: "Patch", inputs: { model: ["4", 0], amount: 1, picture: ["92", 0] } },
    "91": { class_type: "Patch", inputs: { model: ["90", 0], amount: 2, picture: ["92", 0] } },
    "92": { class_type: "LoadImage", inputs: { image: "x.png" } },
    "93": { class_type: "OtherLatent", inputs: { length: 9 } },
  };
  Object.assign(graph["3"]?.inputs ?? {}, { model: ["91", 0], latent_image: ["93", 0] });
  const binding = {
    ...sampleBinding(),
    parameters: {
      ...sampleBinding().parameters,
      first: { slots: ["90.amount"], bypass: bypass.first ?? { "90": ["model"] } },
      second: { slots: ["91.amount"], bypass: bypass.second ?? { "91": ["model"] } },
      length: { slots: ["93.length"], bypass: { "93": [["5", 0]] } },
    },
  };
  return compile(pairOf(graph, binding));
}

function workflowOf(result: ReturnType<typeof compile>): Workflow {
  if ("workflow" in result) return result.workflow;
  throw new Error(result.problems.map(problemText).join("\n"));
}

test("nodes that only parameters use which are not given are bypassed, and go with what is theirs", () => {
  const workflow = workflowOf(withChain());
  const bare = reduced(workflow, []);
  const second = reduced(workflow, ["second", "seed"]);

  expect(Object.keys(bare.graph)).toEqual(["3", "4", "5", "9"]);
  expect(bare.graph["3"]).toEqual(sampleGraph()["3"]);
  expect(Object.keys(bare.parameters)).not.toContain("first");
  expect(second.graph["91"]?.inputs["model"]).toEqual(["4", 0]);
  expect(second.graph).toHaveProperty("92");
  expect(second.graph).not.toHaveProperty("90");
  expect(second.parameters).toHaveProperty("second");
  expect(reduced(workflow, ["second"])).toBe(second);
  expect(reduced(second, [])).toBe(second);
});

test("a bypass of what the graph does not have is refused", () => {
  const result = withChain({ first: { "99": ["model"] }, second: { "91": ["amount"] } });

  const problems = "problems" in result ? result.problems.map(problemText).join("\n") : "";
  expect(problems).toContain('parameter "first": bypass: the graph has no node "99"');
  expect(problems).toContain('parameter "second": bypass: the graph has no link at 91.amount');
});
