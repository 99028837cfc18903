import { chmod, mkdir, readdir, readFile, rm, stat, symlink, writeFile } from "node:fs/promises";
import { homedir } from "node:os";
import { basename, dirname, join, relative } from "node:path";
import sharp from "sharp";
import { describe, expect, onTestFinished, test } from "vitest";
import { type PictureToSave, type SaveOptions, SaveTo } from "../../src/files/save-to.ts";
import { deliver } from "../../src/images/convert.ts";
import { cutout, pixelAt, solid, tempFolder } from "../fixtures/images/pictures.ts";

const red = await solid(12, 8, "red").png().toBuffer();
const blue = await solid(12, 8, "blue").png().toBuffer();

function picture(name: string, bytes = red): PictureToSave {
  return { bytes, extension: "png", name };
}

const saver = new SaveTo((bytes, format) => deliver(bytes, { format }));

type More = Omit<SaveOptions, "roots">;

/** The saver as one caller has it. */
function within(roots: readonly string[], { base = roots[0], ...own }: More = {}) {
  return {
    check: (parameter: string, target: string, count: number, more: More = {}) =>
      saver.check(parameter, target, count, { roots, base, ...own, ...more }),
    save: (
      parameter: string,
      target: string,
      pictures: readonly PictureToSave[],
      more: More = {},
    ) => saver.save(parameter, target, pictures, { roots, base, ...own, ...more }),
  };
}

type Files = ReturnType<typeof within>;

/** A root inside a folder of its own, so that there is an outside too. */
async function world() {
  const outside = await tempFolder();
  const root = join(outside, "pictures");
  await mkdir(root);
  return { root, outside, files: within([root]) };
}

async function everythingIn(folder: string): Promise<string[]> {
  return (await readdir(folder, { recursive: true })).toSorted();
}

/** Refused by both, with nothing left behind. */
async function expectRefused(files: Files, target: string, message: RegExp): Promise<void> {
  const refusal = { code: "invalid_input", message: expect.stringMatching(message) };
  await expect(files.check("save_to", target, 1)).rejects.toMatchObject(refusal);
  await expect(files.save("save_to", target, [picture("a")])).rejects.toMatchObject(refusal);
}

describe("to a file", () => {
  test("the original bytes are written when the extension is of their format", async () => {
    const { root, files } = await world();

    const saved = await files.save("save_to", join(root, "hero.png"), [picture("t1-1")]);

    expect(saved).toEqual([join(root, "hero.png")]);
    expect(await readFile(join(root, "hero.png"))).toEqual(red);
    expect(await everythingIn(root)).toEqual(["hero.png"]);
  });

  test.for([
    ["hero.jpg", "jpeg"],
    ["hero.JPEG", "jpeg"],
    ["hero.webp", "webp"],
    ["he.ro.PNG", "png"],
  ] as const)("%s is written as %s", async ([name, format]) => {
    const { root, files } = await world();

    const [path = ""] = await files.save("save_to", join(root, name), [picture("t1-1")]);

    expect(basename(path)).toBe(name);
    expect((await sharp(await readFile(path)).metadata()).format).toBe(format);
  });

  test("a cut-out as JPEG lies on white", async () => {
    const { root, files } = await world();
    const bytes = await cutout(40, 40).png().toBuffer();

    const [path = ""] = await files.save("save_to", join(root, "a.jpg"), [picture("a", bytes)]);

    const corner = await pixelAt(await readFile(path), 0.02, 0.02);
    expect(Math.min(corner.r, corner.g, corner.b)).toBeGreaterThan(245);
  });

  test("several pictures are numbered", async () => {
    const { root, files } = await world();

    const saved = await files.save("save_to", join(root, "hero.png"), [
      picture("t1-1", red),
      picture("t1-2", blue),
    ]);

    expect(saved).toEqual([join(root, "hero-1.png"), join(root, "hero-2.png")]);
    expect(await readFile(join(root, "hero-2.png"))).toEqual(blue);
  });

  test.for(["hero", "hero.gif", "hero.txt", "hero.png.exe", "hero.constructor"])(
    "%s is refused with the formats",
    async (name) => {
      const { root, files } = await world();

      await expectRefused(
        files,
        join(root, name),
        /^save_to: "hero.*" has no extension of a format that is written: \.png, \.jpg, \.jpeg or \.webp\./,
      );
    },
  );
});

describe("to a folder", () => {
  test("an existing one needs no slash", async () => {
    const { root, files } = await world();
    await mkdir(join(root, "set.png"));

    const saved = await files.save("save_to", join(root, "set.png"), [
      picture("t1-1"),
      { ...picture("t1-2", await sharp(blue).jpeg().toBuffer()), extension: "jpg" },
    ]);

    expect(saved.map((path) => relative(root, path))).toEqual([
      join("set.png", "t1-1.png"),
      join("set.png", "t1-2.jpg"),
    ]);
  });

  test("a missing one with a slash is made, with its parents", async () => {
    const { root, files } = await world();

    await files.check("save_to", `${root}/a/b/c/d/e/`, 1);
    expect(await everythingIn(root)).toEqual([]);
    const saved = await files.save("save_to", `${root}/a/b/c/d/e/`, [picture("t1-1")]);

    expect(saved).toEqual([join(root, "a/b/c/d/e/t1-1.png")]);
    expect(await readFile(saved[0] ?? "")).toEqual(red);
  });

  test("the parents of a file are made too", async () => {
    const { root, files } = await world();

    const saved = await files.save("save_to", join(root, "new/hero.png"), [picture("t1-1")]);

    expect(saved).toEqual([join(root, "new/hero.png")]);
  });

  test("more than five missing levels are refused", async () => {
    const { root, files } = await world();

    await expectRefused(
      files,
      `${root}/a/b/c/d/e/f/`,
      /^save_to: 6 folders are missing below .*pictures \(a\/b\/c\/d\/e\/f\), at most 5 are made\./,
    );
    expect(await everythingIn(root)).toEqual([]);
  });

  test("a name that leads elsewhere is a defect, not a message", async () => {
    const { root, files } = await world();

    for (const name of ["../x", "a/b", ".x", "", "a\0b"]) {
      await expect(files.save("save_to", root, [picture(name)])).rejects.toThrow(
        /^not a plain file name/,
      );
    }
  });
});

describe("where a path leads", () => {
  test("a relative path starts at the caller's own folder", async () => {
    const { root } = await world();
    await mkdir(join(root, "project"));
    const files = within([root], { base: join(root, "project") });

    expect(await files.save("save_to", "sub/hero.png", [picture("a")])).toEqual([
      join(root, "project/sub/hero.png"),
    ]);
    await expectRefused(files, "../../hero.png", /^save_to: ".*hero\.png" is outside/);
  });

  test("without such a folder it starts in the working directory, if that is allowed", async () => {
    const files = { roots: [dirname(process.cwd())] };
    const name = `comfy-easel-${process.pid}-${Date.now()}.png`;

    expect(await saver.check("save_to", name, 1, files)).toBe(join(process.cwd(), name));
  });

  test("else a relative path is refused, with an absolute one as the way out", async () => {
    const { root } = await world();
    const refusal = new RegExp(
      `^save_to: "public/hero\\.png" is a relative path, .* such as ${root}/public/hero\\.png\\.$`,
    );

    await expect(
      saver.check("save_to", "public/hero.png", 1, { roots: [root] }),
    ).rejects.toMatchObject({ code: "invalid_input", message: expect.stringMatching(refusal) });
    await expect(
      saver.save("save_to", "public/hero.png", [picture("a")], { roots: [root] }),
    ).rejects.toThrow(refusal);
    expect(await everythingIn(root)).toEqual([]);
  });

  test("what a check answers means the same from anywhere, and stays a folder", async () => {
    const { root, files } = await world();
    await mkdir(join(root, "there"));

    const folder = await files.check("save_to", "there", 1);
    expect(folder).toBe(join(root, "there/"));
    await rm(join(root, "there"), { recursive: true });

    expect(await saver.save("save_to", folder, [picture("a")], { roots: [root] })).toEqual([
      join(root, "there/a.png"),
    ]);
  });

  test("a path with .. is fine while it stays inside", async () => {
    const { root, files } = await world();

    expect(await files.save("save_to", `${root}/sub/../x/../hero.png`, [picture("a")])).toEqual([
      join(root, "hero.png"),
    ]);
  });

  test("~/ is the home folder", async () => {
    const files = within([homedir()]);
    const name = `comfy-easel-${process.pid}-${Date.now()}.png`;

    expect(await files.check("save_to", `~/${name}`, 1)).toBe(join(homedir(), name));
    await expect(within([(await world()).root]).check("save_to", "~/a.png", 1)).rejects.toThrow(
      /^save_to: ".*a\.png" is outside/,
    );
  });

  test("a second root is as good as the first", async () => {
    const [first, second] = [await world(), await world()];
    const files = within([first.root, second.root]);

    expect(await files.save("save_to", join(second.root, "a.png"), [picture("a")])).toEqual([
      join(second.root, "a.png"),
    ]);
  });

  test("a root may itself be a link or lie in a hidden folder", async () => {
    const { outside, root } = await world();
    const hiddenRoot = join(outside, ".cache/pictures");
    await mkdir(hiddenRoot, { recursive: true });
    await symlink(root, join(outside, "link"));

    const files = within([join(outside, "link"), hiddenRoot]);

    expect(await files.save("save_to", "a.png", [picture("a")])).toEqual([join(root, "a.png")]);
    expect(await files.save("save_to", join(hiddenRoot, "a.png"), [picture("a")])).toEqual([
      join(hiddenRoot, "a.png"),
    ]);
  });

  test("a link to a folder inside a root is followed", async () => {
    const { root, files } = await world();
    await mkdir(join(root, "real"));
    await symlink(join(root, "real"), join(root, "link"));

    expect(await files.save("save_to", join(root, "link/a.png"), [picture("a")])).toEqual([
      join(root, "real/a.png"),
    ]);
  });

  test.for([
    ["a sibling", "../other.png"],
    ["a sibling whose name starts like the root's", "../pictures-2/a.png"],
    ["an absolute path", "/etc/easel.png"],
    ["an absolute folder", "/tmp/"],
    ["a path through a folder that is not there", "nothing/../../other.png"],
  ] as const)("%s outside the roots is refused", async ([, target]) => {
    const { outside, files } = await world();

    await expectRefused(
      files,
      target,
      /^save_to: ".*" is outside the folders that may be written \(.*pictures\)\. .*--input-roots \(EASEL_INPUT_ROOTS\)/,
    );
    expect(await everythingIn(outside)).toEqual(["pictures"]);
  });

  test.for([
    ["a file below a link", "escape/a.png"],
    ["new folders below a link", "escape/new/"],
    ["a link itself as the folder", "escape"],
    ["a link itself with a slash", "escape/"],
  ] as const)("%s that leads out is refused", async ([, target]) => {
    const { root, outside, files } = await world();
    await mkdir(join(outside, "elsewhere"));
    await symlink(join(outside, "elsewhere"), join(root, "escape"));

    await expectRefused(files, target, /^save_to: ".*" leads out of .* by a link\./);
    expect(await everythingIn(join(outside, "elsewhere"))).toEqual([]);
  });

  test("outside the roots, nothing tells what exists", async () => {
    const { outside, files } = await world();
    await writeFile(join(outside, "there.png"), red);
    const message = async (name: string) =>
      await files.check("save_to", join(outside, name), 1).catch((error: Error) => error.message);

    expect((await message("there.png"))?.replace("there", "absent")).toBe(
      await message("absent.png"),
    );
  });

  test.for([".ssh/a.png", ".a.png", "sub/.hidden/deep/", ".git/"])(
    "hidden %s is refused",
    async (target) => {
      const { root, files } = await world();

      await expectRefused(files, target, /^save_to: ".*" is hidden \(a name in it starts with/);
      expect(await everythingIn(root)).toEqual([]);
    },
  );

  test("a link to a hidden folder is hidden", async () => {
    const { root, files } = await world();
    await mkdir(join(root, ".git"));
    await symlink(join(root, ".git"), join(root, "visible"));

    await expectRefused(files, "visible/a.png", /is hidden/);
  });

  test("hidden names are fine when they are allowed", async () => {
    const { root } = await world();
    const files = within([root], { base: root, allowHidden: true });

    expect(await files.save("save_to", ".x/.a.png", [picture("a")])).toEqual([
      join(root, ".x/.a.png"),
    ]);
  });

  test("a file or a dangling link on the way is refused", async () => {
    const { root, outside, files } = await world();
    await writeFile(join(root, "file.png"), red);
    await symlink(join(outside, "nowhere"), join(root, "dangling"));

    await expectRefused(files, "file.png/a.png", /file\.png" is on the way and is not a folder/);
    await expectRefused(files, "file.png/", /file\.png" is on the way and is not a folder/);
    await expectRefused(files, "dangling/a.png", /dangling" is on the way and is not a folder/);
    expect(await everythingIn(outside)).not.toContain("nowhere");
  });

  test.for(["", "  ", "https://x.org/a.png", "data:image/png;base64,AA", "a\0.png", "a\n.png"])(
    "%j is not a path",
    async (target) => {
      await expectRefused((await world()).files, target, /^save_to: ".*" is not a path\. Name a/);
    },
  );

  test("without roots, writing is off and says how to turn it on", async () => {
    await expectRefused(
      within([]),
      "a.png",
      /^save_to: saving to files is off on this server\. .*--input-roots \(EASEL_INPUT_ROOTS\)/,
    );
  });

  test("roots that do not exist are named", async () => {
    const { outside } = await world();

    await expectRefused(
      within([join(outside, "gone")]),
      "a.png",
      /^save_to: none of the folders that may be written exists: .*gone\./,
    );
  });
});

describe("what is there already", () => {
  test("an existing file is refused by name, and stays", async () => {
    const { root, files } = await world();
    await writeFile(join(root, "hero.png"), blue);

    await expectRefused(
      files,
      "hero.png",
      /^save_to: hero\.png already exists in .*pictures\. .* overwrite: true\.$/,
    );
    expect(await readFile(join(root, "hero.png"))).toEqual(blue);
  });

  test("a file with the very bytes counts as saved, and is left alone", async () => {
    const { root, files } = await world();
    const [first] = await files.save("save_to", "a.webp", [picture("a")]);
    const before = await stat(join(root, "a.webp"));

    const again = await files.save("save_to", "a.webp", [picture("a")]);

    expect(again).toEqual([first]);
    expect((await stat(join(root, "a.webp"))).mtimeMs).toBe(before.mtimeMs);
    await expect(files.save("save_to", "a.webp", [picture("a", blue)])).rejects.toThrow(
      /a\.webp already exists/,
    );
  });

  test("of several pictures, those that were saved before a crash are not in the way", async () => {
    const { root, files } = await world();
    await writeFile(join(root, "hero-1.png"), red);

    const saved = await files.save("save_to", "hero.png", [picture("a"), picture("b", blue)]);

    expect(saved).toEqual([join(root, "hero-1.png"), join(root, "hero-2.png")]);
    expect(await readFile(join(root, "hero-2.png"))).toEqual(blue);
  });

  test("all numbered names are looked at before any work", async () => {
    const { root, files } = await world();
    await writeFile(join(root, "hero-3.png"), blue);

    await expect(files.check("save_to", "hero.png", 4)).rejects.toThrow(/hero-3\.png already/);
    expect(await files.check("save_to", "hero.png", 2)).toBe(join(root, "hero.png"));
    await expect(
      files.save("save_to", "hero.png", [picture("a"), picture("b"), picture("c")]),
    ).rejects.toThrow(/hero-3\.png already exists/);
    expect(await everythingIn(root)).toEqual(["hero-3.png"]);
  });

  test("a picture's own name in a folder is not overwritten either", async () => {
    const { root, files } = await world();
    await writeFile(join(root, "t1-1.png"), blue);

    await expect(files.save("save_to", root, [picture("t1-1")])).rejects.toThrow(
      /t1-1\.png already exists/,
    );
  });

  test("overwrite replaces a file whole", async () => {
    const { root, files } = await world();
    await writeFile(join(root, "hero.png"), blue);

    await files.check("save_to", "hero.png", 1, { overwrite: true });
    await files.save("save_to", "hero.png", [picture("a")], { overwrite: true });

    expect(await readFile(join(root, "hero.png"))).toEqual(red);
    expect(await everythingIn(root)).toEqual(["hero.png"]);
  });

  test("a link is never written through: it counts as there, and overwrite replaces it", async () => {
    const { root, outside, files } = await world();
    await writeFile(join(outside, "secret.png"), blue);
    for (const [name, to] of [
      ["link.png", "secret.png"],
      ["dangling.png", "new.png"],
    ] as const) {
      await symlink(join(outside, to), join(root, name));
      await expectRefused(files, name, new RegExp(`^save_to: ${name} already exists`));

      await files.save("save_to", name, [picture("a")], { overwrite: true });

      expect(await readFile(join(root, name))).toEqual(red);
    }
    expect(await readFile(join(outside, "secret.png"))).toEqual(blue);
    expect(await everythingIn(outside)).not.toContain("new.png");
  });

  test("a folder of that name is not replaced, whatever overwrite says", async () => {
    const { root, files } = await world();
    await mkdir(join(root, "hero-1.png"));

    await expect(files.check("save_to", "hero.png", 2, { overwrite: true })).rejects.toThrow(
      /hero-1\.png" is there and is not a file/,
    );
  });

  test("of many writers at once exactly one gets the name, and its file is whole", async () => {
    const { root, files } = await world();
    const each = await Promise.all(
      ["red", "lime", "blue", "white"].map((colour) => solid(300, 300, colour).png().toBuffer()),
    );

    const ends = await Promise.allSettled(
      each.map((bytes) => files.save("save_to", "hero.png", [picture("a", bytes)])),
    );

    expect(ends.filter(({ status }) => status === "fulfilled")).toHaveLength(1);
    for (const end of ends) {
      if (end.status === "rejected") {
        expect(end.reason).toMatchObject({
          code: "invalid_input",
          message: expect.stringMatching(/^save_to: hero\.png already exists/),
        });
      }
    }
    const winner = ends.findIndex(({ status }) => status === "fulfilled");
    expect(await readFile(join(root, "hero.png"))).toEqual(each[winner]);
    expect(await everythingIn(root)).toEqual(["hero.png"]);
  });

  test("two pictures of one name: the second is refused, and the answer names the first", async () => {
    const { root, files } = await world();

    await expect(files.save("save_to", root, [picture("a"), picture("a", blue)])).rejects.toThrow(
      /^save_to: a\.png already exists .* Saved before that: .*a\.png\./,
    );
    expect(await readFile(join(root, "a.png"))).toEqual(red);
  });
});

/** Root passes every check of permissions, so it acts as nobody for a while. */
async function asOrdinaryUser(folders: readonly string[]): Promise<void> {
  if (process.getuid?.() !== 0) return;
  for (const folder of folders) await chmod(folder, 0o755);
  process.seteuid?.(65_534);
  onTestFinished(() => {
    process.seteuid?.(0);
  });
}

test.skipIf(process.platform === "win32")(
  "a folder that may not be written is refused as such (Windows has no such modes)",
  async () => {
    const { root, files } = await world();
    await chmod(root, 0o555);
    await asOrdinaryUser([dirname(root)]);

    for (const target of [root, join(root, "new/a.png"), join(root, "a.png")]) {
      await expect(files.save("save_to", target, [picture("a")])).rejects.toMatchObject({
        code: "invalid_input",
        message: expect.stringMatching(/^save_to: the server may not write to .*pictures/),
      });
    }
  },
);

test("a new file gets ordinary permissions", async () => {
  const { files } = await world();

  const [path = ""] = await files.save("save_to", "a.png", [picture("a")]);

  expect((await stat(path)).mode & 0o777).toBe(0o666 & ~process.umask());
});
