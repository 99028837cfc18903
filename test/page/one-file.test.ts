import { readFile } from "node:fs/promises";
import path from "node:path";
import { expect, test } from "vitest";

test("the page as one file asks for nothing else", async () => {
  const built = path.resolve(import.meta.dirname, "../../dist/page/studio.html");

  const html = await readFile(built, "utf8");

  expect(html.match(/<(script|link|img|iframe)\b[^>]*\b(src|href)=/g)).toBeNull();
  expect([...html.matchAll(/url\((?!data:)[^)]*\)/g)].map(([match]) => match)).toEqual([]);
  expect(html).toMatch(/<style>@font-face/);
  expect(html).toMatch(/<script type="module">.+<\/script>\s*<\/body>/s);
});
