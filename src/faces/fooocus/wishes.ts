import { noEffect as told } from "../shared/warnings.ts";
import type { FieldName } from "./fields.ts";

/** A parameter of a workflow that the call asks for, and the field it comes from. */
export interface Wish {
  parameter: string;
  value: unknown;
  field: FieldName;
}

/** What a part of a call comes to. */
export interface Part {
  wishes: Wish[];
  warnings: string[];
}

export const noEffect: (field: FieldName, why: string) => string = told;
