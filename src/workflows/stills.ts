import { type Graph, isLink, type Link, type ObjectInfo } from "../comfy/protocol.ts";
import { copyJson } from "../json.ts";
import { savesFilm } from "./discover/outputs.ts";
import type { Recipe } from "./recipe.ts";

/**
 * The recipe with, for each film, a node that keeps its first frame as a picture: nothing here
 * decodes films, and ComfyUI has the frames at hand. The film itself is made as before.
 */
export function withStills(recipe: Recipe, objectInfo: ObjectInfo): Recipe {
  const graph = copyJson(recipe.graph);
  const stills: Record<string, string> = {};
  for (const id of recipe.outputs) {
    const frames = savesFilm(graph[id]?.class_type ?? "")
      ? framesOf(graph, id, objectInfo)
      : undefined;
    if (!frames || !knows(objectInfo, "ImageFromBatch", "PreviewImage")) continue;
    const [first, still] = [`${id}:first_frame`, `${id}:still`];
    const inputs = { image: frames, batch_index: 0, length: 1 };
    graph[first] = { class_type: "ImageFromBatch", inputs };
    graph[still] = { class_type: "PreviewImage", inputs: { images: [first, 0] } };
    stills[id] = still;
  }
  return Object.keys(stills).length > 0 ? { ...recipe, graph, stills } : recipe;
}

function framesOf(graph: Graph, id: string, objectInfo: ObjectInfo): Link | undefined {
  const { images, video } = graph[id]?.inputs ?? {};
  if (isLink(images)) return images;
  if (!isLink(video)) return undefined;
  const made = graph[video[0]];
  const frames = made?.class_type === "CreateVideo" ? made.inputs["images"] : undefined;
  if (isLink(frames)) return frames;
  if (!knows(objectInfo, "GetVideoComponents")) return undefined;
  const parts = `${id}:frames`;
  graph[parts] = { class_type: "GetVideoComponents", inputs: { video } };
  return [parts, 0];
}

function knows(objectInfo: ObjectInfo, ...classes: string[]): boolean {
  return classes.every((name) => Object.hasOwn(objectInfo, name));
}
