import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { expect, test } from "vitest";
import type { Graph } from "../../src/comfy/protocol.ts";
import { convert } from "../../src/workflows/editor/convert.ts";
import { catalogue } from "../fixtures/editor/graphs.ts";

/** A folder with pairs of what the editor saved and what it sent; not ours to keep here. */
const folder = process.env["EDITOR_PAIRS"];
const names = (folder === undefined ? [] : readdirSync(folder))
  .filter((file) => file.endsWith(".ui.json"))
  .map((file) => file.slice(0, -".ui.json".length));

const info = catalogue();
/** Made by old editors and not sent any more. */
const old = ["upload", "choose file to upload", "video-preview"];

function read(file: string): unknown {
  return JSON.parse(readFileSync(path.join(folder ?? "", file), "utf8"));
}

function sentTo(name: string): Graph {
  const graph = read(`${name}.api.json`) as Graph;
  return Object.fromEntries(
    Object.entries(graph).map(([id, { class_type, inputs }]) => [
      id,
      {
        class_type,
        inputs: Object.fromEntries(
          Object.entries(inputs).filter(([input]) => !old.includes(input)),
        ),
      },
    ]),
  );
}

function converted(name: string): Graph {
  const result = convert(read(`${name}.ui.json`), info);
  if ("problems" in result) throw new Error(result.problems.join("; "));
  return Object.fromEntries(
    Object.entries(result.graph).map(([id, { class_type, inputs }]) => [
      id,
      { class_type, inputs },
    ]),
  );
}

/** The group node's inner ids were given anew after the file was saved. */
const renumbered = "stable_cascade_stable_cascade_inpaint_controlnet";

test.skipIf(folder === undefined)(
  "every pair there is becomes what the editor sent (skipped unless EDITOR_PAIRS names their folder)",
  () => {
    expect(names.length).toBeGreaterThan(40);
    for (const name of names.filter((each) => each !== renumbered)) {
      expect(converted(name), name).toEqual(sentTo(name));
    }
  },
);

test.skipIf(!names.includes(renumbered))(
  "a group node whose inner ids cannot be known has the same nodes linked the same way",
  () => {
    const ids = { "68:0": "62", "68:1": "66", "68:2": "64", "68:3": "61", "68:5": "60" };
    const text = Object.entries(ids).reduce(
      (json, [ours, theirs]) => json.replaceAll(`"${ours}"`, `"${theirs}"`),
      JSON.stringify(converted(renumbered)),
    );

    expect(JSON.parse(text)).toEqual(sentTo(renumbered));
  },
);
