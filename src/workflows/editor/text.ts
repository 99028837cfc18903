/**
 * A prompt text as the editor sends it: comments are taken out (ComfyUI_frontend,
 * `formatUtil.ts`), also where `//` stands in an address. Alternatives such as {a|b} stay: they
 * are drawn for each picture.
 */
export function withoutComments(text: string): string {
  return text.replace(/\/\*[\s\S]*?\*\/|\/\/[^\r\n]*/g, "");
}

export function hasAlternatives(text: string): boolean {
  return /(?<!\\)\{[^{}]*\|[^{}]*\}/.test(text);
}

const tokens: Readonly<Record<string, string>> = {
  y: "%year%",
  M: "%month%",
  d: "%day%",
  h: "%hour%",
  H: "%hour%",
  m: "%minute%",
  s: "%second%",
};

/**
 * `%date:yyyy-MM-dd%` is the editor's; ComfyUI itself knows `%year%` and its like
 * (`folder_paths.py`), which are right on every day the graph runs.
 */
export function serverDates(text: string): string {
  return text.replace(/%date:([^%]*)%/g, (_, format: string) =>
    format.replace(/y+|M+|d+|h+|H+|m+|s+/g, (run) => tokens[run.charAt(0)] ?? run),
  );
}
