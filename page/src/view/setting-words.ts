import type { Settings } from "../model/request.ts";

/** Shapes in sight, with the words they go by. */
export const shapes: readonly [ratio: string, name: string][] = [
  ["1:1", "Square"],
  ["4:3", "4:3"],
  ["3:2", "3:2"],
  ["16:9", "16:9"],
  ["3:4", "3:4"],
  ["2:3", "2:3"],
  ["9:16", "9:16"],
];

export function shapeName(settings: Settings, tool: string): string {
  if (settings["width"] || settings["height"]) {
    return `${settings["width"] ?? "any"} × ${settings["height"] ?? "any"}`;
  }
  const ratio = settings["aspect_ratio"];
  if (ratio === undefined) return tool === "outpaint" ? "Choose a shape" : "Square";
  return shapes.find(([value]) => value === ratio)?.[1] ?? String(ratio);
}

export const strengths: readonly [value: number | undefined, name: string][] = [
  [0.3, "a little"],
  [0.55, "some"],
  [undefined, "as usual"],
  [0.9, "a lot"],
];

export function strengthWords(settings: Settings): string {
  const value = settings["strength"];
  return strengths.find(([strength]) => strength === value)?.[1] ?? String(value);
}
