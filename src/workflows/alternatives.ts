interface OpenBrace {
  at: number;
  bars: number[];
  /** Signs of pairs that closed inside. */
  inside: number[];
}

/**
 * The places of the braces and bars that make alternatives: in a closed pair with a bar that is
 * no code. In order.
 */
export function bracesAndBars(text: string): number[] {
  const open: OpenBrace[] = [];
  const found: number[] = [];
  for (const { 0: sign, index } of text.matchAll(/\\[\s\S]|[{|}]/g)) {
    if (sign === "{") open.push({ at: index, bars: [], inside: [] });
    else if (sign === "|") open.at(-1)?.bars.push(index);
    else if (sign === "}") {
      const signs = signsOf(text, open.pop(), index);
      const around = open.at(-1)?.inside ?? found;
      for (const place of signs) around.push(place);
    }
  }
  // A brace that is never closed is text; what closed inside it counts all the same.
  return [...found, ...open.flatMap(({ inside }) => inside)].sort((a, b) => a - b);
}

function signsOf(text: string, pair: OpenBrace | undefined, end: number): number[] {
  if (!pair || isCode(text, pair, end)) return [];
  return pair.bars.length > 0 ? [pair.at, ...pair.bars, end, ...pair.inside] : pair.inside;
}

/** A prompt about code or data is short enough to be seen from its start. */
const looked = 2_000;

/**
 * Nobody writes these between alternatives for a picture: double or whole single quotes, statements,
 * comparisons, logical operators, a key with a colon ("(red:1.2)" is a weight), a template's
 * "${…}" or "{{ … }}".
 */
const code =
  /["`;=]|&&|\s\|\||\|\|\s|(^|[\s|,:([])'[^'|]*'(?=\s*([|,:)\]]|$))|^\s*[\w$-]+\??:\s|\s[<>]=?\s|\/\/|->/;

function isCode(text: string, { at, bars }: OpenBrace, end: number): boolean {
  const content = text.slice(at + 1, Math.min(end, at + 1 + looked));
  if (code.test(content)) return true;
  const before = text.charAt(at - 1);
  if (before === "$" || before === "%" || before === "#") return true;
  return bars.length > 0 && before === "{" && text.charAt(end + 1) === "}" && isTemplate(content);
}

/** "{{ name | upper }}" has a space at both ends; "{{a|b}|c}" is alternatives in alternatives. */
function isTemplate(content: string): boolean {
  return /^\s.*\s$/s.test(content);
}
