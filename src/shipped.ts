import { fileURLToPath } from "node:url";

const at = (place: string) => fileURLToPath(new URL(place, import.meta.url));

/** Where the package keeps what is no code; both `src` and `dist` lie beside it. */
export const shipped = {
  styles: at("../styles"),
  workflows: at("../workflows"),
  /** Built; only `dist` has them. */
  compiledWorkflows: at("workflows.json"),
  page: at("page"),
};
