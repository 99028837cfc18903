import { randomUUID } from "node:crypto";
import os from "node:os";
import { messageOf } from "../errors.ts";
import type { Log } from "../log.ts";
import type { Server, TaskStore } from "./store/store.ts";
import type { Task } from "./task.ts";

const beatMs = 2_000;
/** Five missed beats: a server that is only busy is not taken for dead. */
const staleMs = 10_000;
const claimedAtOnce = 500;

export interface MembershipPorts {
  /** Only what this server can go on with is taken over. */
  backend: string;
  workflows(): string[];
  take(tasks: Task[]): Promise<void>;
}

/**
 * This server among those that share a store: it says that it lives, and takes over the
 * unfinished tasks of servers that do not. A server that was killed on this machine is known by
 * its process at once, any other by its silence.
 */
export class Membership {
  readonly server: Server = { id: randomUUID(), host: os.hostname(), pid: process.pid };
  readonly #store: TaskStore;
  readonly #log: Log;
  readonly #ports: MembershipPorts;
  #timer: NodeJS.Timeout | undefined;
  #round: Promise<void> = Promise.resolve();

  constructor(store: TaskStore, log: Log, ports: MembershipPorts) {
    this.#store = store;
    this.#log = log;
    this.#ports = ports;
  }

  /** Resolves when what the dead have left is taken over. */
  async join(): Promise<void> {
    this.#timer = setInterval(() => this.#go(), beatMs);
    this.#timer.unref();
    await this.#go();
  }

  async leave(): Promise<void> {
    clearInterval(this.#timer);
    await this.#round;
    await this.#store.leave(this.server.id).catch((error) => this.#log.debug(messageOf(error)));
  }

  #go(): Promise<void> {
    this.#round = this.#round.then(() =>
      this.#beatAndClaim().catch((error) => this.#log.error(messageOf(error))),
    );
    return this.#round;
  }

  async #beatAndClaim(): Promise<void> {
    await this.#store.beat(this.server);
    for (const server of await this.#store.servers()) {
      if (isDead(server)) await this.#store.leave(server.id);
    }
    let tasks: Task[];
    do {
      tasks = await this.#store.claim(this.server.id, {
        staleMs,
        limit: claimedAtOnce,
        backend: this.#ports.backend,
        workflows: this.#ports.workflows(),
      });
      if (tasks.length > 0) this.#log.info(`taking up ${tasks.length} unfinished tasks`);
      await this.#ports.take(tasks);
    } while (tasks.length === claimedAtOnce);
  }
}

/** Process ids mean something only on the machine (or container) they come from. */
function isDead({ host, pid }: Server): boolean {
  if (host !== os.hostname() || pid === process.pid) return false;
  try {
    process.kill(pid, 0);
    return false;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "ESRCH";
  }
}
