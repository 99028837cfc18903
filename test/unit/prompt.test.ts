import { mkdir, writeFile } from "node:fs/promises";
import path from "node:path";
import { expect, test } from "vitest";
import { composePrompt } from "../../src/workflows/prompt.ts";
import { Styles } from "../../src/workflows/styles.ts";
import { Wildcards } from "../../src/workflows/wildcards.ts";
import { tempFolder } from "../fixtures/images/pictures.ts";

const styles = new Styles([
  {
    name: "ink",
    title: "Ink",
    prompt: "ink drawing of {prompt}, {fine|loose} lines",
    negative: "photo",
  },
]);

test("wildcards and alternatives are drawn first, then the styles are applied", async () => {
  const dir = path.join(await tempFolder(), "wildcards");
  await mkdir(dir);
  await writeFile(path.join(dir, "animal.txt"), "fox");
  const wildcards = new Wildcards(dir);

  const composed = await composePrompt(
    { prompt: "a {red|red} __animal__.", negative: "{text|text}, photo", styles: ["ink"], seed: 7 },
    { styles, wildcards },
  );

  expect(composed).toEqual({
    prompt: "ink drawing of a red fox, {fine|loose} lines",
    negative: "text, photo",
  });
});

test("plain text without styles and wildcards stays as it is", async () => {
  const prompt = "  A sign that says {open}, __init__ and C:\\x.  ";
  const request = { prompt, negative: "", styles: [], seed: 1 };

  expect(await composePrompt(request, { styles })).toEqual({ prompt, negative: "" });
});

test("pictures of one task differ, and each can be made again", async () => {
  const prompt = "{a|b|c|d|e|f|g|h}";
  const composed = async (seed: number) =>
    (await composePrompt({ prompt, negative: "", styles: ["ink"], seed }, { styles })).prompt;

  const eight = await Promise.all([1, 2, 3, 4, 5, 6, 7, 8].map(composed));

  expect(new Set(eight).size).toBeGreaterThan(3);
  expect(await composed(5)).toBe(eight[4]);
});

test("a refusal names the parameter", async () => {
  const request = { prompt: "x", negative: "{".repeat(3), styles: ["inc"], seed: 1 };

  await expect(composePrompt(request, { styles })).rejects.toThrow(
    'styles: there is no style "inc". Did you mean ink?',
  );
});
