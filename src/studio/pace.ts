import type { TaskProgress } from "../tasks/progress.ts";
import type { Task } from "../tasks/task.ts";
import type { Tasks } from "../tasks/tasks.ts";

/** So many of the newest pictures of a workflow are looked at: a GPU may be changed. */
const remembered = 9;
/** So many of the newest tasks are read at the start. */
const readAtStart = 100;

interface Sample {
  /** For one picture. */
  seconds: number;
  /** Of one picture; undefined where the call does not say. */
  pixels: number | undefined;
}

/** How long pictures take, learnt from those that were made; nothing is said before there are some. */
export class Pace {
  readonly #tasks: Tasks;
  /** Newest last, by tool and workflow. */
  readonly #samples = new Map<string, Sample[]>();
  readonly #stop: () => void;

  constructor(tasks: Tasks) {
    this.#tasks = tasks;
    this.#stop = tasks.onWrote((task) => this.learn(task));
  }

  /** Learns from what is on record. */
  async start(): Promise<void> {
    const { tasks } = await this.#tasks.list({ states: ["completed"] }, readAtStart);
    for (const task of tasks.toReversed()) this.learn(task);
  }

  close(): void {
    this.#stop();
  }

  /** What came from ComfyUI's cache says nothing. */
  learn(task: Task): void {
    const { state, startedAt, finishedAt, runs } = task;
    if (state !== "completed" || !startedAt || !finishedAt) return;
    if (runs.some(({ cached }) => cached)) return;
    const seconds = (Date.parse(finishedAt) - Date.parse(startedAt)) / 1_000 / runs.length;
    const key = keyOf(task.tool, task.workflow);
    const samples = [...(this.#samples.get(key) ?? []), { seconds, pixels: pixelsOf(task) }];
    this.#samples.set(key, samples.slice(-remembered));
  }

  /** Usual seconds for a picture of so many pixels, or of any size; undefined until learnt. */
  secondsFor(tool: string, workflow: string, pixels?: number): number | undefined {
    const samples = this.#samples.get(keyOf(tool, workflow)) ?? [];
    return median(samples.map((sample) => sample.seconds * scale(sample.pixels, pixels)));
  }

  /** Seconds until a task that is worked on here ends; undefined while nobody can say. */
  secondsLeft(id: string, { status, fraction, count }: TaskProgress): number | undefined {
    const task = this.#tasks.atWork(id);
    const each = task && this.secondsFor(task.tool, task.workflow, pixelsOf(task));
    if (each === undefined) return undefined;
    if (status.phase === "running") return each * count * (1 - fraction);
    if (status.phase === "waiting" || status.stalled || status.ahead === undefined)
      return undefined;
    return each * count * (1 - fraction) + status.ahead * (this.#usual() ?? each);
  }

  /** Whatever is ahead in ComfyUI's queue is taken to be as those before it. */
  #usual(): number | undefined {
    return median([...this.#samples.values()].flat().map(({ seconds }) => seconds));
  }
}

function keyOf(tool: string, workflow: string): string {
  return `${tool}/${workflow}`;
}

function pixelsOf({ params: { width, height } }: Task): number | undefined {
  return typeof width === "number" && typeof height === "number" ? width * height : undefined;
}

/** Time grows with the pixels, but a model's loading and its text do not. */
function scale(from: number | undefined, to: number | undefined): number {
  if (from === undefined || to === undefined) return 1;
  return Math.min(4, Math.max(0.25, to / from));
}

function median(values: number[]): number | undefined {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)];
}
