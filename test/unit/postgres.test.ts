import { type AddressInfo, connect, createServer, type Socket } from "node:net";
import path from "node:path";
import { beforeEach, describe, expect, inject, onTestFinished, test } from "vitest";
import { openPostgres, type PostgresOptions } from "../../src/tasks/store/postgres.ts";
import type { News, TaskStore } from "../../src/tasks/store/store.ts";
import { noPostgres, Postgres } from "../support/postgres.ts";
import { emptyRecipe, record } from "../support/record.ts";
import { freshDatabase } from "../support/stores.ts";
import { quietLog } from "../support/world.ts";

beforeEach((context) => context.skip(noPostgres !== undefined, noPostgres));

async function open(url: string, options: PostgresOptions = {}): Promise<TaskStore> {
  const store = await openPostgres(url, quietLog(), { connections: 4, ...options });
  onTestFinished(() => store.close());
  return store;
}

/** A wire to a database that can be cut. */
async function wire(url: string) {
  const { host, pathname, username } = new URL(url);
  const far = path.join(decodeURIComponent(host), ".s.PGSQL.5432");
  const sockets = new Set<Socket>();
  const server = createServer((near) => {
    const socket = connect(far);
    for (const [from, to] of [
      [near, socket],
      [socket, near],
    ] as const) {
      sockets.add(from);
      from.on("error", () => {});
      from.on("close", () => to.destroy());
      from.pipe(to);
    }
  });
  const listen = (port: number) =>
    new Promise<void>((resolve) => void server.listen(port, "127.0.0.1", resolve));
  await listen(0);
  const { port } = server.address() as AddressInfo;
  const cut = async () => {
    const closed = new Promise((resolve) => server.close(resolve));
    for (const socket of sockets) socket.destroy();
    sockets.clear();
    await closed;
  };
  onTestFinished(cut);
  return {
    url: `postgres://${username}@127.0.0.1:${port}${pathname}`,
    cut,
    mend: () => listen(port),
  };
}

describe("a database that goes away", () => {
  test("refuses in words without the password, and is gone on with when it is back", async () => {
    const { url, cut, mend } = await wire(await freshDatabase());
    const store = await open(url.replace("@", ":secret@"), { patienceMs: 100 });
    const before = record();
    await store.insert(before, emptyRecipe);
    await cut();

    const refused = store.insert(record(), emptyRecipe);
    await expect(refused).rejects.toMatchObject({
      code: "storage",
      message: expect.stringMatching(/cannot be read or written now \(.*--database-url/),
    });
    await expect(refused).rejects.not.toThrow(/secret/);
    await mend();

    await store.insert(record(), emptyRecipe);
    expect(await store.count({})).toBe(2);
    expect(await store.get(before.id)).toEqual(before);
  });

  test("is waited for, and what was asked meanwhile is done", async () => {
    const { url, cut, mend } = await wire(await freshDatabase());
    const store = await open(url, { patienceMs: 60_000 });
    await cut();
    const inserted = store.insert(record(), emptyRecipe);
    await mend();

    await inserted;
    expect(await store.count({})).toBe(1);
  });

  test("need not be there at the start", async () => {
    const { url, cut, mend } = await wire(await freshDatabase());
    await cut();
    const store = await open(url, { patienceMs: 60_000 });
    await mend();

    await store.insert(record(), emptyRecipe);
    expect(await store.count({})).toBe(1);
  });

  test("is heard again when it is back", async () => {
    const own = await freshDatabase();
    const { url, cut, mend } = await wire(own);
    const [near, far] = [await open(url), await open(own)];
    const heard: News[] = [];
    onTestFinished(near.onNews?.((news) => heard.push(news)) ?? (() => {}));
    await expect.poll(() => heard).toContain("wishes");
    await cut();
    heard.length = 0;
    await mend();
    await expect.poll(() => heard).toContain("wishes");
    heard.length = 0;

    await far.insert(record(), emptyRecipe);

    await expect.poll(() => heard).toContain("tasks");
  });
});

test("what another server writes is heard, and what this one writes is not", async () => {
  const url = await freshDatabase();
  const [one, two] = [await open(url), await open(url)];
  const heard: News[] = [];
  onTestFinished(one.onNews?.((news) => heard.push(news)) ?? (() => {}));
  await expect.poll(() => heard).toContain("wishes");
  heard.length = 0;

  await one.insert(record(), emptyRecipe);
  await two.wantCancel("t0000000000000001");

  await expect.poll(() => heard).toEqual(["wishes"]);
});

test("a record with what JSON's type in PostgreSQL cannot hold is kept without that alone", async () => {
  const store = await open(await freshDatabase());
  const task = record({ params: { prompt: "a\0b \\u0000 \ud83d c \u{1f98a}", z: 1, a: 2 } });
  await store.insert(task, emptyRecipe);

  const kept = await store.get(task.id);

  expect(kept?.params["prompt"]).toBe("a\ufffdb \\u0000 \ufffd c \u{1f98a}");
  expect((await store.list({ text: "c\0" }, 1)).tasks).toEqual([]);
});

test("a record that is claimed keeps the order of its fields", async () => {
  const store = await open(await freshDatabase());
  const task = record({ server: "dead", params: { zebra: 1, ant: 'a"}b\\' } });
  await store.insert(task, emptyRecipe);

  const [claimed] = await store.claim(
    "x",
    () => true,
    10,
    async () => {},
  );

  expect(JSON.stringify(claimed)).toBe(JSON.stringify({ ...task, server: "x" }));
  expect(await store.update({ ...task, server: "x", state: "running" })).toBe(true);
});

test("of many servers that claim at once each task is one's", async () => {
  const url = await freshDatabase();
  const stores = await Promise.all([1, 2, 3].map(() => open(url)));
  const [first] = stores;
  for (let round = 0; round < 5; round += 1) {
    const tasks = Array.from({ length: 20 }, () => record({ server: `dead ${round}` }));
    await Promise.all(tasks.map((task) => first?.insert(task, emptyRecipe)));
    const claims = await Promise.all(
      stores.map((store, at) => {
        const server = { id: `s${round}${at}`, host: "", pid: 1 };
        return store.claim(
          server.id,
          () => true,
          10,
          () => store.beat(server, 60_000),
        );
      }),
    );
    const ids = claims.flat().map(({ id }) => id);
    expect(new Set(ids).size).toBe(ids.length);
    for (const id of tasks.map((task) => task.id)) {
      await first?.conceal(id);
      await first?.erase(id);
    }
  }
});

test("servers that start at once make the tables once", async () => {
  const url = await new Postgres(inject("postgresDir")).database();

  const stores = await Promise.all([1, 2, 3].map(() => open(url)));
  await stores[0]?.insert(record(), emptyRecipe);

  expect(await Promise.all(stores.map((store) => store.count({})))).toEqual([1, 1, 1]);
});

test("a database of a newer version is left alone, and said so", async () => {
  const url = await freshDatabase();
  const store = await open(url);
  const { default: pg } = await import("pg");
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  await client.query("UPDATE comfy_easel.version SET version = 99");
  onTestFinished(async () => {
    await client.query("UPDATE comfy_easel.version SET version = 1");
    await client.end();
  });

  await expect(openPostgres(url, quietLog())).rejects.toThrow(
    /newer comfy-easel \(schema 99, this one knows 1\); update/,
  );
  await store.close();
});

test("a database that is not there ends the start, with its name and the option", async () => {
  const url = new URL(await freshDatabase());
  url.pathname = "/nothing";

  await expect(openPostgres(url.href, quietLog())).rejects.toThrow(
    /nothing cannot be used: .*does not exist.*--database-url/,
  );
});
