import { randomUUID } from "node:crypto";
import { readFileSync, readlinkSync } from "node:fs";
import os from "node:os";
import { messageOf } from "../errors.ts";
import type { Log } from "../log.ts";
import type { Server, TaskStore, Wish } from "./store/store.ts";
import type { Task } from "./task.ts";

const beatMs = 2_000;
/** Five missed beats: a server that is only busy is not taken for dead. */
const leaseMs = 10_000;
const claimedAtOnce = 500;

export interface LeasePorts {
  /** Whether this server works on anything; without work it needs no lease and writes nothing. */
  isBusy(): boolean;
  /** Whether this server can go on with a task of another one. */
  wants(task: Task): boolean;
  /** These are this server's now. Not waited for: nothing slow may hold the beat up. */
  take(tasks: Task[]): void;
  wished(wishes: Wish[]): void;
  /** The lease ran out: others may have taken all tasks, so none may be touched any more. */
  lapsed(): void;
}

export interface LeaseOptions {
  /** @default 2_000 */
  beatMs?: number;
  /** @default 10_000 */
  leaseMs?: number;
}

/**
 * This server among those that share a store: its right to work on its tasks, for as long as it
 * says that it lives, and the taking over of what dead servers left.
 */
export class Lease {
  readonly #store: TaskStore;
  readonly #log: Log;
  readonly #ports: LeasePorts;
  readonly #times: Required<LeaseOptions>;
  #server: Server = newServer();
  /** By both clocks of this process: one stands still while the machine sleeps, one can be set. */
  #until = { wall: 0, steady: 0 };
  #timer: NodeJS.Timeout | undefined;
  #round: Promise<void> | undefined;
  #isClosed = false;

  constructor(store: TaskStore, log: Log, ports: LeasePorts, options: LeaseOptions = {}) {
    this.#store = store;
    this.#log = log;
    this.#ports = ports;
    this.#times = { beatMs, leaseMs, ...options };
  }

  get serverId(): string {
    return this.#server.id;
  }

  /** False when others may take this server for dead: nothing may be posted or written then. */
  get isHeld(): boolean {
    return this.#isHeldFor(0);
  }

  #isHeldFor(ms: number): boolean {
    return Date.now() + ms < this.#until.wall && performance.now() + ms < this.#until.steady;
  }

  /** Resolves when what the dead have left is taken over. */
  async start(): Promise<void> {
    this.#timer = setInterval(() => this.#go(), this.#times.beatMs);
    this.#timer.unref();
    await this.#go();
  }

  /** Takes up the lease before work begins, and in time for the next beat to find it held. */
  async hold(): Promise<void> {
    if (!this.#isHeldFor(this.#times.beatMs * 2)) await this.#beat();
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    clearInterval(this.#timer);
    await this.#round;
    await this.#store.leave(this.serverId).catch((error) => this.#log.debug(messageOf(error)));
  }

  /** One round at a time: a locked database would let them pile up. */
  #go(): Promise<void> {
    this.#round ??= this.#beatAndClaim()
      .catch((error) => this.#log.error(messageOf(error)))
      .finally(() => {
        this.#round = undefined;
      });
    return this.#round;
  }

  async #beatAndClaim(): Promise<void> {
    if (this.#ports.isBusy()) {
      // Under a new id, for what is asked of the old one's tasks is another server's by now.
      if (!this.isHeld) this.#lapse();
      else await this.#beat();
      if (this.#isClosed) return;
      this.#ports.wished(await this.#store.wishes(this.serverId));
    }
    if (this.#isClosed) return;
    await this.#buryNeighbours();
    let tasks: Task[];
    do {
      if (this.#isClosed) return;
      tasks = await this.#store.claim(
        this.serverId,
        (task) => this.#ports.wants(task),
        claimedAtOnce,
        () => this.hold(),
      );
      if (tasks.length === 0) return;
      this.#log.info(`taking up unfinished tasks: ${tasks.length}`);
      this.#ports.take(tasks);
    } while (tasks.length >= claimedAtOnce);
  }

  async #beat(): Promise<void> {
    // Counted from before the write: here the lease ends sooner than in the database.
    const wall = Date.now() + this.#times.leaseMs;
    const steady = performance.now() + this.#times.leaseMs;
    await this.#store.beat(this.#server, this.#times.leaseMs);
    this.#until = { wall, steady };
  }

  #lapse(): void {
    this.#log.warn("this server was paused; its tasks are given up, and taken up again if free");
    this.#ports.lapsed();
    this.#server = newServer();
  }

  /** A server that was killed on this machine need not be waited for. */
  async #buryNeighbours(): Promise<void> {
    if (this.#server.host === "") return;
    for (const server of await this.#store.servers()) {
      if (isDead(server, this.#server)) await this.#store.leave(server.id);
    }
  }
}

function newServer(): Server {
  return { id: randomUUID(), host: processSpace(), pid: process.pid };
}

/**
 * The space in which process ids mean something: two containers may share a host name and even the
 * numbers, but not the namespace of one boot. Empty where the system does not tell.
 */
function processSpace(): string {
  try {
    const boot = readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim();
    return `${os.hostname()}/${readlinkSync("/proc/self/ns/pid")}/${boot}`;
  } catch {
    return "";
  }
}

function isDead({ host, pid }: Server, self: Server): boolean {
  if (host !== self.host || pid === self.pid) return false;
  try {
    process.kill(pid, 0);
    return false;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "ESRCH";
  }
}
