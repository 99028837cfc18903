import { computed, signal } from "@preact/signals";
import { type Block, Bridge, type HostContext, type ToolResult, textOf } from "./bridge.ts";

export interface Picture {
  id: string;
  width: number;
  height: number;
  seed: number | null;
  mime_type: string;
  has_alpha: boolean;
}

/** A task as the server's `appRecord` writes it. */
export interface Task {
  id: string;
  tool: string;
  workflow: string;
  state: "queued" | "running" | "completed" | "failed" | "cancelled";
  created_at: string;
  arguments: Record<string, unknown>;
  images: Picture[];
  progress: { fraction: number; message: string } | null;
  error: string | null;
}

/** A picture on its way. */
export interface Preview {
  address: string;
  /** Grows with each one of a task. */
  frame: number;
}

/** Milliseconds between looks at a task that is at work. */
const everyMs = 500;
/** A task of the call that the page stands for began no longer before it than clocks differ. */
const slackMs = 10_000;

const large = 1_536;
const small = 256;

/** The studio in a chat: the task that the host's call makes, and earlier ones. */
export class Studio {
  readonly #bridge: Bridge;
  readonly #opened = Date.now();
  /** Addresses of pictures, by id and size. */
  readonly #pictures = new Map<string, Promise<string>>();
  #isWaiting = false;
  /** What the person or the model asked for; known before the task is. */
  readonly asked = signal<Record<string, unknown> | undefined>(undefined);
  readonly shown = signal<Task | undefined>(undefined);
  /** Of the task that is shown, while it is at work. */
  readonly preview = signal<Preview | undefined>(undefined);
  readonly chosen = signal(0);
  readonly earlier = signal<Task[]>([]);
  readonly more = signal<string | undefined>(undefined);
  readonly remark = signal("");
  readonly theme = signal<HostContext["theme"]>(undefined);
  readonly picture = computed(() => this.shown.value?.images[this.chosen.value]);

  constructor(view: Window) {
    this.#bridge = new Bridge(view, {
      input: (args) => {
        this.asked.value = args;
        void this.#follow();
      },
      result: (result) => this.#take(result),
      cancelled: () => {
        this.remark.value = "The call was cancelled.";
      },
      context: ({ theme }) => {
        if (theme) this.theme.value = theme;
      },
    });
  }

  async open(): Promise<void> {
    await this.#bridge.open();
  }

  sized(width: number, height: number): void {
    this.#bridge.sized(width, height);
  }

  /** An address for `<img>`; "large" for the easel, "small" for the grid. */
  address({ id }: Picture, size: "large" | "small"): Promise<string> {
    const key = `${id} ${size}`;
    const known = this.#pictures.get(key) ?? this.#fetch(id, size === "large" ? large : small);
    this.#pictures.set(key, known);
    known.catch(() => this.#pictures.delete(key));
    return known;
  }

  show(task: Task): void {
    if (task.id !== this.shown.value?.id) this.preview.value = undefined;
    this.shown.value = task;
    this.chosen.value = 0;
    void this.#follow();
  }

  async loadEarlier(): Promise<void> {
    const cursor = this.more.value;
    const page = await this.#tasks(cursor === undefined ? {} : { cursor });
    this.earlier.value = cursor === undefined ? page.tasks : [...this.earlier.value, ...page.tasks];
    this.more.value = page.next;
  }

  vary(): Promise<void> {
    return this.#edit("img2img", { vary: "subtle" });
  }

  enlarge(): Promise<void> {
    return this.#edit("upscale", {});
  }

  cutOut(): Promise<void> {
    return this.#edit("remove_background", {});
  }

  async again(): Promise<void> {
    const task = this.shown.value;
    if (task) await this.make(task.tool, task.arguments);
  }

  /** The next wish in the chat is about this picture. */
  async use(): Promise<void> {
    const id = this.picture.value?.id;
    if (id) await this.#tried(() => this.#bridge.say(`Use the picture ${id} for what comes next.`));
  }

  async cancel(): Promise<void> {
    const task = this.shown.value;
    if (!task) return;
    await this.#tried(async () => {
      this.remark.value = textOf(await this.#bridge.call("cancel_task", { task_id: task.id }));
    });
  }

  /** Makes a task of its own; the page shows it from then on. */
  async make(tool: string, args: Record<string, unknown>): Promise<void> {
    this.remark.value = "";
    await this.#tried(async () => {
      const result = await this.#bridge.call(tool, { ...args, wait_seconds: 0, previews: false });
      this.#take(result);
    });
  }

  async #edit(tool: string, args: Record<string, unknown>): Promise<void> {
    const image = this.picture.value?.id;
    if (image) await this.make(tool, { ...args, image });
  }

  #take(result: ToolResult): void {
    const task = result._meta?.["comfy-easel/task"] as Task | undefined;
    this.remark.value = result.isError ? textOf(result) : "";
    if (!task) return;
    this.show(task);
    this.#seed(task, result);
  }

  /** The answer has previews of the first pictures already, in their order. */
  #seed(task: Task, { content }: ToolResult): void {
    const previews = content.filter(({ type }) => type === "image");
    previews.forEach((block, i) => {
      const image = task.images[i];
      if (!image) return;
      this.#pictures.set(`${image.id} small`, Promise.resolve(addressOf(block)));
    });
  }

  /** Looks at what is at work until nothing is. */
  async #follow(): Promise<void> {
    if (this.#isWaiting) return;
    this.#isWaiting = true;
    try {
      while (this.#isOpen()) {
        await this.#look();
        if (this.#isOpen()) await new Promise((resolve) => setTimeout(resolve, everyMs));
      }
      await this.#reload();
    } catch (error) {
      this.remark.value = String(error instanceof Error ? error.message : error);
    } finally {
      this.#isWaiting = false;
    }
  }

  #isOpen(): boolean {
    const task = this.shown.value;
    if (!task) return this.asked.value !== undefined && this.remark.value === "";
    return isOpen(task);
  }

  async #look(): Promise<void> {
    const known = this.shown.value;
    const id = known?.id ?? this.asked.value?.["task_id"];
    if (typeof id === "string") {
      const after = this.preview.value?.frame ?? 0;
      const { content, structuredContent = {} } = await this.#bridge.call("studio_look", {
        task_id: id,
        after,
      });
      if (this.shown.value !== known) return;
      this.shown.value = structuredContent["task"] as Task;
      const [block] = content.filter(({ type }) => type === "image");
      const frame = Number(structuredContent["frame"]);
      if (block) this.preview.value = { address: addressOf(block), frame };
      return;
    }
    // The host tells of the task at its end; until then it is found by what was asked for.
    const { tasks } = await this.#tasks({ limit: 5 });
    const prompt = this.asked.value?.["prompt"];
    const own = tasks.find(
      ({ created_at, arguments: args }) =>
        Date.parse(created_at) > this.#opened - slackMs && args["prompt"] === prompt,
    );
    if (own && !this.shown.value) this.shown.value = own;
  }

  async #reload(): Promise<void> {
    this.more.value = undefined;
    await this.loadEarlier();
  }

  async #tasks(
    args: Record<string, unknown>,
  ): Promise<{ tasks: Task[]; next: string | undefined }> {
    const { structuredContent = {} } = await this.#bridge.call("studio_tasks", args);
    const next = structuredContent["next_cursor"];
    return {
      tasks: (structuredContent["tasks"] ?? []) as Task[],
      next: typeof next === "string" ? next : undefined,
    };
  }

  async #fetch(id: string, side: number): Promise<string> {
    const { content } = await this.#bridge.call("studio_picture", { image_id: id, max_size: side });
    const block = content.find(({ type }) => type === "image");
    if (!block) throw new Error(`No picture came for ${id}.`);
    return addressOf(block);
  }

  async #tried(work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (error) {
      this.remark.value = error instanceof Error ? error.message : String(error);
    }
  }
}

export function isOpen({ state }: Task): boolean {
  return state === "queued" || state === "running";
}

function addressOf({ data = "", mimeType = "" }: Block): string {
  return `data:${mimeType};base64,${data}`;
}
