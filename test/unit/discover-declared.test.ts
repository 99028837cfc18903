import { expect, test } from "vitest";
import { parseTitle } from "../../src/workflows/discover/titles.ts";
import {
  compileExport,
  discovered,
  exportGraph,
  parametersOf,
} from "../fixtures/exports/exports.ts";

test("a title names, describes, orders and hides parameters", () => {
  const { workflow, notes } = discovered("titled");

  expect(parametersOf(workflow)).toEqual({
    image: "10.image *",
    subject: "6.text = a robot",
    steps: "20.value = 12",
    seed: "3.seed = 1",
    guidance: "3.cfg = 7",
    sampler: "3.sampler_name = euler",
    scheduler: "3.scheduler = normal",
    strength: "3.denoise = 0.6",
  });
  expect(workflow.parameters["subject"]?.description).toBe("What to paint");
  expect(workflow.parameters["image"]?.description).toBe("Photo to start from");
  expect(workflow.parameters["steps"]).toMatchObject({ type: "integer", required: false });
  expect(notes).toEqual([
    'node 30 (Note) is titled "input;Nothing;order=9" but holds no value a parameter could set; title the node that does',
  ]);
});

test.for([
  {
    title: "input;Display Name;Optional; ADVANCED ;Order=7;custom_id=My_Name;mask;translatable",
    parsed: { label: "Display Name", id: "my_name", optional: true, hidden: false, order: 7 },
  },
  {
    title: " Input ; A ;hidden;order=x;",
    parsed: { label: "A", id: "", optional: false, hidden: true, order: 99 },
  },
  {
    title: "input;",
    parsed: { label: "", id: "", optional: false, hidden: false, order: 99 },
  },
])("the title $title is read", ({ title, parsed }) => {
  expect(parseTitle(title)).toEqual(parsed);
});

test("a shared tool promises its names, so a workflow with others is a tool of its own", () => {
  const graph = exportGraph("titled");
  graph["6"]!._meta = { title: "input;What to paint;custom_id=prompt" };
  expect(discovered("titled", undefined, graph).workflow.tool).toBe("img2img");

  graph["10"]!._meta = { title: "input;Photo;custom_id=photo" };
  expect(discovered("titled", undefined, graph).workflow.tool).toBe("titled");
});

test("a name the server uses itself, or for another type, is changed", () => {
  const graph = exportGraph("titled");
  graph["20"]!._meta = { title: "input;How many;custom_id=count" };
  graph["6"]!._meta = { title: "input;Subject;custom_id=seed" };

  const parameters = parametersOf(discovered("titled", undefined, graph).workflow);

  expect(parameters).toMatchObject({
    input_count: "20.value = 12",
    input_seed: "6.text = a robot",
  });
  expect(parameters).toMatchObject({ seed: "3.seed = 1" });
});

test("an optional image that names a file stays, one that names none goes", () => {
  const graph = exportGraph("vix_cutout");
  graph["3"]!.inputs["image"] = "mine.png";

  const kept = discovered("vix_cutout", undefined, graph);
  const gone = discovered("vix_cutout");

  expect(kept.workflow.parameters["context"]).toMatchObject({ required: false, type: "image" });
  expect(Object.keys(gone.workflow.parameters)).toEqual(["input_image"]);
  expect(gone.workflow.graph["23"]?.inputs).not.toHaveProperty("context");
  expect(gone.notes).toEqual([
    'the optional image "Context" is not offered; the workflow runs without it',
  ]);
});

test("a binding beside comes before titles, and titles before the walk, field by field", () => {
  const walked = discovered("sd15").workflow.parameters["prompt"];
  const graph = exportGraph("sd15");
  graph["pos"]!._meta = { title: "input;Your scene;custom_id=prompt" };
  const titled = discovered("sd15", undefined, graph).workflow.parameters["prompt"];
  const own = { parameters: { prompt: { description: "Say it." }, steps: { maximum: 30 } } };
  const bound = discovered("sd15", own, graph).workflow.parameters;

  expect(walked).not.toHaveProperty("description");
  expect(titled).toMatchObject({ description: "Your scene", required: true });
  expect(bound["prompt"]).toMatchObject({ description: "Say it.", required: true });
  expect(bound["prompt"]?.slots).toEqual(titled?.slots);
  expect(bound["steps"]).toMatchObject({ maximum: 30, default: 20 });
});

test("slots in a binding replace the parameter they were found for; null takes one away", () => {
  const own = {
    tool: "poster",
    title: "Poster",
    parameters: { headline: { slots: ["pos.text"] }, negative_prompt: null, scheduler: null },
  };

  const { workflow } = discovered("sd15", own);

  expect(workflow).toMatchObject({ tool: "poster", title: "Poster" });
  expect(new Set(Object.keys(workflow.parameters))).toEqual(
    new Set(["guidance", "headline", "height", "sampler", "seed", "steps", "width"]),
  );
});

test("outputs in a binding are where the walk starts", () => {
  const { workflow } = discovered("hires_fix", { outputs: ["25"] });

  expect(workflow.outputs).toEqual(["25"]);
  expect(parametersOf(workflow)).toMatchObject({ steps: "3.steps = 14", seed: "3.seed = 11" });
});

test("a mask taken away stays in the alpha channel", () => {
  const { workflow } = discovered("fill_alpha", { parameters: { mask: null } });

  expect(workflow.tool).toBe("img2img");
  expect(workflow.graph["ipc"]?.inputs["mask"]).toEqual(["img", 1]);
});

test.for([
  {
    own: { parameters: { prompt: { slots: ["99.text"] } } },
    reason: 'parameter "prompt": no such node',
  },
  { own: { parameters: { steps: { maximum: 5 } } }, reason: "20 is out of range" },
  { own: { parameters: ["prompt"] }, reason: "parameters: " },
  { own: { parameter: {} }, reason: 'unknown key "parameter"; remove it' },
  { own: { tool: "task_status" }, reason: "is a tool of the server itself" },
  { own: 7, reason: "is not a binding" },
])("a binding that is wrong is refused by its own file: $reason", ({ own, reason }) => {
  const result = compileExport("sd15", own);

  expect(result).toMatchObject({ problems: [{ file: "sd15.binding.json" }] });
  expect(JSON.stringify(result)).toContain(JSON.stringify(reason).slice(1, -1));
});
