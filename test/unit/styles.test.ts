import { readdir, writeFile } from "node:fs/promises";
import path from "node:path";
import { describe, expect, test } from "vitest";
import { loadStyles, type Style, Styles } from "../../src/workflows/styles.ts";
import { tempFolder } from "../fixtures/images/pictures.ts";

const shipped = path.resolve(import.meta.dirname, "../../styles");

function style(name: string, prompt: string, negative = ""): Style {
  return { name, title: name, prompt, negative };
}

const styles = new Styles([
  style("ink_drawing", "ink drawing of {prompt}, fine lines", "photo, Color"),
  style("noir", "film noir scene of a {prompt}, long shadows", "color, cheerful"),
  style("late", "{prompt}, at night"),
  style("plain", "moody {prompt}"),
]);

/** A folder with these files; what is not text is written as JSON. */
async function folderOf(files: Record<string, unknown>): Promise<string> {
  const dir = await tempFolder();
  for (const [name, data] of Object.entries(files)) {
    await writeFile(path.join(dir, name), typeof data === "string" ? data : JSON.stringify(data));
  }
  return dir;
}

describe("applying", () => {
  test.for([
    [[], "a fox.", "a fox."],
    [["ink_drawing"], "a fox", "ink drawing of a fox, fine lines"],
    [["ink_drawing"], " A fox sits. It waits. ", "ink drawing of A fox sits. It waits, fine lines"],
    [["plain"], "A fox sits.", "moody A fox sits."],
    [["late", "ink_drawing"], "a fox", "a fox, at night, ink drawing, fine lines"],
    [
      ["ink_drawing", "noir"],
      "a fox",
      "ink drawing of a fox, fine lines, film noir scene, long shadows",
    ],
    [["plain", "late", "noir"], "a fox!", "moody a fox!, at night, film noir scene, long shadows"],
    [["ink_drawing", "ink_drawing"], "a fox", "ink drawing of a fox, fine lines"],
    [["ink_drawing"], "", "ink drawing, fine lines"],
    [["ink_drawing"], "costs $& and {prompt}", "ink drawing of costs $& and {prompt}, fine lines"],
  ] as const)("%j around %j", ([names, prompt, expected]) => {
    expect(styles.apply(names, prompt, "").prompt).toBe(expected);
  });

  test.for([
    [[], "x, x", "x, x"],
    [["ink_drawing"], "", "photo, Color"],
    [["ink_drawing", "noir"], "", "photo, Color, cheerful"],
    [["ink_drawing"], "COLOR, (photo, text:1.2),", "COLOR, (photo, text:1.2), photo"],
    [["late"], "blurry", "blurry"],
  ] as const)("the negatives of %j after %j have nothing twice", ([names, negative, expected]) => {
    expect(styles.apply(names, "a fox", negative).negative).toBe(expected);
  });

  test("a name is found in the spellings people use", () => {
    const expected = styles.apply(["ink_drawing"], "a fox", "");

    expect(styles.apply(["Ink Drawing"], "a fox", "")).toEqual(expected);
    expect(styles.apply([" ink-drawing"], "a fox", "")).toEqual(expected);
  });

  test.for([
    ["ink_drawin", 'styles: there is no style "ink_drawin". Did you mean ink_drawing?'],
    [
      "watercolour",
      'styles: there is no style "watercolour". Known: ink_drawing, late, noir, plain.',
    ],
    [
      "constructor",
      'styles: there is no style "constructor". Known: ink_drawing, late, noir, plain.',
    ],
  ] as const)("an unknown name %s is refused", ([name, message]) => {
    expect(() => styles.apply(["noir", name], "", "")).toThrow(
      expect.objectContaining({ code: "invalid_input", message }),
    );
  });

  test("a prompt of a hundred thousand commas takes no time", () => {
    const prompt = `${",".repeat(100_000)}x`;

    expect(styles.apply(["late", "noir"], prompt, prompt).prompt).toBe(
      `${prompt}, at night, film noir scene, long shadows`,
    );
  });
});

describe("loading", () => {
  test("a style of a later folder replaces one of an earlier folder", async () => {
    const first = await folderOf({
      "a.json": [style("noir", "old {prompt}"), style("late", "{prompt}, late")],
      "notes.txt": "no style",
    });
    const second = await folderOf({
      "b.json": [{ name: "noir", title: "Noir", prompt: "new {prompt}" }],
    });

    const { styles: loaded } = await loadStyles([first, second]);

    expect(loaded.names()).toEqual(["late", "noir"]);
    expect(loaded.all()[1]).toEqual({
      name: "noir",
      title: "Noir",
      group: "b",
      prompt: "new {prompt}",
      negative: "",
    });
  });

  test("what is wrong is left out and told at once, with file and style; the rest is there", async () => {
    const dir = await folderOf({
      "a.json": [
        style("noir", "dark {prompt}"),
        style("no_place", "dark"),
        style("two_places", "{prompt} {prompt}"),
        style("--", "{prompt}, pixels"),
        { name: "extra", title: "Extra", prompt: "{prompt}", weight: 1 },
        { title: "Nameless", prompt: "{prompt}" },
        7,
      ],
      "b.json": [style("noir", "{prompt} again")],
      "c.json": "[{",
      "d.json": style("alone", "{prompt}"),
    });

    const { styles, problems } = await loadStyles([dir]);

    expect(styles.names()).toEqual(["noir"]);
    const lines = problems.map((line) => line.replaceAll(`${dir}${path.sep}`, ""));
    expect(lines.map((line) => line.replace(/(as JSON): .*/, "$1"))).toEqual([
      'a.json: style "no_place": prompt must hold {prompt} exactly once',
      'a.json: style "two_places": prompt must hold {prompt} exactly once',
      'a.json: style "--": name must hold a letter or a digit',
      'a.json: style "extra": unknown key "weight"; remove it',
      "a.json: style 6 of the list: name Invalid input: expected string, received undefined",
      "a.json: style 7 of the list: Invalid input: expected object, received number",
      expect.stringMatching(/^b\.json: style "noir" is already in .*a\.json; rename one$/),
      "c.json: cannot be read as JSON",
      "d.json: is not a list of styles; write [{ … }]",
    ]);
  });

  test("a style list of Fooocus is read as it is", async () => {
    const dir = await folderOf({
      "sdxl_styles.json": [
        {
          name: "My Look-2",
          prompt: "moody photo of {prompt}, film grain",
          negative_prompt: "bright",
        },
        { name: "Fooocus Sharp", negative_prompt: "blurry, soft" },
      ],
    });

    const { styles, problems } = await loadStyles([dir]);

    expect(problems).toEqual([]);
    expect(styles.apply(["My Look-2", "fooocus sharp"], "a fox", "")).toEqual({
      prompt: "moody photo of a fox, film grain",
      negative: "bright, blurry, soft",
    });
  });

  test("a folder that is not there is told by its option", async () => {
    const dir = path.join(await tempFolder(), "nowhere");

    const { styles, problems } = await loadStyles([dir]);

    expect(styles.names()).toEqual([]);
    expect(problems).toEqual([
      expect.stringMatching(/nowhere: .*--styles-dir \(EASEL_STYLES_DIR\)/),
    ]);
  });
});

describe("what is shipped", () => {
  /** Living artists, studios and products whose names turn up in prompts, and what we do not paint. */
  const unwanted = [
    /rutkowski|artgerm|hockney|koons|murakami|banksy|kusama|miyazaki|shinkai|mucha|wlop|beeple/,
    /alphonse|sakimi|loish|kuvshinov|ross tran|makoto|crewdson|leibovitz|eggleston|mccurry/,
    /disney|pixar|ghibli|marvel|lego|nintendo|pokemon|dreamworks|warner|star wars|barbie|minecraft/,
    /kodak|polaroid|fuji|leica|nikon|canon\b|hasselblad|unreal|octane|blender|artstation|deviantart/,
    /midjourney|dall|national geographic|vogue|playstation|apple\b|adobe|photoshop|playdoh|play-doh/,
    /\b(girls?|boys?|child|children|kids?|teens?|teenagers?|loli|shota|young|schoolgirl|baby)\b/,
    /nsfw|nude|naked|\bsex|erotic|lingerie|breasts?|bikini|seductive|porn|fetish/,
  ];

  test("at least forty load, each complete and named once", async () => {
    const { styles: loaded } = await loadStyles([shipped]);
    const files = await readdir(shipped);

    expect(files.every((file) => file.endsWith(".json"))).toBe(true);
    expect(loaded.names().length).toBeGreaterThanOrEqual(40);
    expect(new Set(loaded.all().map(({ title }) => title)).size).toBe(loaded.names().length);
    expect(new Set(loaded.all().map(({ prompt }) => prompt)).size).toBe(loaded.names().length);
  });

  test("templates are short, leave the prompt its place and name nobody", async () => {
    for (const { name, prompt, negative } of (await loadStyles([shipped])).styles.all()) {
      expect(prompt.length, name).toBeLessThanOrEqual(400);
      expect(negative.length, name).toBeLessThanOrEqual(400);
      expect(negative, name).not.toBe("");
      // FLUX and Qwen read "no text" as "text"; that belongs into the negative.
      expect(`${prompt} ${negative}`, name).not.toMatch(/\b(no|not|without|never)\b/);
      for (const pattern of unwanted) {
        expect(`${prompt} ${negative}`.toLowerCase(), name).not.toMatch(pattern);
      }
    }
  });

  test("any two combine into clean text", async () => {
    const { styles: loaded } = await loadStyles([shipped]);
    const names = loaded.names();
    for (const [i, name] of names.entries()) {
      const other = names[(i + 7) % names.length] ?? name;
      const { prompt, negative } = loaded.apply([name, other], "A red fox.", "text");

      expect(prompt.match(/red fox/g), `${name}, ${other}`).toHaveLength(1);
      expect(`${prompt}\n${negative}`, `${name}, ${other}`).not.toMatch(
        /[,.]\s*[,.]|\s,| {2}|\b(of|a|an|the|with),|\{/,
      );
    }
  });
});
