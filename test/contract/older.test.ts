import { describe, test } from "vitest";
import { liveUrl, onVersion } from "./versions.ts";

/** The files that tell the versions of ComfyUI apart. */
const files = [
  "caching",
  "history",
  "interrupt",
  "jobs",
  "object-info",
  "prompt-validation",
  "queue-and-numbering",
  "routes",
  "userdata",
  "view-and-upload",
];

if (liveUrl === undefined) {
  describe.each(["0.3.64", "0.6.0", "0.20.0", "0.26.0"])("ComfyUI %s", (version) =>
    onVersion(version, files),
  );
} else {
  // Not even collected: that would gate the other files by an older version.
  test.skip("older versions (COMFY_URL is set: the ComfyUI there has its own)", () => {});
}
