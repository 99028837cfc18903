import path from "node:path";
import { afterEach, expect, onTestFinished, test, vi } from "vitest";
import { Lease } from "../../src/tasks/lease.ts";
import { openSqlite } from "../../src/tasks/store/sqlite.ts";
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
