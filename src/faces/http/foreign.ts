import type { PortOption } from "../../http-config.ts";
import type { Face } from "./face.ts";

/** The face of a system whose clients come as they are. */
export interface Foreign {
  /** Gives it a port of its own. */
  option: PortOption;
  /** On the port of everything. */
  shared: Face[];
  /** On a port of its own, at the paths its clients know. */
  alone: Face[];
}
