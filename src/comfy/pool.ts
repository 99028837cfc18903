import { pause } from "../back-off.ts";
import { AppError } from "../errors.ts";
import { counted, quoted } from "../words.ts";
import type { Backend } from "./backend.ts";
import type { ComfyClient } from "./client.ts";
import { ComfyUnreachableError } from "./errors.ts";
import { type Install, installsOf, joined } from "./installs.ts";
import type { ObjectInfo } from "./protocol.ts";

/** Where a run goes, and what the model files it asks for are called there. */
export interface Placement {
  backend: Backend;
  choices: Record<string, string>;
}

/** What a run needs spelt for one ComfyUI; undefined when it lacks something. */
export type Can = (info: ObjectInfo) => Record<string, string> | undefined;

/** One that was away a moment ago does not hold up what the others can answer. */
const leftAloneMs = 5_000;
/** Below the time limits of 5 s that clients have. */
const firstReadMs = 4_000;

/** The ComfyUI servers in use; which of them a run goes to is placement's to say. */
export class Pool {
  readonly all: readonly Backend[];
  readonly #awaySince = new Map<Backend, number>();
  #joined: { infos: readonly ObjectInfo[]; all: ObjectInfo } | undefined;

  /** @param backends one or more, by different names */
  constructor(backends: readonly Backend[]) {
    this.all = backends;
  }

  /** By the name tasks are recorded under. */
  of(name: string): Backend | undefined {
    return this.all.find(({ url }) => url === name);
  }

  /** As `of`; throws `not_found` for a name that is not in use. */
  named(name: string): Backend {
    const backend = this.of(name);
    if (backend) return backend;
    const known = this.all.map(({ url }) => url);
    throw new AppError(
      "not_found",
      `There is no ComfyUI ${quoted(name, 80)} here. ${counted(known.length, "ComfyUI")} in use: ${known.join(", ")}.`,
    );
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

  /** What the ComfyUIs that answer have installed, the same ones together; rejects when none does. */
  async installs(maxAgeMs?: number): Promise<Install[]> {
    return installsOf(
      (await this.#askAll((backend) => backend.objectInfo(maxAgeMs))).map(
        ({ backend, answer }) => ({ name: backend.url, objectInfo: answer }),
      ),
    );
  }

  /** Everything installed anywhere, see `joined`; the same object while nothing changes. */
  async objectInfo(maxAgeMs?: number): Promise<ObjectInfo> {
    return this.#join(await this.installs(maxAgeMs));
  }

  /**
   * As `installs`, from those that answer in time; from what was read last, however long ago, where
   * none does. Rejects when nothing was ever read.
   */
  async installsWithin(ms: number, maxAgeMs?: number): Promise<Install[]> {
    const over = new AbortController();
    // Whoever is the first to ask waits longer: megabytes of definitions are on their way.
    const withinMs = this.#lastRead().length === 0 ? Math.max(ms, firstReadMs) : ms;
    const late = pause(withinMs, over.signal).then(() => undefined);
    try {
      const answered = await Promise.race([this.installs(maxAgeMs), late]);
      if (answered) return answered;
    } catch (error) {
      if (this.#lastRead().length === 0) throw error;
    } finally {
      over.abort();
    }
    const last = this.#lastRead();
    if (last.length > 0) return installsOf(last);
    const [first] = this.all;
    throw new ComfyUnreachableError(
      first?.url ?? "",
      "no_answer",
      `nothing within ${withinMs} ms, and what is installed there was never read`,
    );
  }

  #lastRead(): { name: string; objectInfo: ObjectInfo }[] {
    return this.all.flatMap(({ url: name, lastObjectInfo: objectInfo }) =>
      objectInfo ? [{ name, objectInfo }] : [],
    );
  }

  /** As read last, without asking; undefined when none was read. */
  get knownObjectInfo(): ObjectInfo | undefined {
    const known = this.all.flatMap(({ url: name, knownObjectInfo: objectInfo }) =>
      objectInfo ? [{ name, objectInfo }] : [],
    );
    return known.length === 0 ? undefined : this.#join(installsOf(known));
  }

  #join(installs: readonly Install[]): ObjectInfo {
    const infos = installs.map(({ objectInfo }) => objectInfo);
    const known = this.#joined;
    const isSame = known?.infos.length === infos.length;
    if (isSame && infos.every((info, i) => info === known.infos[i])) return known.all;
    this.#joined = { infos, all: joined(installs) };
    return this.#joined.all;
  }

  /** What a model file says of itself, by the first that has it and can be asked; else rejects. */
  async fileMetadata(
    folder: string,
    file: string,
    signal: AbortSignal,
  ): Promise<Record<string, unknown> | undefined> {
    const answers = await this.#askAll(({ client }) => client.fileMetadata(folder, file, signal));
    return answers.find(({ answer }) => answer !== undefined)?.answer;
  }

  /** The answer of the first ComfyUI, in the order they were given, that can be asked. */
  async first<T>(ask: (client: ComfyClient) => Promise<T>): Promise<T> {
    let reason: unknown;
    for (const backend of this.#inReach()) {
      try {
        return await this.#ask(backend, ({ client }) => ask(client));
      } catch (error) {
        if (!(error instanceof ComfyUnreachableError)) throw error;
        reason ??= error;
      }
    }
    throw reason;
  }

  /** The answers of all ComfyUIs that have one; rejects when none has. */
  async each<T>(ask: (client: ComfyClient) => Promise<T>): Promise<T[]> {
    return (await this.#askAll(({ client }) => ask(client))).map(({ answer }) => answer);
  }

  /** Everybody's answer who has one; rejects when nobody has. */
  async #askAll<T>(
    ask: (backend: Backend) => Promise<T>,
  ): Promise<{ backend: Backend; answer: T }[]> {
    const asked = this.#inReach();
    const answers = await Promise.allSettled(asked.map((backend) => this.#ask(backend, ask)));
    const given = answers.flatMap((each, i) => {
      const backend = asked[i];
      return backend && each.status === "fulfilled" ? [{ backend, answer: each.value }] : [];
    });
    if (given.length > 0) return given;
    throw answers.find((each) => each.status === "rejected")?.reason;
  }

  async #ask<T>(backend: Backend, ask: (backend: Backend) => Promise<T>): Promise<T> {
    try {
      const answer = await ask(backend);
      this.#awaySince.delete(backend);
      return answer;
    } catch (error) {
      if (error instanceof ComfyUnreachableError) this.#awaySince.set(backend, Date.now());
      throw error;
    }
  }

  #inReach(): readonly Backend[] {
    const since = Date.now() - leftAloneMs;
    const inReach = this.all.filter((backend) => (this.#awaySince.get(backend) ?? 0) < since);
    return inReach.length > 0 ? inReach : this.all;
  }

  async close(): Promise<void> {
    await Promise.all(this.all.map((backend) => backend.close()));
  }
}
