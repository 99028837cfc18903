import { computed, effect, type ReadonlySignal, signal } from "@preact/signals";
import { type Client, type NewTask, Refused } from "../client.ts";
import type { PictureRecord, Task } from "../records.ts";
import type { Address } from "./address.ts";
import { Announcer } from "./announcer.ts";
import { Catalogue } from "./catalogue.ts";
import { Deletions } from "./deletions.ts";
import { Draft } from "./draft.ts";
import { Easel } from "./easel.ts";
import { Feed } from "./feed.ts";
import { Gallery } from "./gallery.ts";
import { ratioOfTask } from "./hanging.ts";
import { Input } from "./input.ts";
import { Previews } from "./previews.ts";
import { Receiver } from "./receiver.ts";
import { Remarks } from "./remarks.ts";
import {
  again,
  askingOf,
  honours,
  lackOf,
  ratioOf,
  taskFor,
  toolFor,
  variation,
  workflowFor,
} from "./request.ts";
import { addressOf, parseRoute, type Route } from "./route.ts";
import type { Storage } from "./storage.ts";
import { tabTitle } from "./telling.ts";
import { pictures, titleOf } from "./words.ts";

export interface PageOptions {
  client: Client;
  /** Kept on this device. */
  storage: Storage;
  address: Address;
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
  /** The server knows the key that it was sent not, or not any more. */
  readonly keyRefused = signal(false);
  readonly deleteOpen = signal(false);
  /** A file is held over the page. */
  readonly dragging = signal(false);
  /** Single letters act as shortcuts. */
  readonly singleKeys = signal(true);
  readonly selected = signal<ReadonlySet<string>>(new Set());
  readonly remarks = new Remarks();
  /** Makes the mask that is painted; undefined while none is. */
  readonly maskMaker = signal<(() => Promise<Blob>) | undefined>(undefined);

  readonly source: Input;
  readonly tool: ReadonlySignal<string>;
  readonly #address: Address;
  readonly #askKey: () => void;
  readonly #receiver: Receiver;
  readonly #ends: (() => void)[] = [];

  constructor({ client, storage, address, askKey, calm }: PageOptions) {
    this.client = client;
    this.storage = storage;
    this.#address = address;
    this.#askKey = askKey;
    this.gallery = new Gallery(client);
    this.catalogue = new Catalogue(client);
    this.draft = new Draft(storage);
    this.easel = new Easel(client, (task) => this.gallery.put(task));
    this.previews = new Previews(client, () => (calm() ? 1000 : 0));
    this.#receiver = new Receiver(this, (error) => this.fail(error));
    this.feed = new Feed(client, (event) => this.#receiver.take(event), askKey);
    this.deletions = new Deletions({
      hide: (ids) => this.gallery.hide(ids),
      show: (ids) => this.gallery.show(ids),
      remove: (ids) => this.#remove(ids),
    });
    this.seen.value = storage.read("seen");
    this.singleKeys.value = storage.read("single-keys") !== "off";
    this.source = new Input(client, this.draft, this.gallery, this.route);
    this.#readAddress();
    this.#ends.push(address.listen(() => this.#readAddress()));
    this.tool = computed(() => {
      const masking = this.route.value.at === "mask";
      return toolFor(this.draft.tool.value, this.source.picture.value !== undefined, masking);
    });
  }

  async start(): Promise<void> {
    try {
      await this.gallery.load();
      this.#resumeEasel();
      this.seen.value ??= this.gallery.tasks.value[0]?.created_at ?? new Date().toISOString();
      this.storage.write("seen", this.seen.value);
      this.feed.open();
    } catch (error) {
      // The list is read as soon as the stream opens.
      this.fail(error);
      if (!(error instanceof Refused && error.status === 401)) this.feed.open();
    }
  }

  close(): void {
    this.feed.close();
    this.announcer.close();
    this.remarks.close();
    this.deletions.settle();
    this.draft.close();
    for (const end of this.#ends) end();
  }

  /** Lets a tab say how far the picture is. */
  tellTitle(view: Document): void {
    this.#ends.push(
      effect(() => {
        view.title = this.#title();
      }),
    );
  }

  go(route: Route): void {
    this.#address.write(addressOf(route));
  }

  /** What the ledge's button does. Answers what is missing, if something is. */
  async press(): Promise<string | undefined> {
    const tool = this.tool.value;
    const { draft, catalogue } = this;
    const known = catalogue.tool(tool);
    const settings = draft.settings(tool);
    const prompt = draft.prompt.value.trim();
    const input = this.source.picture.value;
    const lack = lackOf(tool, known, {
      prompt: prompt !== "",
      image: input !== undefined,
      mask: this.maskMaker.value !== undefined,
      settings,
    });
    if (lack !== undefined) return lack;
    const workflow = workflowFor(tool, settings, catalogue.workflows.value);
    const request = taskFor({
      tool,
      prompt,
      settings,
      image: input?.id,
      mask: await this.#mask(),
      // What was kept over a reload was taken when it was set; the server may not have spoken since.
      takes: (name) => known === undefined || honours(name, known, workflow),
    });
    const ratio = input && tool !== "outpaint" ? input.width / input.height : ratioOf(settings);
    await this.paint(request, prompt, ratio);
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
    return this.paint(again(task), titleOf(task), ratioOfTask(task));
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
    this.source.put({ id, width, height, name: titleOf(task) });
    this.say("It is the picture to start from now.");
    document.getElementById("prompt")?.focus();
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

  async take(file: File): Promise<void> {
    if (await this.source.take(file)) this.announcer.say("The picture is in its place.");
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
    this.remarks.make(sentence);
    this.announcer.say(sentence);
  }

  fail(error: unknown): void {
    if (error instanceof Refused && error.status === 401) this.#askKey();
    else this.say(error instanceof Error ? error.message : String(error));
  }

  async #mask(): Promise<string | undefined> {
    const make = this.route.value.at === "mask" ? this.maskMaker.value : undefined;
    if (!make) return undefined;
    return (await this.client.upload(await make())).id;
  }

  #readAddress(): void {
    this.route.value = parseRoute(this.#address.read());
  }

  #title(): string {
    const state = this.easel.state.value;
    const task = state.at === "task" ? this.gallery.task(state.id) : undefined;
    return tabTitle(task, task && this.gallery.progressOf(task.id).value);
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
