/** What a node of ComfyUI does, in one word that a program can tell apart. */
export const activities = [
  "starting",
  "loading",
  "reading",
  "painting",
  "decoding",
  "saving",
  "other",
] as const;

export type Activity = (typeof activities)[number];
