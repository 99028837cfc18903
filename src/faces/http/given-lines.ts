import { readFile } from "node:fs/promises";
import { messageOf, refusal } from "../../errors.ts";

/** The lines of a file that an option named; empty ones and comments (`#`) are left out. */
export async function linesOf(file: string, option: string): Promise<string[]> {
  try {
    const lines = (await readFile(file, "utf8")).split(/\r?\n/).map((line) => line.trim());
    return lines.filter((line) => line !== "" && !line.startsWith("#"));
  } catch (error) {
    throw refusal(`${option}: the file ${file} cannot be read (${messageOf(error)})`);
  }
}
