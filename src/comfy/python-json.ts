/** Strings first, so that nothing inside of them is touched. */
const stringsAndConstants = /"[^"\\]*(?:\\.[^"\\]*)*"|-?\bInfinity\b|\bNaN\b/g;

const numbers: Record<string, string> = { NaN: "null", Infinity: "1e999", "-Infinity": "-1e999" };

/**
 * Reads JSON as Python's `json.dumps` writes it: with NaN (read as null), Infinity and -Infinity,
 * which node packs put into the options of their inputs. Undefined for what is no JSON at all.
 */
export function parseJson<T>(text: string): T | undefined {
  return parsed(text) ?? (/NaN|Infinity/.test(text) ? parsed(repaired(text)) : undefined);
}

function repaired(text: string): string {
  return text.replace(stringsAndConstants, (token) => numbers[token] ?? token);
}

function parsed<T>(text: string): T | undefined {
  try {
    return JSON.parse(text) as T;
  } catch {
    return undefined;
  }
}
