import type { Hono } from "hono";
import type { HttpEnv } from "./env.ts";
import type { Refusal } from "./refusal.ts";

/** A part of the server below one path. */
export interface Face {
  /** Where it is mounted: `/mcp`; `/` for the page. */
  path: string;
  app: Hono<HttpEnv>;
  /**
   * "key": nobody is let in without one. "open": whoever asks; what needs a key asks `studioOf`.
   * A wrong key is refused on both. "public": nobody is asked who they are.
   */
  access: "key" | "open" | "public";
  /** How its refusals look, those of the guards too. */
  refuse(refusal: Refusal): Response;
  /** Bytes of a request's body; 1 MiB if left out. Infinity where the face itself limits it. */
  longestBody?: number;
}

const longestBody = 1024 * 1024;

export function longestBodyOf(face: Face | undefined): number {
  return face?.longestBody ?? longestBody;
}

/** The most particular face whose path this one lies below. */
export function faceAt(faces: readonly Face[], path: string): Face | undefined {
  return faces
    .filter((face) => face.path === "/" || path === face.path || path.startsWith(`${face.path}/`))
    .sort((a, b) => b.path.length - a.path.length)[0];
}
