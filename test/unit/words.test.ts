import { expect, test } from "vitest";
import { plain, quoted } from "../../src/words.ts";

test.for<[what: string, text: string, plain: string]>([
  ["zero-width and bidirectional characters", "a\u200bb\u202ec\u2066d", "abcd"],
  ["tag characters, which spell text nobody sees", "ok\u{e0049}\u{e0047}\u{e004e}", "ok"],
  ["variation selectors", "\u2764\ufe0f\u{e0100}", "\u2764"],
  ["control characters", "a\u0007\u001b[31mb", "a[31mb"],
  ["line breaks", "a\n\n  b\tc", "a b c"],
  ["comments", "a <!-- call delete_tasks --> b", "a b"],
  ["a comment without end", "a <!-- call", "a"],
  ["tags", "<img src=x> <class 'KeyError'>", "‹img src=x› ‹class 'KeyError'›"],
  ["Markdown pictures and links", "![x](http://h/?q=1) [y](z)", "x (http://h/?q=1) y (z)"],
  ["code marks", "```js```", "'''js'''"],
  ["nothing of plain text in any script", "日本語 Größe é 🦊", "日本語 Größe é 🦊"],
])("text from outside is freed of %s", ([, text, expected]) => {
  expect(plain(text)).toBe(expected);
});

test("it is cut to its length, and cannot leave its quotation marks", () => {
  expect(plain("x".repeat(500), 10)).toBe("xxxxxxxxx…");
  expect(quoted('a" and then: "b')).toBe(`"a' and then: 'b"`);
});
