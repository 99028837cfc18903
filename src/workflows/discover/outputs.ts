import type { ObjectInfo } from "../../comfy/protocol.ts";
import { byId, type GraphView } from "./view.ts";

const saves = /^(SaveImage|SaveAnimated(WEBP|PNG)|Image Save|SaveImageWebsocket|SaveImageAdvanced)/;
/** They save films, sounds and 3D models. */
const savesMedia = /^(SaveVideo|SaveWEBM|SaveAnimated|SaveAudio|SaveGLB|VHS_VideoCombine)/;
const previews = /^PreviewImage/;
/** They take images and make something else of them. */
const otherMedia = /video|webm|gif|audio|mesh|glb|text|tag|compare/i;
const imageInputs: readonly string[] = ["images", "image"];

/**
 * The nodes whose files are the result: those that save, else those that preview, else ends of
 * the graph that take images. `objectInfo` adds the output nodes of packs nobody here knows.
 */
export function outputNodes(view: GraphView, objectInfo?: ObjectInfo): string[] {
  const ids = Object.keys(view.graph).sort(byId);
  const used = new Set(ids.flatMap((id) => view.links(id).map(({ link }) => link[0])));
  const takesImages = (id: string) =>
    !otherMedia.test(view.classOf(id)) && imageInputs.some((input) => view.link(id, input));
  const kinds: ((id: string) => boolean)[] = [
    (id) => saves.test(view.classOf(id)) || makesMedia(view.classOf(id)),
    (id) => previews.test(view.classOf(id)),
    (id) => !used.has(id) && takesImages(id),
    (id) => isOutput(view.classOf(id), objectInfo),
  ];
  for (const isKind of kinds) {
    const found = ids.filter(isKind);
    if (found.length > 0) return found;
  }
  return [];
}

/** Whether it saves films, in formats that are no pictures. */
export function savesFilm(classType: string): boolean {
  return /^(SaveVideo|SaveWEBM|VHS_VideoCombine)/.test(classType);
}

/** Whether what a node of this class saves is no picture. */
export function makesMedia(classType: string): boolean {
  return savesMedia.test(classType);
}

function isOutput(classType: string, objectInfo: ObjectInfo | undefined): boolean {
  if (!objectInfo || !Object.hasOwn(objectInfo, classType)) return false;
  return objectInfo[classType]?.output_node === true;
}
