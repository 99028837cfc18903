import path from "node:path";
import { refusal } from "./errors.ts";
import { type Option, type OptionName, optionLabel, options } from "./options.ts";

/** Every value that was given for an option, by flag or by variable. */
export type Given = Partial<Record<OptionName, string[]>>;

/** Flags come before variables. */
export function givenBy(
  flags: Readonly<Record<string, readonly string[] | undefined>>,
  env: NodeJS.ProcessEnv,
): Given {
  const given: Given = {};
  for (const [name, option] of Object.entries<Option & { env: string }>(options)) {
    const values = flags[option.flag];
    const variable = env[option.env]?.trim();
    if (values) given[name as OptionName] = [...values];
    else if (variable)
      given[name as OptionName] = option.multiple ? split(name, variable) : [variable];
  }
  return given;
}

function split(name: string, text: string): string[] {
  const separator = name === "inputRoots" ? path.delimiter : "\n";
  return text.split(separator).filter((part) => part.trim() !== "");
}

export function isOn(name: OptionName, value: string | undefined): boolean {
  if (value === undefined || /^(0|false|no|off)$/i.test(value)) return false;
  if (/^(1|true|yes|on)$/i.test(value)) return true;
  throw refused(name, value, "1 or 0");
}

export function optionalAmount(name: OptionName, value: string | undefined): number | undefined {
  return value === undefined ? undefined : amount(name, value, 1e6);
}

export function amount(name: OptionName, value: string, most: number): number {
  const number = Number(value);
  if (value.trim() !== "" && number >= 0 && number <= most) return number;
  throw refused(name, value, `a number from 0 to ${most}`);
}

export function choice<T extends string>(
  name: OptionName,
  value: string | undefined,
  allowed: readonly T[],
): T | undefined {
  if (value === undefined) return undefined;
  const found = allowed.find((word) => word === value);
  if (found) return found;
  throw refused(name, value, allowed.join(" or "));
}

export function refused(name: OptionName, value: string, expected: string) {
  return refusal(`${optionLabel(name)}: expected ${expected}, got ${JSON.stringify(value)}`);
}
