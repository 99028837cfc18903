import { isOutputFile, resultFiles } from "../../comfy/outputs.ts";
import { type ResultMimeType, resultExtensions } from "../../images/media.ts";
import type { Studio } from "../../studio/studio.ts";
import { isTerminal } from "../../tasks/state.ts";
import type { ImageRecord, Run, Task } from "../../tasks/task.ts";
import type { Recipe } from "../../workflows/recipe.ts";

type OutputType = "image" | "video" | "audio" | "text" | "file";

/** A result, as the API has it; its id is that of an asset. */
export interface Output {
  node_id: string;
  name: string;
  type: OutputType;
  content_type: string;
  size_bytes: number;
  id: string;
  /** Results are not hashed with BLAKE3, which the API allows. */
  hash: null;
  url: string;
  url_expires_at: string;
  job_id: string;
}

export interface Place {
  studio: Studio;
  /** Where this API is mounted, for absolute URLs. */
  root: string;
}

/** What is kept for good has a date all the same: the API has no word for "never". */
export const never = "9999-12-31T23:59:59.000Z";

export function outputsOf(task: Task, recipe: Recipe | undefined, place: Place): Output[] {
  const [only = ""] = recipe?.outputs ?? [];
  return [
    ...task.runs.flatMap((run) => filesOf(task, run, only, place)),
    ...textsOf(task).map((text) => textOutput(task, text, place)),
  ];
}

function filesOf(task: Task, run: Run, only: string, place: Place): Output[] {
  // Of a graph a node's files get their names a moment after they are kept.
  const isNamed = (node: string) =>
    !task.prompt || isTerminal(task.state) || run.outputs?.[node] !== undefined;
  const counts = new Map<string, number>();
  const images = run.images.filter(({ node = only }) => isNamed(node));
  return images.map((image) => {
    const node = image.node ?? only;
    const nth = counts.get(node) ?? 0;
    counts.set(node, nth + 1);
    return {
      node_id: node,
      name: resultFiles(run.outputs?.[node])[nth]?.filename ?? resultName(image),
      type: typeOf(image.mimeType),
      content_type: image.mimeType,
      size_bytes: image.bytes,
      id: image.id,
      hash: null,
      ...linkTo(image.id, place),
      job_id: task.id,
    };
  });
}

export function resultName({ id, mimeType }: Pick<ImageRecord, "id" | "mimeType">): string {
  return `${id}.${resultExtensions[mimeType]}`;
}

function typeOf(mimeType: ResultMimeType): OutputType {
  const [kind] = mimeType.split("/");
  return kind === "image" || kind === "video" || kind === "audio" ? kind : "file";
}

/** Text that a node shows, under an id by which it is fetched. */
export interface ShownText {
  id: string;
  node: string;
  text: string;
}

/** In the order of nodes; files that nodes list are no text. */
export function textsOf({ id, runs }: Task): ShownText[] {
  const shown = runs.flatMap(({ outputs = {} }) => Object.entries(outputs));
  return shown
    .flatMap(([node, output]) =>
      [output["text"] ?? []].flat().flatMap((text) => (isOutputFile(text) ? [] : [{ node, text }])),
    )
    .filter(({ text }) => typeof text === "string")
    .map(({ node, text }, i) => ({ id: `${id}-text-${i + 1}`, node, text: String(text) }));
}

function textOutput(task: Task, { id, node, text }: ShownText, { root }: Place): Output {
  return {
    node_id: node,
    name: `${id}.txt`,
    type: "text",
    content_type: "text/plain; charset=utf-8",
    size_bytes: Buffer.byteLength(text),
    id,
    hash: null,
    url: contentUrl(root, id),
    url_expires_at: never,
    job_id: task.id,
  };
}

export function contentUrl(root: string, id: string): string {
  return `${root}/assets/${id}/content`;
}

/** A signed link where keys are needed, so that it can be handed on. */
export function linkTo(
  id: string,
  { studio, root }: Place,
): Pick<Output, "url" | "url_expires_at"> {
  const url = studio.pictures.url(id) ?? contentUrl(root, id);
  const expires = Number(new URL(url).searchParams.get("expires"));
  return { url, url_expires_at: expires > 0 ? new Date(expires * 1_000).toISOString() : never };
}
