import { computed, type ReadonlySignal, signal } from "@preact/signals";
import { type Client, type NewTask, Refused } from "../client.ts";
import type { PictureRecord, StudioEvent, Task } from "../records.ts";
import { hasEnded } from "../records.ts";
import { Announcer } from "./announcer.ts";
import { Catalogue } from "./catalogue.ts";
import { Deletions } from "./deletions.ts";
import { Draft, type InputPicture } from "./draft.ts";
import { Easel } from "./easel.ts";
import { Feed } from "./feed.ts";
import { Gallery } from "./gallery.ts";
import { Previews } from "./previews.ts";
import {
  again,
  askingOf,
  honours,
  ratioOf,
  taskFor,
  toolFor,
  variation,
  workflowFor,
} from "./request.ts";
import { addressOf, parseRoute, type Route } from "./route.ts";
import type { Storage } from "./storage.ts";
import { pictures, titleOf } from "./words.ts";

export interface PageOptions {
  client: Client;
  /** Kept on this device. */
  storage: Storage;
  /** The server wants a key, or another one. */
  askKey: () => void;
  calm: () => boolean;
}

/** The page without its looks: what it knows, and what can be done. */
export class Page {
  readonly client: Client;
  readonly storage: Storage;
  readonly gallery: Gallery;
  readonly catalogue: Catalogue;
  readonly draft: Draft;
  readonly easel: Easel;
  readonly feed: Feed;
  readonly previews: Previews;
  readonly announcer = new Announcer();
  readonly deletions: Deletions;
  readonly route = signal<Route>({ at: "wall" });
  readonly trayOpen = signal(false);
  readonly shortcutsOpen = signal(false);
  /** Until when what others made was seen; ISO 8601. */
  readonly seen = signal<string | undefined>(undefined);
  readonly keyOpen = signal(false);
  readonly deleteOpen = signal(false);
  /** A file is held over the page. */
  readonly dragging = signal(false);
  /** Single letters act as shortcuts. */
  readonly singleKeys = signal(true);
  readonly selected = signal<ReadonlySet<string>>(new Set());
  /** One sentence above the ledge, for a while. */
  readonly remark = signal<string | undefined>(undefined);
  /** Makes the mask that is painted; undefined while none is. */
  readonly maskMaker = signal<(() => Promise<Blob>) | undefined>(undefined);
  /** A picture that was opened, but is not to be the input. */
  readonly setAside = signal<string | undefined>(undefined);

  readonly input: ReadonlySignal<InputPicture | undefined>;
  readonly tool: ReadonlySignal<string>;
  readonly #askKey: () => void;
  #remarkTimer: ReturnType<typeof setTimeout> | undefined;
  readonly #ends: (() => void)[] = [];

  constructor({ client, storage, askKey, calm }: PageOptions) {
    this.client = client;
    this.storage = storage;
    this.#askKey = askKey;
    this.gallery = new Gallery(client);
    this.catalogue = new Catalogue(client);
    this.draft = new Draft(storage);
    this.easel = new Easel(client, (task) => this.gallery.put(task));
    this.previews = new Previews(client, () => (calm() ? 1000 : 0));
    this.feed = new Feed(client, (event) => this.#take(event), askKey);
    this.deletions = new Deletions({
      hide: (ids) => this.gallery.hide(ids),
      show: (ids) => this.gallery.show(ids),
      remove: (ids) => this.#remove(ids),
    });
    this.seen.value = storage.read("seen");
    this.singleKeys.value = storage.read("single-keys") !== "off";
    this.input = computed(() => this.#input());
    this.tool = computed(() => {
      const masking = this.route.value.at === "mask";
      return toolFor(this.draft.tool.value, this.input.value !== undefined, masking);
    });
  }

  async start(): Promise<void> {
    try {
      await this.gallery.load();
      this.#resumeEasel();
      this.seen.value ??= this.gallery.tasks.value[0]?.created_at ?? new Date().toISOString();
      this.storage.write("seen", this.seen.value);
      this.feed.open();
      await this.catalogue.load();
    } catch (error) {
      this.fail(error);
      this.feed.open();
    }
  }

  close(): void {
    this.feed.close();
    this.announcer.close();
    this.deletions.settle();
    this.draft.close();
    for (const end of this.#ends) end();
  }

  /** Keeps `location` and the route the same. */
  follow(view: Window): void {
    const read = () => {
      this.route.value = parseRoute(view.location.hash);
    };
    read();
    view.addEventListener("hashchange", read);
    this.#ends.push(() => view.removeEventListener("hashchange", read));
  }

  go(route: Route): void {
    location.hash = addressOf(route);
  }

  /** What the ledge's button does. Answers what is missing, if something is. */
  async press(): Promise<string | undefined> {
    const tool = this.tool.value;
    const lack = this.#lack(tool);
    if (lack !== undefined) return lack;
    const { draft, catalogue } = this;
    const settings = draft.settings(tool);
    const workflow = workflowFor(tool, settings, catalogue.workflows.value);
    const known = catalogue.tool(tool);
    const input = this.input.value;
    const takes = (name: string) => honours(name, known, workflow) || (!known && name in inputs);
    const request = taskFor({
      tool,
      prompt: draft.prompt.value,
      settings,
      image: input?.id,
      mask: await this.#mask(),
      takes,
    });
    const ratio = input && tool !== "outpaint" ? input.width / input.height : ratioOf(settings);
    await this.paint(request, draft.prompt.value.trim(), ratio);
    return undefined;
  }

  async paint(request: NewTask, title: string, ratio: number): Promise<void> {
    this.go({ at: "wall" });
    document.querySelector("html")?.scrollTo({ top: 0 });
    const words = title || askingOf(request.tool, this.catalogue.tools.value).verb;
    const count = Number(request.arguments["count"] ?? 1);
    const task = await this.easel.paint({ request, title: words, ratio, count });
    if (task) this.announcer.say("Started.");
    else this.announcer.say("It was refused.");
  }

  again(task: Task): Promise<void> {
    const [first] = task.images;
    const ratio = first ? first.width / first.height : (task.width ?? 1) / (task.height ?? 1);
    return this.paint(again(task), titleOf(task), ratio);
  }

  vary(task: Task, picture: PictureRecord): Promise<void> {
    return this.paint(variation(task, picture), titleOf(task), picture.width / picture.height);
  }

  async run(tool: string, picture: PictureRecord, title: string): Promise<void> {
    const settings = this.draft.settings(tool);
    const request = { tool, arguments: { ...settings, image: picture.id } };
    await this.paint(request, title, picture.width / picture.height);
  }

  use(task: Task, picture: PictureRecord): void {
    const { id, width, height } = picture;
    this.draft.slot.value = { at: "full", picture: { id, width, height, name: titleOf(task) } };
    this.say("It is the picture to start from now.");
    document.getElementById("prompt")?.focus();
  }

  /** Takes the picture out of the slot, or out of the way of the one that is open. */
  clearInput(): void {
    const route = this.route.value;
    if (route.at === "picture") this.setAside.value = route.id;
    this.draft.slot.value = { at: "empty" };
    this.draft.tool.value = undefined;
  }

  /** The ledge asks how far beyond, and with what. */
  paintBeyond(task: Task, picture: PictureRecord): void {
    this.use(task, picture);
    this.draft.tool.value = "outpaint";
    this.say("Choose a shape or sides, then press Paint beyond.");
  }

  setSingleKeys(on: boolean): void {
    this.singleKeys.value = on;
    this.storage.write("single-keys", on ? undefined : "off");
  }

  /** Takes a file into the slot, wherever it came from. */
  async take(file: File): Promise<void> {
    const { slot } = this.draft;
    if (!file.type.startsWith("image/")) {
      const kind = file.name.split(".").pop()?.toUpperCase() ?? "unknown";
      slot.value = { at: "refused", reason: `This file is not a picture we can read: ${kind}` };
      return;
    }
    slot.value = { at: "uploading", name: file.name };
    try {
      const { id, width, height } = await this.client.upload(file);
      slot.value = { at: "full", picture: { id, width, height, name: file.name } };
      this.announcer.say("The picture is in its place.");
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      slot.value = { at: "refused", reason };
    }
  }

  async cancel(task: Task): Promise<void> {
    try {
      this.say(await this.client.cancel(task.id));
    } catch (error) {
      this.fail(error);
    }
  }

  delete(tasks: readonly Task[]): void {
    const count = tasks.reduce((sum, task) => sum + task.images.length, 0);
    const ids = tasks.map(({ id }) => id);
    const { state } = this.easel;
    if (state.value.at === "task" && ids.includes(state.value.id)) this.easel.dismiss();
    this.deletions.add(ids, count);
    this.announcer.say(`Deleted ${pictures(count)}.`);
  }

  markSeen(): void {
    this.seen.value = new Date().toISOString();
    this.storage.write("seen", this.seen.value);
  }

  say(sentence: string): void {
    clearTimeout(this.#remarkTimer);
    this.remark.value = sentence;
    this.announcer.say(sentence);
    this.#remarkTimer = setTimeout(() => {
      this.remark.value = undefined;
    }, 6_000);
  }

  fail(error: unknown): void {
    if (error instanceof Refused && error.status === 401) this.#askKey();
    else this.say(error instanceof Error ? error.message : String(error));
  }

  #input(): InputPicture | undefined {
    const slot = this.draft.slot.value;
    const route = this.route.value;
    if (route.at === "picture" || route.at === "mask") {
      if (slot.at === "full" && slot.picture.id === route.id) return slot.picture;
      const found = this.gallery.lookup(route.id);
      if (found && (route.at === "mask" || this.setAside.value !== route.id)) {
        const { id, width, height } = found.picture;
        return { id, width, height, name: titleOf(found.task) };
      }
    }
    return slot.at === "full" ? slot.picture : undefined;
  }

  #lack(tool: string): string | undefined {
    if (tool === "inpaint" && !this.maskMaker.value) return "Paint over what should change first.";
    const required = this.catalogue.tool(tool)?.input_schema.required ?? ["prompt"];
    if (required.includes("prompt") && this.draft.prompt.value.trim() === "") {
      return "Write first what you want to see.";
    }
    if (required.includes("image") && !this.input.value) return "Add a picture first.";
    return undefined;
  }

  async #mask(): Promise<string | undefined> {
    const make = this.route.value.at === "mask" ? this.maskMaker.value : undefined;
    if (!make) return undefined;
    return (await this.client.upload(await make())).id;
  }

  #take(event: StudioEvent): void {
    if (event.event === "reset") void this.gallery.load().catch((error) => this.fail(error));
    if (event.event === "preview") this.previews.announce(event.task_id, event.frame);
    if (event.event === "backends") this.#backends(event.backends);
    if (event.event === "state") this.#tell(event.task);
    this.gallery.take(event);
  }

  #backends(backends: Catalogue["backends"]["value"]): void {
    const wasAway = this.catalogue.away.value;
    this.catalogue.backends.value = backends;
    if (wasAway !== this.catalogue.away.value) {
      void this.catalogue.look().catch((error) => this.fail(error));
    }
  }

  /** Only what this page asked for is read out, and only when it has ended. */
  #tell(task: Task): void {
    if (task.via !== "page" || !hasEnded(task)) return;
    const before = this.gallery.task(task.id);
    if (before && hasEnded(before)) return;
    if (task.state === "completed") {
      const count = task.images.length;
      this.announcer.say(count === 1 ? "1 picture is ready." : `${count} pictures are ready.`);
    }
  }

  #resumeEasel(): void {
    const mine = this.gallery.unfinished.value.find(({ via }) => via === "page");
    if (mine) this.easel.show(mine, mine.width && mine.height ? mine.width / mine.height : 1);
  }

  async #remove(ids: readonly string[]): Promise<void> {
    try {
      await this.client.remove(ids);
      this.gallery.drop(ids);
    } catch (error) {
      this.gallery.show(ids);
      this.fail(error);
    }
  }
}

/** What a tool is sent before its schema is known. */
const inputs: Readonly<Record<string, true>> = {
  prompt: true,
  image: true,
  mask: true,
  count: true,
};
