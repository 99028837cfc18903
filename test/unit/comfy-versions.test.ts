import { randomUUID } from "node:crypto";
import { describe, expect, test } from "vitest";
import { expectPicture, graphOf, impatientBackend, posts, start } from "../support/comfy.ts";
import { startBackend, startEmulator } from "../support/world.ts";

describe.for(["0.3.64", "0.6.0", "0.20.0", "0.26.0", "0.33.0"])("ComfyUI %s", (version) => {
  test("a run comes to its picture", async () => {
    const emulator = await startEmulator({ version });
    const { outcome, statuses } = start(startBackend(emulator.url), graphOf(1));

    expectPicture(await outcome);
    const fractions = statuses.flatMap((status) =>
      status.phase === "running" ? [status.progress.fraction] : [],
    );
    expect(fractions.at(-1)).toBe(1);
    expect(fractions).toEqual(fractions.toSorted((a, b) => a - b));
  });

  test("a running prompt is interrupted, and a stranger's stays", async () => {
    const emulator = await startEmulator({ version });
    const hold = emulator.hold("ImageScale");
    const backend = startBackend(emulator.url);
    const stranger = startBackend(emulator.url);
    const ours = start(backend, graphOf(1));
    await hold.reached;
    const theirs = start(stranger, graphOf(2));
    await expect.poll(() => posts(emulator)).toBe(2);

    expect(await backend.cancel(ours.promptId)).toBe("interrupted");
    expect(await ours.outcome).toEqual({ kind: "interrupted" });

    hold.release();
    expectPicture(await theirs.outcome);
  });

  test("a pending prompt is taken from the queue", async () => {
    const emulator = await startEmulator({ version });
    const hold = emulator.hold("ImageScale");
    const backend = startBackend(emulator.url);
    const first = start(backend, graphOf(1));
    await hold.reached;
    const second = start(backend, graphOf(2));
    await expect.poll(() => posts(emulator)).toBe(2);

    expect(await backend.cancel(second.promptId)).toBe("removed_from_queue");
    expect(await second.outcome).toEqual({ kind: "interrupted" });

    hold.release();
    expectPicture(await first.outcome);
    expect(await backend.cancel(first.promptId)).toBe("already_finished");
    expect(await backend.cancel(randomUUID())).toBe("unknown");
  });

  test("a node that raises is a failure with node and reason", async () => {
    const emulator = await startEmulator({ version });
    emulator.faults.raise["ImageScale"] = { type: "ValueError", message: "kaboom" };
    const { outcome } = start(startBackend(emulator.url), graphOf(1));

    const ended = await outcome;
    expect(ended.kind === "failed" && ended.error.message).toBe(
      'ComfyUI node 2 (ImageScale) failed: "ValueError: kaboom".',
    );
  });

  test("a lost socket in the middle of a run loses nothing", async () => {
    const emulator = await startEmulator({ version });
    const hold = emulator.hold("ImageScale");
    const { outcome } = start(impatientBackend(emulator.url), graphOf(1));
    await hold.reached;

    emulator.dropSockets();
    hold.release();

    expectPicture(await outcome);
    expect(posts(emulator)).toBe(1);
  });
});
