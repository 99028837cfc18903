import { expect, test } from "vitest";
import {
  again,
  callFor,
  honours,
  lackOf,
  ratioOf,
  settingsOf,
  taskFor,
  toolFor,
  variation,
  workflowFor,
} from "../../page/src/model/request.ts";
import type { Tool, Workflow } from "../../page/src/records.ts";
import { task } from "./tasks.ts";

const workflow = (name: string, ready: boolean | null, takes: string[] = []): Workflow => ({
  name,
  tool: "generate_image",
  title: name,
  ready,
  parameters: [{ name: "prompt", type: "string" }],
  takes,
});
const tool: Tool = {
  name: "generate_image",
  title: "Generate",
  description: "",
  input_schema: { properties: { prompt: {}, steps: {}, loras: {} }, required: ["prompt"] },
  workflows: ["a"],
};

test("what is in front of the person decides the tool, and a choice by hand beats it", () => {
  expect(toolFor(undefined, false, false)).toBe("generate_image");
  expect(toolFor(undefined, true, false)).toBe("img2img");
  expect(toolFor("outpaint", true, false)).toBe("outpaint");
  expect(toolFor("outpaint", true, true)).toBe("inpaint");
});

test("the first workflow that can run is taken, unless another is asked for", () => {
  const list = [workflow("a", false), workflow("b", true), workflow("c", true)];

  expect(workflowFor("generate_image", {}, list)?.name).toBe("b");
  expect(workflowFor("generate_image", { workflow: "a" }, list)?.name).toBe("a");
  expect(workflowFor("generate_image", {}, [workflow("a", null)])?.name).toBe("a");
});

test("a setting counts only where tool and workflow honour it", () => {
  const plain = workflow("a", true, ["loras"]);

  expect(honours("loras", tool, plain)).toBe(true);
  expect(honours("steps", tool, plain)).toBe(false);
  expect(honours("mask", tool, plain)).toBe(false);
  expect(honours("workflow", tool, plain)).toBe(true);
  expect(honours("strength", undefined, undefined)).toBe(false);
});

test("the call holds what was said and set, and nothing that would change nothing", () => {
  const call = taskFor({
    tool: "generate_image",
    prompt: "  a fox ",
    settings: { steps: 12, loras: [], seed: 0, negative_prompt: "" },
    image: "u1",
    takes: (name) => name !== "image",
  });

  expect(call).toEqual({
    tool: "generate_image",
    arguments: { prompt: "a fox", steps: 12, seed: 0 },
  });
});

test("what is missing is said before anything is sent", () => {
  const nothing = { prompt: false, image: false, mask: false, settings: {} };

  expect(lackOf("generate_image", tool, nothing)).toMatch("Write first");
  expect(lackOf("generate_image", tool, { ...nothing, prompt: true })).toBeUndefined();
  expect(lackOf("inpaint", undefined, { ...nothing, prompt: true })).toMatch("Paint over");
  const picture = { ...nothing, image: true };
  expect(lackOf("outpaint", undefined, { ...picture, prompt: true })).toMatch("Choose a shape");
  expect(
    lackOf("outpaint", undefined, { ...picture, prompt: true, settings: { left: 64 } }),
  ).toBeUndefined();
});

test("make again leaves the seed out, a copied call holds the seed of its one picture", () => {
  const two = task({ count: 2 });
  const second = two.images[1] ?? two.images[0];
  if (!second) throw new Error("The task has no picture.");

  expect(again(two).arguments).toEqual({ prompt: "a fox", count: 2, steps: 20 });
  expect(callFor(two, second).arguments).toEqual({ prompt: "a fox", steps: 20, seed: 8 });
  expect(settingsOf(two, second)).toEqual({ count: 2, steps: 20, seed: 8 });
  expect(variation(two, second)).toEqual({
    tool: "img2img",
    arguments: { image: second.id, vary: "subtle", prompt: "a fox" },
  });
});

test.each([
  [{}, 1],
  [{ aspect_ratio: "16:9" }, 16 / 9],
  [{ width: 800, height: 400, aspect_ratio: "1:1" }, 2],
  [{ aspect_ratio: "wide" }, 1],
])("settings %j lead to a canvas of ratio %d", (settings, ratio) => {
  expect(ratioOf(settings)).toBe(ratio);
});
