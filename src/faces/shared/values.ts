import { z } from "zod";

/** Clients send what they have no value for as null or "", and in forms all is text. */
export const given = <T extends z.ZodType>(
  schema: T,
  read: (value: unknown) => unknown = (value) => value,
) =>
  z.preprocess(
    (value) => (value === null || value === "" ? undefined : read(value)),
    schema.optional(),
  );

function numberIn(value: unknown): unknown {
  return typeof value === "string" && value.trim() !== "" ? Number(value) : value;
}

function flagIn(value: unknown): unknown {
  if (value === "true" || value === "1") return true;
  return value === "false" || value === "0" ? false : value;
}

export const text = given(z.string());
export const number = given(z.number(), numberIn);
export const flag = given(z.boolean(), flagIn);
export const whole = (least: number, most: number) => given(z.int().min(least).max(most), numberIn);
