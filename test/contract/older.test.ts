import { describe } from "vitest";
import { liveUrl, onVersion } from "./versions.ts";

/** The files that tell the versions of ComfyUI apart. */
const files = ["caching", "history", "interrupt", "jobs", "object-info"].concat([
  "prompt-validation",
  "queue-and-numbering",
  "routes",
  "userdata",
  "view-and-upload",
]);

const because = liveUrl === undefined ? "" : " (skipped: the ComfyUI at COMFY_URL has its own)";

describe.skipIf(liveUrl !== undefined).each(["0.3.64", "0.6.0", "0.20.0", "0.26.0"])(
  `ComfyUI %s${because}`,
  (version) => onVersion(version, files),
);
