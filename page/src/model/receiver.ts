import { type BackendRecord, hasEnded, type StudioEvent } from "../records.ts";
import type { Announcer } from "./announcer.ts";
import type { Catalogue } from "./catalogue.ts";
import type { Gallery } from "./gallery.ts";
import type { Previews } from "./previews.ts";
import { Telling } from "./telling.ts";

export interface Receiving {
  readonly gallery: Gallery;
  readonly catalogue: Catalogue;
  readonly previews: Previews;
  readonly announcer: Announcer;
}

/** Brings what the stream of events says to where it belongs. */
export class Receiver {
  readonly #to: Receiving;
  readonly #telling: Telling;
  readonly #fail: (error: unknown) => void;

  constructor(to: Receiving, fail: (error: unknown) => void) {
    this.#to = to;
    this.#fail = fail;
    this.#telling = new Telling((sentence) => to.announcer.say(sentence));
  }

  take(event: StudioEvent): void {
    const { gallery, previews } = this.#to;
    switch (event.event) {
      case "open":
        this.#opened();
        break;
      case "reset":
        this.#refresh();
        break;
      case "preview":
        previews.announce(event.task_id, event.frame);
        break;
      case "backends":
        this.#backends(event.backends);
        break;
      case "state":
        if (hasEnded(event.task)) previews.end(event.task.id);
        this.#telling.state(event.task, gallery.task(event.task.id));
        break;
      case "progress":
        this.#telling.progress(gallery.task(event.task_id), event.progress);
        break;
      default:
        break;
    }
    gallery.take(event);
  }

  /** What happened before the stream was open, and what it did not bring, is in the list. */
  #opened(): void {
    const { catalogue } = this.#to;
    this.#refresh();
    if (!catalogue.known.value) void catalogue.load().catch(this.#fail);
  }

  #refresh(): void {
    void this.#to.gallery.refresh().catch(this.#fail);
  }

  #backends(backends: readonly BackendRecord[]): void {
    const { catalogue } = this.#to;
    const wasAway = catalogue.away.value;
    catalogue.backends.value = backends;
    // What can run is known again, or not any more.
    if (wasAway !== catalogue.away.value) void catalogue.look().catch(this.#fail);
  }
}
