import { Unprocessable } from "../shared/fastapi.ts";
import type { VisionatrixContext } from "./env.ts";
import { flagOf, type Limits, missing, wholeNumber } from "./faults.ts";

/** Without a `standard` it must be given. Throws `Unprocessable`. */
export function wholeIn(
  c: VisionatrixContext,
  name: string,
  standard?: number,
  limits: Limits = {},
): number {
  const given = c.req.query(name);
  if (given !== undefined) return wholeNumber("query", name, given, limits);
  if (standard === undefined) throw missing("query", name);
  return standard;
}

/** Throws `Unprocessable`. */
export function flagIn(c: VisionatrixContext, name: string, standard: boolean): boolean {
  const given = c.req.query(name);
  if (given === undefined) return standard;
  const flag = flagOf(given);
  if (flag !== undefined) return flag;
  const msg = "Input should be a valid boolean, unable to interpret input";
  const loc = ["query", name];
  throw new Unprocessable([{ type: "bool_parsing", loc, msg, input: given.slice(0, 100) }]);
}

/** Throws `Unprocessable` where it is left out. */
export function textIn(c: VisionatrixContext, name: string): string {
  const given = c.req.query(name);
  if (given === undefined) throw missing("query", name);
  return given;
}
