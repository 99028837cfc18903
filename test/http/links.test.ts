import { stat } from "node:fs/promises";
import path from "node:path";
import sharp from "sharp";
import { describe, expect, test } from "vitest";
import { Links } from "../../src/faces/http/links.ts";
import { connectTo, startHttp } from "../support/http.ts";
import { call, imageIdsIn, startApp, startEmulator, type World } from "../support/world.ts";

const token = "token-of-ann-0123456789";
const key = { "X-API-Key": token };
const authTokens = [`ann:${token}`];
const small = { prompt: "a fox", width: 64, height: 64 };

async function serve(config: Parameters<typeof startHttp>[1] = {}, shared?: World) {
  const world = shared ?? (await startApp((await startEmulator()).url));
  const server = await startHttp(world, { authTokens, ...config });
  return { world, server };
}

/** A picture of ann's, and the link that the answer to her client names. */
async function linked(config: Parameters<typeof startHttp>[1] = {}) {
  const { world, server } = await serve(config);
  const { text } = await call(await connectTo(server.url, key), "generate_image", small);
  const id = String(imageIdsIn(text)[0]);
  return {
    world,
    server,
    id,
    link: new URL(/https?:\S+\/files\/images\/\S+/.exec(text)?.[0] ?? ""),
  };
}

function changed(link: URL, change: (link: URL) => void): URL {
  const copy = new URL(link);
  change(copy);
  return copy;
}

describe("the link that an answer names", () => {
  test("opens the picture without a key, in any copy, on any site's page, until it expires", async () => {
    const { link, server, id } = await linked({ linkMinutes: 60 });
    const small = changed(link, ({ searchParams }) => {
      searchParams.set("format", "webp");
      searchParams.set("width", "32");
    });
    const preview = changed(link, (copy) => {
      copy.pathname += "/preview";
    });

    const answer = await fetch(link);
    const copy = await fetch(small);

    expect(link.pathname).toBe(`/files/images/${id}`);
    expect([answer.status, answer.headers.get("content-type")]).toEqual([200, "image/png"]);
    expect(answer.headers.get("cross-origin-resource-policy")).toBe("cross-origin");
    const [, maxAge] =
      /^private, max-age=(\d+), immutable$/.exec(String(answer.headers.get("cache-control"))) ?? [];
    expect(Number(maxAge)).toBeGreaterThan(29 * 60);
    expect(Number(maxAge)).toBeLessThanOrEqual(60 * 60);
    const { width, format } = await sharp(await copy.arrayBuffer()).metadata();
    expect({ width, format }).toEqual({ width: 32, format: "webp" });
    expect((await fetch(preview)).status).toBe(200);
    expect((await fetch(link, { method: "HEAD" })).status).toBe(200);
    const etag = String(answer.headers.get("etag"));
    expect((await fetch(link, { headers: { "If-None-Match": etag } })).status).toBe(304);
    // It opens that picture and nothing else.
    const elsewhere = `${server.url}/api/v1/tasks${link.search}`;
    expect((await fetch(elsewhere)).status).toBe(401);
    expect((await fetch(link, { method: "DELETE" })).status).toBe(404);
  });

  test.for<[what: string, change: (link: URL) => void]>([
    ["another picture", (link) => (link.pathname = link.pathname.replace(/-1$/, "-2"))],
    ["a later end", ({ searchParams }) => searchParams.set("expires", "9999999999")],
    ["no end", ({ searchParams }) => searchParams.delete("expires")],
    ["an empty signature", ({ searchParams }) => searchParams.set("signature", "")],
    ["a signature that was cut", ({ searchParams }) => searchParams.set("signature", "AAAA")],
    [
      "a last letter that decodes to the same bytes",
      ({ searchParams }) => {
        const signature = String(searchParams.get("signature"));
        const last = String.fromCharCode((signature.codePointAt(21) ?? 0) + 1);
        searchParams.set("signature", signature.slice(0, 21) + last);
      },
    ],
    ["an unknown picture", (link) => (link.pathname = "/files/images/t0123456789abcdef-1")],
  ])("with %s finds nothing, as an unknown id does", async ([, change]) => {
    const { link, server } = await linked();
    const bad = changed(link, change);

    const answer = await fetch(bad);
    const unknown = await fetch(`${server.url}${bad.pathname}`, { headers: key });

    expect(answer.status).toBe(404);
    if (unknown.status === 404) expect(await answer.text()).toBe(await unknown.text());
  });

  test("without its signature asks for a key, and with a wrong key it is that which is refused", async () => {
    const { link, id, server } = await linked();

    expect((await fetch(`${server.url}/files/images/${id}`)).status).toBe(401);
    expect((await fetch(`${server.url}/files/${id}`)).status).toBe(401);
    expect((await fetch(link, { headers: { "X-API-Key": "wrong" } })).status).toBe(401);
  });

  test("says that it has expired, and finds nothing once the task is deleted", async () => {
    const { world, link, id, server } = await linked();
    const yesterday = new Links({
      secret: await world.app.secret("link-key"),
      minutes: 60,
      now: () => Date.now() - 86_400_000,
    });
    const task = `${server.url}/api/v1/tasks/${id.replace(/-1$/, "")}`;

    const late = await fetch(changed(link, (copy) => (copy.search = yesterday.sign(id))));
    await fetch(task, { method: "DELETE", headers: key });
    const gone = await fetch(link);

    expect([late.status, gone.status]).toEqual([403, 404]);
    expect(await late.json()).toMatchObject({
      error: { code: "forbidden", message: expect.stringMatching(/expired.*ask for it again/) },
    });
  });

  test("answers as often as a caller may ask, then says when to come again", async () => {
    const { link } = await linked({
      authTokens: [`ann:${token}:generate:requests=1000`],
      requestsPerMinute: 2,
    });
    const answers = [await fetch(link), await fetch(link), await fetch(link)];

    expect(answers.map(({ status }) => status)).toEqual([200, 200, 429]);
    expect(Number(answers[2]?.headers.get("retry-after"))).toBeGreaterThan(0);
  });
});

test("uploads and inputs have links too, and records name both for whoever reads them", async () => {
  const { server } = await serve();
  const body = new Uint8Array(
    await sharp({ create: { width: 32, height: 32, channels: 3, background: "red" } })
      .png()
      .toBuffer(),
  );
  const send = (at: string, init: RequestInit, type: string) =>
    fetch(`${server.url}/api/v1/${at}`, {
      method: "POST",
      ...init,
      headers: { ...key, "Content-Type": type },
    });
  const upload = (await (await send("uploads", { body }, "image/png")).json()) as {
    id: string;
    url: string;
  };
  const asked = { tool: "upscale", arguments: { image: upload.id } };
  const made = await send("tasks", { body: JSON.stringify(asked) }, "application/json");
  const { task } = (await made.json()) as { task: { inputs: { image: { url: string } } } };

  expect((await fetch(upload.url)).status).toBe(200);
  expect((await fetch(task.inputs.image.url)).status).toBe(200);
  const other = `u${"0".repeat(64)}`;
  expect((await fetch(upload.url.replace(upload.id, other))).status).toBe(404);
});

test("a server started again takes the links of before, and another one with another key does not", async () => {
  const { world, link } = await linked();
  const again = await serve({}, world);
  const other = await serve({ linkKey: "0123456789abcdef0123456789abcdef" }, world);
  const at = (url: string) => fetch(`${url}${link.pathname}${link.search}`);

  expect((await at(again.server.url)).status).toBe(200);
  expect((await at(other.server.url)).status).toBe(404);
  const kept = await stat(path.join(world.dataDir, "link-key"));
  expect([kept.size, (kept.mode & 0o777).toString(8)]).toEqual([32, "600"]);
});

test("a link is the same for half its life, and lives for at least the other half", () => {
  let now = 0;
  const links = new Links({ secret: Buffer.alloc(32, 1), minutes: 10, now: () => now });
  const id = "t0123456789abcdef-1";
  const query = (link: string) => Object.fromEntries(new URLSearchParams(link)) as never;
  const left: number[] = [];
  const seen = new Set<string>();
  for (now = 0; now < 300_000; now += 1_000) {
    const link = links.sign(id);
    seen.add(link);
    left.push(links.secondsLeft(id, query(link)) ?? Number.NaN);
  }

  expect(seen.size).toBe(1);
  expect([Math.min(...left), Math.max(...left)]).toEqual([301, 600]);
  const [link = ""] = seen;
  now = 600_000;
  expect(links.secondsLeft(id, query(link))).toBe(0);
});

test("links of 0 minutes are none", async () => {
  const { link } = await linked({ linkMinutes: 0 });

  expect(link.search).toBe("");
  expect((await fetch(link)).status).toBe(401);
});

test("a key for links that is easily guessed is refused by name", async () => {
  await expect(serve({ linkKey: "short" })).rejects.toThrow(
    /^--link-key \(EASEL_LINK_KEY\): it has 5 characters/,
  );
  await expect(serve({ linkKey: "@/no/such/file" })).rejects.toThrow(
    "/no/such/file cannot be read",
  );
});
