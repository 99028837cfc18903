import { execFileSync } from "node:child_process";
import { mkdir, symlink, writeFile } from "node:fs/promises";
import { homedir } from "node:os";
import { join, relative } from "node:path";
import { pathToFileURL } from "node:url";
import { beforeAll, describe, expect, test } from "vitest";
import type { AppError } from "../../src/errors.ts";
import {
  ImageSources,
  type ImageSourcesOptions,
  type ResolveOptions,
} from "../../src/images/source.ts";
import { noise, solid, tempFolder } from "../fixtures/images/pictures.ts";
import { serve } from "../fixtures/images/server.ts";

let png: Buffer;
let jpeg: Buffer;
beforeAll(async () => {
  png = await solid(12, 8, "red").png().toBuffer();
  jpeg = await noise(40, 40).jpeg().toBuffer();
});

/** The sources as one caller has them. */
function sources({
  roots = [],
  base,
  lookup = async () => undefined,
  ...options
}: Partial<ImageSourcesOptions & Omit<ResolveOptions, "signal">> = {}) {
  const shared = new ImageSources(options);
  return {
    resolve: (parameter: string, value: string, signal?: AbortSignal) =>
      shared.resolve(parameter, value, { roots, base, lookup, signal }),
  };
}

/** A root folder with one picture in it. */
async function rootWith(name: string): Promise<string> {
  const root = join(await tempFolder(), "pictures");
  await mkdir(root);
  await writeFile(join(root, name), png);
  return root;
}

describe("inline data", () => {
  test("a data URI is decoded and inspected", async () => {
    const value = `data:image/png;base64,${png.toString("base64")}`;

    expect(await sources().resolve("image", value)).toEqual({
      bytes: png,
      info: { mimeType: "image/png", width: 12, height: 8, hasAlpha: false, bytes: png.length },
      origin: "inline data",
    });
  });

  test("the declared type does not matter, the content does", async () => {
    const value = `DATA:image/webp;name=x.webp;base64,${png.toString("base64")}`;

    expect((await sources().resolve("image", value)).info.mimeType).toBe("image/png");
  });

  test("plain base64 is accepted in every spelling", async () => {
    const base64 = png.toString("base64");
    const spellings = [
      base64,
      base64.replace(/=+$/, ""),
      `  ${base64.replace(/.{76}/g, "$&\r\n")}\n`,
      png.toString("base64url"),
    ];

    for (const spelling of spellings) {
      expect((await sources().resolve("image", spelling)).bytes).toEqual(png);
    }
  });

  test("base64 of a JPEG is not taken for a path, though it starts with a slash", async () => {
    const base64 = jpeg.toString("base64");

    const { bytes, origin } = await sources({ roots: ["/"] }).resolve("image", base64);

    expect(base64.startsWith("/9j/")).toBe(true);
    expect({ bytes, origin }).toEqual({ bytes: jpeg, origin: "inline data" });
  });

  test.for([
    ["data:text/html;base64,PGI+", /must start with data:image\/…;base64, .*"data:text\/html/],
    ["data:image/svg+xml,<svg/>", /must start with data:image\/…;base64/],
    ["data:nonsense", /must start with data:image\/…;base64/],
    ["data:image/png;base64,####", /characters that are not base64 \(4 characters/],
    ["data:image/png;base64,", /inline data is not a picture .* empty file/],
    [`data:image/svg+xml;base64,${btoa("<svg></svg>")}`, /looks like SVG/],
  ] as const)("%s is refused", async ([value, message]) => {
    await expect(sources().resolve("mask", value)).rejects.toMatchObject({
      code: "invalid_input",
      message: expect.stringMatching(message),
    });
    await expect(sources().resolve("mask", value)).rejects.toThrow(/^mask: /);
  });

  test("damaged base64 is never repeated in the answer", async () => {
    const base64 = jpeg.toString("base64");
    const damaged = [`${base64.slice(0, 500)}!${base64.slice(500)}`, `x${base64}`, `?${base64}`];

    for (const value of damaged) {
      const error = await sources()
        .resolve("image", value)
        .catch((reason: unknown) => reason);

      expect(error).toMatchObject({ code: "invalid_input" });
      expect((error as AppError).message).not.toContain(base64.slice(20, 60));
    }
  });

  test("inline data above the limit is refused", async () => {
    await expect(
      sources({ maxBytes: 100 }).resolve("image", jpeg.toString("base64")),
    ).rejects.toThrow(/image: the inline data is .* MB, at most 0 MB are read\./);
  });
});

describe("references", () => {
  const references = [
    "comfy://images/t0123456789abcdef-1",
    "comfy://images/anything",
    "t0123456789abcdef",
    "t0123456789abcdef-31",
  ];

  test.for(references)("%s is looked up as a whole", async (reference) => {
    const asked: string[] = [];
    const lookup = async (value: string) => {
      asked.push(value);
      return png;
    };

    const { bytes, origin } = await sources({ lookup }).resolve("image", ` ${reference}\n`);

    expect(asked).toEqual([reference]);
    expect({ bytes, origin }).toEqual({ bytes: png, origin: `image ${reference}` });
  });

  test.for(references)(
    "an unknown %s is not found, even if a file has that name",
    async (value) => {
      const root = await rootWith("t0123456789abcdef");

      await expect(sources({ roots: [root] }).resolve("image", value)).rejects.toMatchObject({
        code: "not_found",
        message: expect.stringMatching(/^image: there is no image ".*" here; .*list_tasks/),
      });
    },
  );
});

describe("files", () => {
  test.for(["bild ä 1.png", "日本語.png", "plain", "a%2Fb.png", "(1) [x] 'y'.png"])(
    "%s is read by absolute path, relative path and file URL",
    async (name) => {
      const root = await rootWith(name);
      const path = join(root, name);

      for (const value of [path, name, `./${name}`, pathToFileURL(path).href]) {
        const { bytes, origin } = await sources({ roots: [root] }).resolve("image", value);
        expect({ bytes, origin }).toEqual({ bytes: png, origin: `file ${path}` });
      }
    },
  );

  test("a name typed composed finds the file stored decomposed", async () => {
    const root = await rootWith("bild ä.png".normalize("NFD"));

    const found = await sources({ roots: [root] }).resolve("image", "bild ä.png".normalize("NFC"));

    expect(found.bytes).toEqual(png);
  });

  test("~ is the home folder", async () => {
    const root = await rootWith("cat.png");
    const value = `~/${relative(homedir(), join(root, "cat.png"))}`;

    expect((await sources({ roots: [root] }).resolve("image", value)).bytes).toEqual(png);
  });

  test("any of several roots will do, one that does not exist is passed over", async () => {
    const first = await rootWith("a.png");
    const second = await rootWith("b.png");
    const roots = [join(first, "missing"), first, second];

    const { origin } = await sources({ roots }).resolve("image", join(second, "b.png"));

    expect(origin).toBe(`file ${join(second, "b.png")}`);
  });

  test("a root may be a link and may be given with .. in it", async () => {
    const root = await rootWith("a.png");
    const link = join(await tempFolder(), "link");
    await symlink(root, link);

    const viaLink = await sources({ roots: [link] }).resolve("image", join(link, "a.png"));
    const direct = await sources({ roots: [link] }).resolve("image", join(root, "a.png"));
    const dotted = await sources({ roots: [`${root}/x/..`] }).resolve("image", "a.png");

    expect([viaLink, direct, dotted].map(({ bytes }) => bytes)).toEqual([png, png, png]);
  });

  test("a relative path starts at the caller's own folder", async () => {
    const root = await rootWith("a.png");
    await mkdir(join(root, "project"));
    const caller = sources({ roots: [root], base: join(root, "project") });

    expect((await caller.resolve("image", "../a.png")).bytes).toEqual(png);
    await expect(caller.resolve("image", "sub/a.png")).rejects.toThrow(
      `relative ones start at ${join(root, "project")}.`,
    );
  });

  test("without roots reading files is off, and the answer says how to turn it on", async () => {
    await expect(sources().resolve("image", "/etc/hostname")).rejects.toMatchObject({
      code: "invalid_input",
      message: expect.stringMatching(
        /^image: reading files is off .*--input-roots \(EASEL_INPUT_ROOTS\)/,
      ),
    });
  });

  test("roots of which none exists are named", async () => {
    const root = join(await tempFolder(), "gone");

    await expect(sources({ roots: [root] }).resolve("image", "a.png")).rejects.toThrow(
      `none of the folders that may be read exists: ${root}.`,
    );
  });
});

describe("files that are refused", () => {
  test("a path outside the roots, existing or not, gets the same answer", async () => {
    const root = await rootWith("a.png");
    const outside = await rootWith("secret.png");
    const text = async (value: string) => {
      const error = await sources({ roots: [root] })
        .resolve("image", value)
        .catch((reason: AppError) => reason);
      expect(error).toMatchObject({ code: "invalid_input" });
      return (error as AppError).message.replace(/"[^"]*"/, "PATH");
    };

    const there = await text(join(outside, "secret.png"));

    expect(there).toMatch(/^image: PATH is outside the folders that may be read .*--input-roots/);
    expect(await text(join(outside, "missing.png"))).toBe(there);
    expect(await text(relative(root, join(outside, "secret.png")))).toBe(there);
    expect(await text(`file://${outside}/secret.png`)).toBe(there);
    expect(await text(`${root}/../../secret.png`)).toBe(there);
  });

  test("a sibling folder whose name only starts like the root is outside", async () => {
    const root = await rootWith("a.png");
    await mkdir(`${root}-private`);
    await writeFile(join(`${root}-private`, "b.png"), png);

    for (const value of [join(`${root}-private`, "b.png"), "../pictures-private/b.png"]) {
      await expect(sources({ roots: [root] }).resolve("image", value)).rejects.toThrow(
        /is outside/,
      );
    }
  });

  test(".. that stays inside is fine", async () => {
    const root = await rootWith("a.png");
    await mkdir(join(root, "sub"));

    expect((await sources({ roots: [root] }).resolve("image", "sub/../a.png")).bytes).toEqual(png);
  });

  test("a link that leads out is refused, as file and as folder", async () => {
    const root = await rootWith("a.png");
    const outside = await rootWith("secret.png");
    await symlink(join(outside, "secret.png"), join(root, "link.png"));
    await symlink(outside, join(root, "folder"));

    for (const value of ["link.png", "folder/secret.png"]) {
      await expect(sources({ roots: [root] }).resolve("image", value)).rejects.toMatchObject({
        code: "invalid_input",
        message: expect.stringMatching(/is a link that leads out of the folders/),
      });
    }
  });

  test("the names in a folder that a link leads out to are not suggested", async () => {
    const root = await rootWith("a.png");
    await symlink(await rootWith("secret1.png"), join(root, "folder"));

    await expect(
      sources({ roots: [root] }).resolve("image", "folder/secret2.png"),
    ).rejects.not.toThrow(/secret1/);
  });

  test("a link that stays inside is followed", async () => {
    const root = await rootWith("a.png");
    await symlink(join(root, "a.png"), join(root, "b.png"));

    expect((await sources({ roots: [root] }).resolve("image", "b.png")).bytes).toEqual(png);
  });

  test("hidden files and folders are refused unless allowed, even behind a link", async () => {
    const root = await rootWith(".hidden.png");
    await mkdir(join(root, ".ssh"));
    await writeFile(join(root, ".ssh", "a.png"), png);
    await symlink(join(root, ".ssh"), join(root, "keys"));
    const hidden = [".hidden.png", ".ssh/a.png", join(root, ".ssh", "a.png"), "keys/a.png"];

    for (const value of hidden) {
      await expect(sources({ roots: [root] }).resolve("image", value)).rejects.toThrow(/is hidden/);
      const allowed = sources({ roots: [root], allowHidden: true });
      expect((await allowed.resolve("image", value)).bytes).toEqual(png);
    }
    await expect(sources({ roots: [root] }).resolve("image", ".ssh/none")).rejects.toThrow(
      /is hidden/,
    );
  });

  test("a root that is itself hidden is no obstacle", async () => {
    const root = join(await tempFolder(), ".pictures");
    await mkdir(root);
    await writeFile(join(root, "a.png"), png);

    expect((await sources({ roots: [root] }).resolve("image", "a.png")).bytes).toEqual(png);
  });

  test("%2F in a file URL is no way around", async () => {
    const root = await rootWith("a.png");
    const url = `${pathToFileURL(root).href}/..%2Fsecret.png`;

    await expect(sources({ roots: [root] }).resolve("image", url)).rejects.toMatchObject({
      code: "invalid_input",
      message: expect.stringMatching(/is not a usable file URL/),
    });
  });

  test.for(["file://otherhost/x.png", "file:///x%00.png"])("%s is refused", async (url) => {
    const root = await rootWith("a.png");

    await expect(sources({ roots: [root] }).resolve("image", url)).rejects.toMatchObject({
      code: "invalid_input",
      message: expect.stringMatching(/file URL/),
    });
  });

  test("a missing file names the nearest ones, at most three and none hidden", async () => {
    const root = await rootWith("portrait.png");
    for (const name of ["portrait1.png", "portrait2.png", "portrait3.png", ".portrait.png", "x"]) {
      await writeFile(join(root, name), png);
    }

    await expect(sources({ roots: [root] }).resolve("image", "potrait.png")).rejects.toMatchObject({
      code: "not_found",
      message: expect.stringMatching(
        /^image: there is no file "potrait\.png" in .*\. Nearest: "portrait\.png", "portrait\d\.png", "portrait\d\.png"\.$/,
      ),
    });
  });

  test("a name without its extension is recognised", async () => {
    const root = await rootWith("portrait.png");

    await expect(sources({ roots: [root] }).resolve("image", "./Portrait")).rejects.toThrow(
      /Nearest: "portrait\.png"/,
    );
  });

  test("a missing folder is called one", async () => {
    const root = await rootWith("a.png");

    await expect(sources({ roots: [root] }).resolve("image", "sub/a.png")).rejects.toMatchObject({
      code: "not_found",
      message: expect.stringMatching(
        /^image: there is no folder ".*sub"\. .*relative ones start at/,
      ),
    });
  });

  test("a folder is called one, with pictures in it", async () => {
    const root = await rootWith("a.png");

    await expect(sources({ roots: [root] }).resolve("image", root)).rejects.toThrow(
      /^image: ".*" is a folder\. Name a picture in it, such as "a\.png"\.$/,
    );
  });

  test("a file above the limit is refused before it is read", async () => {
    const root = await rootWith("a.png");
    await writeFile(join(root, "big.png"), Buffer.alloc(2_000_000));

    await expect(
      sources({ roots: [root], maxBytes: 1_500_000 }).resolve("image", "big.png"),
    ).rejects.toThrow(/^image: ".*big\.png" is 2 MB, at most 1\.5 MB are read\./);
  });

  test("a file that is no picture says what it looks like", async () => {
    const root = await rootWith("a.png");
    await writeFile(join(root, "b.png"), '{"not": "a picture"}');

    await expect(sources({ roots: [root] }).resolve("image", "b.png")).rejects.toThrow(
      `image: file ${join(root, "b.png")} is not a picture we can read: it looks like JSON.`,
    );
  });

  test.skipIf(process.platform === "win32")("a pipe is refused without waiting", async () => {
    const root = await rootWith("a.png");
    execFileSync("mkfifo", [join(root, "pipe.png")]);

    await expect(sources({ roots: [root] }).resolve("image", "pipe.png")).rejects.toThrow(
      /is not a regular file but a device, pipe or socket/,
    );
  });

  test.skipIf(process.platform === "win32")("a device is refused", async () => {
    await expect(sources({ roots: ["/dev"] }).resolve("image", "/dev/zero")).rejects.toThrow(
      /is not a regular file but a device, pipe or socket/,
    );
  });
});

describe("URLs", () => {
  test("a picture is fetched, and its origin leaves out the query", async () => {
    const server = await serve((_, response) => response.end(png));
    const open = sources({ allowPrivateAddresses: true });

    const { bytes, info, origin } = await open.resolve("image", `${server.url}/a.png?token=secret`);

    expect(bytes).toEqual(png);
    expect(info).toMatchObject({ width: 12, height: 8 });
    expect(origin).toBe(`URL ${server.url}/a.png`);
  });

  test("private addresses are refused by default, under the name of the parameter", async () => {
    const server = await serve((_, response) => response.end(png));

    await expect(sources().resolve("mask", `${server.url}/a.png`)).rejects.toThrow(
      /^mask: host "127\.0\.0\.1" is refused because it is a loopback address/,
    );
    expect(server.requests).toEqual([]);
  });

  test("what arrives is inspected, whatever its declared type", async () => {
    const server = await serve((_, response) => {
      response.writeHead(200, { "content-type": "image/png" }).end("<!doctype html><p>Log in");
    });

    await expect(
      sources({ allowPrivateAddresses: true }).resolve("image", `${server.url}/a.png`),
    ).rejects.toThrow(
      `image: URL ${server.url}/a.png is not a picture we can read: it looks like HTML`,
    );
  });

  test("the limits of the sources hold for URLs", async () => {
    const endless = await serve((_, response) => {
      response.write(Buffer.alloc(5_000));
    });
    const limits = { allowPrivateAddresses: true, maxBytes: 1_000, timeoutMs: 10_000 };

    await expect(sources(limits).resolve("image", endless.url)).rejects.toThrow(/is larger than/);
  });
});

describe("values that are nothing of this", () => {
  test.for([
    ["nothing", ""],
    ["spaces", "   "],
    ["a prompt", "a cat"],
    ["a long prompt", "so many words ".repeat(25)],
    ["a very long prompt", "so many words, ".repeat(400)],
    ["two lines", "line\nbreak"],
    ["another scheme", "s3://bucket/x.png"],
  ] as const)("%s lists the accepted forms", async ([, value]) => {
    for (const roots of [[], [await rootWith("dog.png")]]) {
      await expect(sources({ roots }).resolve("image", value)).rejects.toMatchObject({
        code: "invalid_input",
        message: expect.stringMatching(/^image: .* Accepted: a path in an allowed folder/),
      });
    }
  });

  test("long data that is no picture is not repeated", async () => {
    const noPicture = Buffer.alloc(3000, 7).toString("base64");

    await expect(sources({ roots: ["/"] }).resolve("image", noPicture)).rejects.toThrow(
      "image: inline data is not a picture we can read: it looks like unknown binary data.",
    );
  });

  test("the accepted forms are spelled out", async () => {
    await expect(sources().resolve("image", "a cat")).rejects.toThrow(
      'image: "a cat" names no picture. Accepted: a path in an allowed folder, an https URL, a data:image/…;base64 URI or plain base64, a comfy://images/ID URI, or the ID of an earlier image or task. A picture that is only in the chat does not reach this server: ask for its file or URL.',
    );
  });

  test("plain words near a file name get both the name and the forms", async () => {
    const root = await rootWith("dog.png");

    await expect(sources({ roots: [root] }).resolve("image", "dog")).rejects.toThrow(
      /Nearest: "dog\.png"\. Accepted: a path/,
    );
  });

  test("an aborted call reads nothing", async () => {
    const root = await rootWith("a.png");

    const aborted = sources({ roots: [root] }).resolve("image", "a.png", AbortSignal.abort());

    await expect(aborted).rejects.toMatchObject({ code: "cancelled" });
  });
});
