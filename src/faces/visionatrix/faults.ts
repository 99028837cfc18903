import { type Fault, Unprocessable } from "../shared/fastapi.ts";

/** Where a value came from, in FastAPI's words. */
export type Place = "query" | "body" | "path";

export interface Limits {
  minimum?: number;
  maximum?: number;
}

/** A boolean as Pydantic reads it from text; undefined for other words. */
export function flagOf(text: string): boolean | undefined {
  if (/^(true|t|yes|y|on|1)$/i.test(text)) return true;
  return /^(false|f|no|n|off|0)$/i.test(text) ? false : undefined;
}

/** A whole number as Pydantic reads it from text. Throws `Unprocessable`. */
export function wholeNumber(
  place: Place,
  name: string,
  given: string,
  limits: Limits = {},
): number {
  const fault = faultIn(place, name, given, limits);
  if (fault) throw new Unprocessable([fault]);
  return Number(given);
}

export function faultIn(
  place: Place,
  name: string,
  given: string,
  { minimum, maximum }: Limits,
): Fault | undefined {
  const loc = [place, name];
  const value = Number(given);
  if (!/^\s*[+-]?\d+\s*$/.test(given) || !Number.isSafeInteger(value)) {
    const msg = "Input should be a valid integer, unable to parse string as an integer";
    return { type: "int_parsing", loc, msg, input: given.slice(0, 100) };
  }
  if (minimum !== undefined && value < minimum) {
    const msg = `Input should be greater than or equal to ${minimum}`;
    return { type: "greater_than_equal", loc, msg, input: given, ctx: { ge: minimum } };
  }
  if (maximum !== undefined && value > maximum) {
    const msg = `Input should be less than or equal to ${maximum}`;
    return { type: "less_than_equal", loc, msg, input: given, ctx: { le: maximum } };
  }
  return undefined;
}

export function missing(place: Place, name: string): Unprocessable {
  const loc = [place, name];
  return new Unprocessable([{ type: "missing", loc, msg: "Field required", input: null }]);
}
