import path from "node:path";
import { KeyvSqlite } from "@keyv/sqlite";
import { afterEach, expect, onTestFinished, test, vi } from "vitest";
import { Lease } from "../../src/tasks/lease.ts";
import { openSqlite } from "../../src/tasks/store/sqlite.ts";
import { emptyRecipe, record } from "../support/record.ts";
import { quietLog, tempDir } from "../support/world.ts";

afterEach(() => {
  vi.useRealTimers();
});

test("work that begins when the lease is almost over does not lose it before the next beat", async () => {
  vi.useFakeTimers({ toFake: ["Date"] });
  const store = await openSqlite(path.join(await tempDir(), "tasks.sqlite"));
  onTestFinished(() => store.close());
  const ports = {
    isBusy: () => false,
    wants: () => true,
    take: () => {},
    wished: () => {},
    lapsed: () => {},
  };
  const lease = new Lease(store, quietLog(), ports, { beatMs: 20_000, leaseMs: 100_000 });
  await lease.hold();

  vi.setSystemTime(Date.now() + 90_000);
  await lease.hold();
  vi.setSystemTime(Date.now() + 20_000);

  expect(lease.isHeld).toBe(true);
});

test("rounds do not pile up while the database is locked, and an end waits for one at most", async () => {
  const file = path.join(await tempDir(), "tasks.sqlite");
  const store = await openSqlite(file, { busyMs: 100 });
  onTestFinished(() => store.close());
  const locker = new KeyvSqlite({ uri: `sqlite://${file}`, table: "tasks" });
  onTestFinished(() => locker.close());
  const log = quietLog();
  const ports = {
    isBusy: () => true,
    wants: () => true,
    take: () => {},
    wished: () => {},
    lapsed: () => {},
  };
  const lease = new Lease(store, log, ports, { beatMs: 5, leaseMs: 100_000 });
  await lease.hold();
  await lease.start();
  const failed = () => log.lines.filter((line) => /locked/.test(line)).length;

  await locker.query("BEGIN EXCLUSIVE");
  await expect.poll(failed).toBeGreaterThan(1);
  const before = failed();
  await lease.close();
  const after = failed();
  await locker.query("ROLLBACK");

  // The round that was under way, and the leaving itself.
  expect(after - before).toBeLessThanOrEqual(2);
});

test("the lease is renewed while what was taken over is still being taken up", async () => {
  const file = path.join(await tempDir(), "tasks.sqlite");
  const store = await openSqlite(file);
  onTestFinished(() => store.close());
  const sqlite = new KeyvSqlite({ uri: `sqlite://${file}`, table: "tasks" });
  onTestFinished(() => sqlite.close());
  await store.insert(record(), emptyRecipe);
  let isBusy = false;
  const ports = {
    isBusy: () => isBusy,
    wants: () => true,
    take() {
      isBusy = true;
      return new Promise(() => {});
    },
    wished: () => {},
    lapsed: () => {},
  };
  const lease = new Lease(store, quietLog(), ports, { beatMs: 5, leaseMs: 100_000 });
  onTestFinished(() => lease.close());
  const until = async () => {
    const [row] = await sqlite.query("SELECT until FROM leases");
    return Number(row["until"]);
  };

  await lease.start();
  const first = await until();

  await expect.poll(until).toBeGreaterThan(first);
});
