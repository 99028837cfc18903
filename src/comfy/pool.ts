import type { Backend } from "./backend.ts";
import type { RunStatus } from "./outcome.ts";
import type { ObjectInfo } from "./protocol.ts";
import { unlessAborted } from "./signals.ts";

/** Where a run goes, and what the model files it asks for are called there. */
export interface Placement {
  backend: Backend;
  choices: Record<string, string>;
}

/** What a run needs spelt for one ComfyUI; undefined when it lacks something. */
export type Can = (info: ObjectInfo) => Record<string, string> | undefined;

/** The ComfyUI servers in use, and which of them a run goes to. */
export class Pool {
  readonly all: readonly Backend[];

  constructor(backends: readonly Backend[]) {
    this.all = backends;
  }

  /** By the name tasks are recorded under. */
  of(name: string): Backend | undefined {
    return this.all.find(({ url }) => url === name);
  }

  /**
   * Resolves when one can be asked. One that sleeps is woken and waited for, for `withinMs` at the
   * most; one that nothing listens for is said at once.
   */
  async ready(signal: AbortSignal, withinMs?: number): Promise<void> {
    const asked = this.all.map((backend) => backend.wake(signal, withinMs));
    await Promise.any(asked).catch((error: AggregateError) => {
      throw error.errors[0];
    });
  }

  /** Where every run goes at once, where there is nothing to choose; else undefined. */
  only(info: ObjectInfo, can: Can): Placement | undefined {
    const [backend, ...others] = this.all;
    const choices = backend && others.length === 0 ? can(info) : undefined;
    return backend && choices && { backend, choices };
  }

  /** As `place`, waiting for one that can be asked; see `Backend.persist`. */
  placeWhenBack(
    can: Can,
    onStatus: (status: RunStatus) => void,
    signal: AbortSignal,
  ): Promise<Placement | undefined> {
    const [first] = this.all;
    if (!first) throw new Error("a pool has no backend");
    return first.persist(() => this.place(can, signal), onStatus, signal);
  }

  /**
   * The one with the fewest runs of those that can; undefined when one answered and none can. Only
   * when no ComfyUI answers at once are those that sleep woken. Rejects with
   * `ComfyUnreachableError` when none does, and when `signal` is aborted.
   */
  async place(can: Can, signal: AbortSignal): Promise<Placement | undefined> {
    const inOrder = this.all.toSorted((a, b) => a.runs - b.runs);
    const awake = await all(
      inOrder,
      (backend) => placed(backend, can, () => backend.ready()),
      signal,
    );
    if (awake.found || awake.answered) return awake.found;
    const woken = await all(
      inOrder,
      (backend) => placed(backend, can, () => backend.wake(signal)),
      signal,
    );
    if (woken.found || woken.answered) return woken.found;
    throw woken.reason;
  }

  /**
   * What some ComfyUI of these has installed: its classes, those of the first that has one. Those
   * that do not answer are passed over; rejects when none does.
   */
  async objectInfo(maxAgeMs?: number): Promise<ObjectInfo> {
    const asked = await Promise.allSettled(this.all.map((backend) => backend.objectInfo(maxAgeMs)));
    const infos = asked.flatMap((each) => (each.status === "fulfilled" ? [each.value] : []));
    const [first, ...others] = infos;
    if (first) return others.length === 0 ? first : Object.assign({}, ...infos.toReversed());
    const failed = asked.find(({ status }) => status === "rejected");
    throw failed?.status === "rejected" ? failed.reason : new Error("a pool has no backend");
  }

  /** What a model file says of itself, by the first that has it and can be asked; else rejects. */
  async fileMetadata(
    folder: string,
    file: string,
    signal: AbortSignal,
  ): Promise<Record<string, unknown> | undefined> {
    const asked = await Promise.allSettled(
      this.all.map(({ client }) => client.fileMetadata(folder, file, signal)),
    );
    const answers = asked.filter((each) => each.status === "fulfilled");
    if (answers.length === 0 && asked[0]?.status === "rejected") throw asked[0].reason;
    return answers.find(({ value }) => value !== undefined)?.value;
  }

  async close(): Promise<void> {
    await Promise.all(this.all.map((backend) => backend.close()));
  }
}

interface Asked {
  found: Placement | undefined;
  /** Some answered, so what they lack is known. */
  answered: boolean;
  reason: unknown;
}

async function all(
  backends: readonly Backend[],
  ask: (backend: Backend) => Promise<Placement | undefined>,
  signal: AbortSignal,
): Promise<Asked> {
  const asked = await unlessAborted(Promise.allSettled(backends.map(ask)), signal);
  return {
    found: asked.find(isPlacement)?.value,
    answered: asked.some(({ status }) => status === "fulfilled"),
    reason: asked.find((each) => each.status === "rejected")?.reason,
  };
}

async function placed(
  backend: Backend,
  can: Can,
  ready: () => Promise<unknown>,
): Promise<Placement | undefined> {
  await ready();
  const choices = can(await backend.objectInfo());
  if (choices) return { backend, choices };
  // What is missing may have been installed a minute ago.
  const fresh = can(await backend.objectInfo(0));
  return fresh && { backend, choices: fresh };
}

function isPlacement(
  each: PromiseSettledResult<Placement | undefined>,
): each is PromiseFulfilledResult<Placement> {
  return each.status === "fulfilled" && each.value !== undefined;
}
