import type { TaskRequest } from "./request.ts";

/** What was asked for beside something that rules it out: told, not dropped in silence. */
export function ruledOut(request: TaskRequest): string[] {
  const { vary } = request;
  const { width, height, strength } = request.parameters;
  const notes: string[] = [];
  if (width !== undefined && height !== undefined && request.aspectRatio !== undefined) {
    notes.push("aspect_ratio has no effect: width and height say the shape already.");
  }
  if (vary !== undefined && strength !== undefined) {
    notes.push(`vary has no effect: strength ${String(strength)} was given, and goes before it.`);
  }
  if (request.factor !== undefined && (width !== undefined || height !== undefined)) {
    notes.push("factor has no effect: width and height say the size.");
  }
  if (request.fit !== undefined && (width === undefined || height === undefined)) {
    notes.push("fit has no effect: it is for width and height together.");
  }
  return notes;
}
