import { afterAll, beforeEach } from "vitest";
import { closeFaces } from "./face.ts";
import divergences from "./face-divergences.json" with { type: "json" };

/** What our own face does otherwise than a ComfyUI, on purpose: left out, with the reason. */
beforeEach(({ task, skip }) => {
  const found = divergences.find(({ test }) => test === task.name);
  if (found) skip(found.why);
});

afterAll(closeFaces);
