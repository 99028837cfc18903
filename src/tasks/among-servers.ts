import { messageOf } from "../errors.ts";
import type { Announcer } from "./announcer.ts";
import { Elsewhere } from "./elsewhere.ts";
import type { TaskEvents } from "./events.ts";
import { Lease } from "./lease.ts";
import type { LiveTasks } from "./live-tasks.ts";
import type { TasksOptions } from "./options.ts";
import type { News } from "./store/store.ts";
import { Takeover } from "./takeover.ts";
import type { Task } from "./task.ts";

export interface AmongServersParts extends TasksOptions {
  announcer: Announcer;
  events: TaskEvents;
  live: LiveTasks;
}

/** This server among those of its store: what it may work on, owes the others, and knows of theirs. */
export class AmongServers {
  readonly elsewhere: Elsewhere;
  readonly #parts: AmongServersParts;
  readonly #lease: Lease;
  readonly #takeover: Takeover;
  #deaf = () => {};

  constructor(parts: AmongServersParts) {
    this.#parts = parts;
    const { store, log, live, lease } = parts;
    const serverId = () => this.#lease.serverId;
    this.elsewhere = new Elsewhere({ ...parts, serverId });
    this.#takeover = new Takeover({ ...parts, elsewhere: this.elsewhere, serverId });
    this.#lease = new Lease(
      store,
      log,
      {
        isBusy: () => live.size > 0,
        wants: (task) => this.#takeover.wants(task),
        take: (tasks) => this.#takeover.take(tasks),
        wished: (wishes) => this.#takeover.beat(wishes),
        lapsed: () => live.giveUp(),
      },
      lease,
    );
  }

  /** Takes up what dead servers left unfinished, now and whenever another dies. */
  async start(): Promise<void> {
    this.#deaf = this.#parts.store.onNews?.((news) => this.#heard(news)) ?? (() => {});
    await this.#lease.start();
  }

  /** False when this server may have been taken for dead. */
  get mayWork(): boolean {
    return this.#lease.isHeld;
  }

  /** Whether this server is the one to work on a task. */
  works(task: Task): boolean {
    return task.server === this.#lease.serverId;
  }

  /** Makes sure that this server may work; resolves with its id. */
  async hold(): Promise<string> {
    await this.#lease.hold();
    return this.#lease.serverId;
  }

  /** Carries out what other servers want of this one's tasks. */
  lookForWishes(): Promise<void> {
    return this.#takeover.lookForWishes();
  }

  /** Hears no more news; what is at work here goes on under its lease. */
  deafen(): void {
    this.#deaf();
  }

  async close(): Promise<void> {
    await this.#lease.close();
  }

  #heard(news: News): void {
    if (news !== "wishes") return this.elsewhere.heard(news);
    this.lookForWishes().catch((error) =>
      this.#parts.log.debug(`what others wish: ${messageOf(error)}`),
    );
  }
}
