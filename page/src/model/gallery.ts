import { computed, type Signal, signal } from "@preact/signals";
import type { Client, TaskQuery } from "../client.ts";
import type { PictureRecord, Progress, StudioEvent, Task, TaskPage } from "../records.ts";

export type Whose = "everyone" | "mine" | "assistants";

export interface Found {
  task: Task;
  picture: PictureRecord;
}

const pageSize = 50;

/** The tasks that the page knows, newest first: pages of the list, and what events add to it. */
export class Gallery {
  readonly loading = signal(true);
  /** Nothing older is on record. */
  readonly complete = signal(false);
  readonly search = signal("");
  readonly whose = signal<Whose>("everyone");
  readonly #byId = signal<ReadonlyMap<string, Task>>(new Map());
  /** Deleted here, perhaps not yet there. */
  readonly #hidden = signal<ReadonlySet<string>>(new Set());

  readonly tasks = computed(() =>
    [...this.#byId.value.values()]
      .filter((task) => !this.#hidden.value.has(task.id) && this.#wanted(task))
      .sort((a, b) => b.created_at.localeCompare(a.created_at) || b.id.localeCompare(a.id)),
  );
  readonly unfinished = computed(() =>
    this.tasks.value.filter(({ state }) => state === "queued" || state === "running"),
  );

  /** Apart from the tasks: four times a second must not lay out the wall. */
  readonly #progress = new Map<string, Signal<Progress | undefined>>();
  readonly #client: Client;
  /** What events brought while a list is being read; `undefined` in it: deleted. */
  #meanwhile: Map<string, Task | undefined> | undefined;
  /** Whose progress events told since that list was asked for. */
  #progressed = new Set<string>();
  #cursor: string | undefined;
  /** Answers to a question that is no longer asked are dropped. */
  #asked = 0;

  constructor(client: Client) {
    this.#client = client;
  }

  /** Reads the list from its beginning. */
  async load(): Promise<void> {
    this.#asked += 1;
    const asked = this.#asked;
    this.loading.value = true;
    try {
      const page = await this.#newest();
      if (asked !== this.#asked) return;
      this.#replace([], page.tasks);
      this.#cursor = page.next_cursor ?? undefined;
      this.complete.value = this.#cursor === undefined;
    } finally {
      if (asked === this.#asked) this.loading.value = false;
    }
  }

  /** Reads the newest page again, and forgets what is not on it any more; older pages stay. */
  async refresh(): Promise<void> {
    const asked = this.#asked;
    const page = await this.#newest();
    if (asked !== this.#asked) return;
    const oldest = page.next_cursor ? (page.tasks.at(-1)?.created_at ?? "") : "";
    const older = [...this.#byId.value.values()].filter((task) => task.created_at < oldest);
    this.#replace(older, page.tasks);
  }

  async more(): Promise<void> {
    if (this.loading.value || this.#cursor === undefined) return;
    const asked = this.#asked;
    this.loading.value = true;
    try {
      const query = { ...this.#query(), limit: pageSize, cursor: this.#cursor };
      const page = await this.#client.tasks(query);
      if (asked !== this.#asked) return;
      this.#put(page.tasks);
      this.#cursor = page.next_cursor ?? undefined;
      this.complete.value = this.#cursor === undefined;
    } finally {
      if (asked === this.#asked) this.loading.value = false;
    }
  }

  /** A task by its id, or by the id of one of its pictures, wherever it is on record. */
  async find(id: string): Promise<Found | undefined> {
    const known = this.lookup(id);
    if (known) return known;
    const taskId = /^(.+)-\d+$/.exec(id)?.[1];
    if (taskId === undefined) return undefined;
    this.#put([await this.#client.task(taskId)]);
    return this.lookup(id);
  }

  lookup(pictureId: string): Found | undefined {
    for (const task of this.#byId.value.values()) {
      const picture = task.images.find(({ id }) => id === pictureId);
      if (picture && !this.#hidden.value.has(task.id)) return { task, picture };
    }
    return undefined;
  }

  task(id: string): Task | undefined {
    return this.#hidden.value.has(id) ? undefined : this.#byId.value.get(id);
  }

  put(task: Task): void {
    this.#put([task]);
  }

  drop(ids: readonly string[]): void {
    const next = new Map(this.#byId.value);
    for (const id of ids) next.delete(id);
    this.#byId.value = next;
  }

  progressOf(taskId: string): Signal<Progress | undefined> {
    const known = this.#progress.get(taskId);
    if (known) return known;
    const fresh = signal(this.#byId.value.get(taskId)?.progress ?? undefined);
    this.#progress.set(taskId, fresh);
    return fresh;
  }

  hide(ids: readonly string[]): void {
    this.#hidden.value = new Set([...this.#hidden.value, ...ids]);
  }

  show(ids: readonly string[]): void {
    this.#hidden.value = new Set([...this.#hidden.value].filter((id) => !ids.includes(id)));
  }

  take(event: StudioEvent): void {
    if (event.event === "state") {
      this.#meanwhile?.set(event.task.id, event.task);
      this.put(event.task);
    }
    if (event.event === "deleted") {
      for (const id of event.task_ids) this.#meanwhile?.set(id, undefined);
      this.drop(event.task_ids);
    }
    if (event.event === "progress") {
      this.#progressed.add(event.task_id);
      this.progressOf(event.task_id).value = event.progress;
    }
  }

  /** Reads the newest page, and notes what events say until the answer is there. */
  #newest(): Promise<TaskPage> {
    this.#meanwhile = new Map();
    this.#progressed = new Set();
    return this.#client.tasks({ ...this.#query(), limit: pageSize });
  }

  /** The list may be older than an event that overtook it. */
  #replace(kept: readonly Task[], read: readonly Task[]): void {
    const known = this.#byId.value;
    const meanwhile = this.#meanwhile;
    this.#meanwhile = undefined;
    const list = [...kept, ...read.map((task) => further(known.get(task.id), task))];
    const next = new Map(list.map((task) => [task.id, task]));
    for (const [id, task] of meanwhile ?? []) {
      if (task) next.set(id, task);
      else next.delete(id);
    }
    this.#byId.value = next;
    for (const { id, progress } of read) {
      if (progress && !this.#progressed.has(id)) this.progressOf(id).value = progress;
    }
  }

  #put(tasks: readonly Task[]): void {
    const next = new Map(this.#byId.value);
    for (const given of tasks) {
      const task = further(next.get(given.id), given);
      next.set(task.id, task);
      if (task.state !== "queued" && task.state !== "running") this.#progress.delete(task.id);
      // An answer that events overtook knows less than they told.
      else if (task === given && task.progress) this.progressOf(task.id).value = task.progress;
    }
    this.#byId.value = next;
  }

  #query(): TaskQuery {
    const via = { everyone: "", mine: "page", assistants: "mcp" }[this.whose.value];
    return { q: this.search.value.trim(), via };
  }

  /** Events bring every task of the caller; the wall shows those it was asked for. */
  #wanted(task: Task): boolean {
    const { q = "", via } = this.#query();
    if (via && task.via !== via) return false;
    if (!q) return true;
    const words = `${task.prompt ?? ""} ${task.id} ${task.label ?? ""}`.toLowerCase();
    const seeds = task.images.map(({ seed }) => String(seed ?? ""));
    return words.includes(q.toLowerCase()) || seeds.includes(q) || q.startsWith(task.id);
  }
}

/** Of two records of one task the one that is further on: no task ever goes back. */
function further(known: Task | undefined, given: Task): Task {
  return known && stage(known) > stage(given) ? known : given;
}

function stage({ state, images }: Task): number {
  const states = { queued: 0, running: 1, completed: 2, failed: 2, cancelled: 2 };
  return states[state] * 1000 + images.length;
}
