import { mkdir, symlink, utimes, writeFile } from "node:fs/promises";
import path from "node:path";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { resolveWildcards, Wildcards } from "../../src/workflows/wildcards.ts";
import { tempFolder } from "../fixtures/images/pictures.ts";

/** A folder `lists` with these files in it. */
async function folderOf(files: Record<string, string | Uint8Array>): Promise<string> {
  const dir = path.join(await tempFolder(), "lists");
  await mkdir(dir);
  for (const [name, content] of Object.entries(files)) {
    const file = path.join(dir, name);
    await mkdir(path.dirname(file), { recursive: true });
    await writeFile(file, content);
  }
  return dir;
}

async function lists(files: Record<string, string | Uint8Array>): Promise<Wildcards> {
  return new Wildcards(await folderOf(files));
}

const seeds = (count: number) => Array.from({ length: count }, (_, i) => i);

/** All that a text can become over many seeds. */
async function outcomes(text: string, wildcards?: Wildcards, count = 200): Promise<string[]> {
  const all = await Promise.all(
    seeds(count).map((seed) => resolveWildcards(text, wildcards, seed)),
  );
  return [...new Set(all)].sort((a, b) => (a < b ? -1 : 1));
}

describe("lists", () => {
  test("an entry is a line; comments and blank lines are none", async () => {
    const wildcards = await lists({ "color.txt": "\uFEFF# colors\r\nred\r\n\r\n  blå  \n#x\n" });

    expect(await wildcards.entries("color")).toEqual(["red", "blå"]);
    expect(await outcomes("a __color__ car", wildcards)).toEqual(["a blå car", "a red car"]);
  });

  test("lists in folders go by their path, with either slash", async () => {
    const wildcards = await lists({ "hair/long cut.txt": "x", "hair/color-2.txt": "blond" });

    expect(await wildcards.names()).toEqual(["hair/color-2", "hair/long cut"]);
    expect(await resolveWildcards("__hair/color-2__", wildcards, 1)).toBe("blond");
    expect(await resolveWildcards("__hair\\color-2__", wildcards, 1)).toBe("blond");
  });

  test("a changed file is read again, an unchanged one is not", async () => {
    const dir = await folderOf({ "a.txt": "one" });
    const wildcards = new Wildcards(dir);
    const first = await wildcards.entries("a");
    expect(await wildcards.entries("a")).toBe(first);

    await writeFile(path.join(dir, "a.txt"), "two");
    await utimes(path.join(dir, "a.txt"), 1, 1);

    expect(await wildcards.entries("a")).toEqual(["two"]);
  });

  test("nothing outside the folder is read", async () => {
    const dir = await folderOf({ "in.txt": "in", ".hidden.txt": "hidden" });
    await writeFile(path.join(dir, "../secret.txt"), "secret");
    await mkdir(path.join(dir, "../lists-too"));
    await writeFile(path.join(dir, "../lists-too/secret.txt"), "secret");
    await symlink(path.join(dir, "../secret.txt"), path.join(dir, "link.txt"));
    await symlink(path.join(dir, "../lists-too"), path.join(dir, "linked"));
    await symlink(path.join(dir, "in.txt"), path.join(dir, "own.txt"));
    const wildcards = new Wildcards(dir);

    const names = ["../secret", "..\\secret", "x/../../secret", `${dir}/../secret`, "link"];
    for (const name of [...names, "linked/secret", "../lists-too/secret", ".hidden", "", "a\0"]) {
      expect(await wildcards.entries(name), name).toBeUndefined();
    }
    expect(await wildcards.entries("own")).toEqual(["in"]);
    expect(await wildcards.names()).toEqual(["in"]);
    await expect(resolveWildcards("__../secret__", wildcards, 1)).rejects.toThrow(
      "prompt: there is no wildcard __../secret__.",
    );
  });

  test("a folder that is not there has no lists until it is", async () => {
    const dir = path.join(await tempFolder(), "later");
    const wildcards = new Wildcards(dir);

    await expect(resolveWildcards("a __color__ fox", wildcards, 1)).rejects.toMatchObject({
      code: "invalid_input",
      message: expect.stringContaining("there is no wildcard __color__"),
    });
    await mkdir(dir);
    await writeFile(path.join(dir, "color.txt"), "red");

    expect(await resolveWildcards("a __color__ fox", wildcards, 1)).toBe("a red fox");
  });
});

describe("what cannot be drawn", () => {
  const files = {
    "color.txt": "red",
    "empty.txt": "# nothing yet",
    "latin.txt": new Uint8Array([0x62, 0x6c, 0xe5]),
    "a.txt": "__b__",
    "b.txt": "__a__",
    ...Object.fromEntries(seeds(6).map((i) => [`deep${i}.txt`, `__deep${i + 1}__`])),
    "deep6.txt": "end",
  };

  test.for([
    ["__colr__", "prompt: there is no wildcard __colr__. Nearest: __color__."],
    ["{__colr__|red}", "prompt: there is no wildcard __colr__. Nearest: __color__."],
    ["__zebra_stripes__", /^prompt: there is no wildcard __zebra_stripes__\. Known: __a__, __b__,/],
    ["__empty__", /__empty__ has no entries; write one a line in its file\.$/],
    ["__latin__", /__latin__ cannot be read .* Save its file as UTF-8 text\.$/],
    ["__a__", /draw from each other without end: __a__ → __b__ → __a__\. Change one\.$/],
    ["__deep1__", /nested deeper than 5: __deep1__ → .* → __deep6__\. Join some\.$/],
  ] as const)("%s", async ([text, message]) => {
    await expect(resolveWildcards(text, await lists(files), 1)).rejects.toMatchObject({
      code: "invalid_input",
      message: typeof message === "string" ? message : expect.stringMatching(message),
    });
  });

  test("five lists may draw from each other", async () => {
    expect(await resolveWildcards("__deep2__", await lists(files), 1)).toBe("end");
  });

  test("the refusal names the parameter the text came from", async () => {
    await expect(resolveWildcards("__x__", await lists({}), 1, "negative_prompt")).rejects.toThrow(
      "negative_prompt: there is no wildcard __x__. Known: none, add .txt files.",
    );
  });
});

describe("without a folder", () => {
  test("a name between underscores stays", async () => {
    expect(await resolveWildcards("def __init__(self), __a/b__ {x|x}", undefined, 1)).toBe(
      "def __init__(self), __a/b__ x",
    );
  });
});

describe("alternatives", () => {
  test.for([
    ["a {red|blue} car", ["a blue car", "a red car"]],
    ["{a|{b|c}}d", ["ad", "bd", "cd"]],
    ["{a|}", ["", "a"]],
    ["{ a | b }", [" a ", " b "]],
    ['{"json": {"k": [1]}}', ['{"json": {"k": [1]}}']],
    ["{a {b|c} d}", ["{a b d}", "{a c d}"]],
    ["{ {a|b}", ["{ a", "{ b"]],
    ["{a|b", ["{a|b"]],
    ["a|b}", ["a|b}"]],
    ["\\{a|b\\}", ["{a|b}"]],
    ["{a\\|b|c\\}}", ["a|b", "c}"]],
    ["(cat:1.2) \\(x\\) C:\\dir", ["(cat:1.2) \\(x\\) C:\\dir"]],
    ["\\\\{a|b}", ["\\\\a", "\\\\b"]],
    ["{a|b}{a|b}", ["aa", "ab", "ba", "bb"]],
  ] as const)("%s", async ([text, expected]) => {
    expect(await outcomes(text)).toEqual(expected);
  });

  test("hold wildcards, and lists hold alternatives", async () => {
    const wildcards = await lists({ "x.txt": "{1|2}\n__y__", "y.txt": "3" });

    expect(await outcomes("{__x__|__y__!}", wildcards)).toEqual(["1", "2", "3", "3!"]);
  });

  test("nested beyond reason are refused, loose braces are not", async () => {
    const deep = `${"{a|".repeat(21)}b${"}".repeat(21)}`;
    const loose = "{".repeat(200_000);

    await expect(resolveWildcards(deep, undefined, 1)).rejects.toThrow("nested deeper than 20");
    expect(await resolveWildcards(loose, undefined, 1)).toBe(loose);
  });
});

describe("the seed", () => {
  const entries = seeds(10).map((i) => `entry${i}`);
  const files = { "list.txt": entries.join("\n"), "nest.txt": "<__list__>\n<__list__ __list__>" };

  test("decides everything", async () => {
    const dir = await folderOf(files);
    const piece = fc.constantFrom(
      "__list__",
      "__nest__",
      "{a|b|__list__}",
      "{",
      "|",
      "}",
      "\\",
      "x ",
    );
    await fc.assert(
      fc.asyncProperty(
        fc.array(piece, { maxLength: 12 }).map((pieces) => pieces.join("")),
        fc.maxSafeNat(),
        async (text, seed) => {
          const once = await resolveWildcards(text, new Wildcards(dir), seed);

          expect(await resolveWildcards(text, new Wildcards(dir), seed)).toBe(once);
        },
      ),
    );
  });

  test("in a row gives well-spread choices", async () => {
    const wildcards = await lists(files);
    const counts = new Map(entries.map((entry) => [entry, 0]));
    let repeats = 0;
    let last = "";
    for (const seed of seeds(2000)) {
      const entry = await resolveWildcards("__list__", wildcards, 1_000_000 + seed);
      counts.set(entry, (counts.get(entry) ?? 0) + 1);
      if (entry === last) repeats += 1;
      last = entry;
    }

    for (const count of counts.values()) {
      expect(count).toBeGreaterThan(150);
      expect(count).toBeLessThan(250);
    }
    expect(repeats).toBeLessThan(260);
  });

  test("draws for each occurrence, and for each parameter, by itself", async () => {
    const wildcards = await lists(files);

    const pairs = await outcomes("__list__ __list__", wildcards, 1500);
    expect(pairs.length).toBe(100);

    const other = await Promise.all(
      seeds(100).map(async (seed) => [
        await resolveWildcards("__list__", wildcards, seed),
        await resolveWildcards("__list__", wildcards, seed, "negative_prompt"),
      ]),
    );
    expect(other.filter(([a, b]) => a === b).length).toBeLessThan(30);
  });

  test("keeps a draw when the text around it changes, or what an earlier one draws", async () => {
    const wildcards = await lists(files);
    for (const seed of seeds(50)) {
      const plain = await resolveWildcards("__nest__: __list__", wildcards, seed);
      const longer = await resolveWildcards("A longer __nest__: __list__!", wildcards, seed);

      expect(longer).toBe(`A longer ${plain}!`);
    }
    const last = (text: string) => text.split(":").at(-1);
    const changed = await lists({ ...files, "nest.txt": "{a|b} {c|d} __list__" });
    for (const seed of seeds(50)) {
      const text = "__nest__:__list__";
      expect(last(await resolveWildcards(text, changed, seed))).toBe(
        last(await resolveWildcards(text, wildcards, seed)),
      );
    }
  });
});

describe("braces", () => {
  test.for([
    '{"mood": "calm" | "wild"}',
    "type Size = { width: number | string }",
    "{'a'|'b'}",
    "const f = (x) => { return x || 1; }",
    "#{name|upper}",
    "{{ title | upper }}",
    "the set {x | x > 0}",
    '{"prompt": "a {red|blue} car"}',
  ])("of code or data stay: %s", async (text) => {
    expect(await resolveWildcards(text, undefined, 1)).toBe(text);
  });

  test.for([
    ["a {red|blue} car", /^a (red|blue) car$/],
    ["{(red:1.2)|(blue:0.8)} car", /^\((red:1\.2|blue:0\.8)\) car$/],
    ["{a king's crown|the queen's crown}", /^(a king's|the queen's) crown$/],
    ["{{a|b}|c}", /^[abc]$/],
    ["a { that is never closed, {red|blue}", /^a \{ that is never closed, (red|blue)$/],
    ['a sign "OPEN" in {red|blue}', /^a sign "OPEN" in (red|blue)$/],
  ] as const)("of alternatives are drawn: %s", async ([text, drawn]) => {
    expect(await resolveWildcards(text, undefined, 1)).toMatch(drawn);
  });
});
