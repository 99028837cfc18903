import { searchTemplates, templatesIn } from "../src/workflows/templates.ts";
import { median, spread } from "./figures.ts";

const templates = 600;
const asked = 50;

/** A search over a gallery as large as ComfyUI's, against reading its index as JSON. */
export async function search(): Promise<void> {
  const index = JSON.stringify([
    { title: "Image Generation", templates: Array.from({ length: templates }, (_, i) => entry(i)) },
  ]);
  const all = templatesIn(index);
  const parse: number[] = [];
  const find: number[] = [];
  for (let i = 0; i < asked; i += 1) {
    parse.push(taken(() => JSON.parse(index)));
    find.push(taken(() => searchTemplates(all, `qwen image edit template ${i}`)));
  }
  const ratio = median(find) / median(parse);
  console.log(
    `search: ${ratio.toFixed(2)} of reading the index of ${templates} templates as JSON (${median(find).toFixed(2)} ms, ${spread(find)}; below 50 ms)`,
  );
}

function taken(work: () => unknown): number {
  const started = performance.now();
  work();
  return performance.now() - started;
}

function entry(i: number): Record<string, unknown> {
  return {
    name: `template_${i}`,
    title: `Template ${i} with a title of some length`,
    description: "Generate pictures from text with a model of this family. ".repeat(4),
    tags: ["Text to Image", "Image", "Edit"],
    models: ["Family-1", "Family-2"],
    usage: i,
  };
}
