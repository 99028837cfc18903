import { computed, type ReadonlySignal, type Signal, signal } from "@preact/signals";
import type { Client } from "../client.ts";
import type { Draft, InputPicture } from "./draft.ts";
import type { Gallery } from "./gallery.ts";
import { kindOf } from "./media.ts";
import type { Route } from "./route.ts";
import { titleOf } from "./words.ts";

/** The picture that the ledge starts from: the one in the slot, or the one that is open. */
export class Input {
  readonly picture: ReadonlySignal<InputPicture | undefined>;
  /** A picture that is open, but is not to be the input. */
  readonly #setAside = signal<string | undefined>(undefined);
  readonly #client: Client;
  readonly #draft: Draft;
  readonly #gallery: Gallery;
  readonly #route: Signal<Route>;

  constructor(client: Client, draft: Draft, gallery: Gallery, route: Signal<Route>) {
    this.#client = client;
    this.#draft = draft;
    this.#gallery = gallery;
    this.#route = route;
    this.picture = computed(() => this.#read());
  }

  put(picture: InputPicture): void {
    this.#draft.slot.value = { at: "full", picture };
  }

  /** Takes a file, wherever it came from. Answers whether it is in its place. */
  async take(file: File): Promise<boolean> {
    const { slot } = this.#draft;
    if (!file.type.startsWith("image/")) {
      const kind = file.name.split(".").pop()?.toUpperCase() ?? "unknown";
      slot.value = { at: "refused", reason: `This file is not a picture we can read: ${kind}` };
      return false;
    }
    slot.value = { at: "uploading", name: file.name };
    try {
      const { id, width, height } = await this.#client.upload(file);
      this.put({ id, width, height, name: file.name });
      return true;
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      slot.value = { at: "refused", reason };
      return false;
    }
  }

  clear(): void {
    const route = this.#route.value;
    if (route.at === "picture") this.#setAside.value = route.id;
    this.#draft.slot.value = { at: "empty" };
    this.#draft.tool.value = undefined;
  }

  #read(): InputPicture | undefined {
    const slot = this.#draft.slot.value;
    const route = this.#route.value;
    const held = slot.at === "full" ? slot.picture : undefined;
    if (route.at !== "picture" && route.at !== "mask") return held;
    if (held?.id === route.id) return held;
    const found = this.#gallery.lookup(route.id);
    if (!found || (route.at === "picture" && this.#setAside.value === route.id)) return held;
    if (kindOf(found.picture) !== "picture") return held;
    const { id, width, height } = found.picture;
    return { id, width, height, name: titleOf(found.task) };
  }
}
