import { effect, signal } from "@preact/signals";
import type { Settings } from "./request.ts";
import type { Storage } from "./storage.ts";

/** The picture in the slot. */
export interface InputPicture {
  id: string;
  width: number;
  height: number;
  /** What it is, for those who cannot see it. */
  name: string;
}

export type SlotState =
  | { at: "empty" }
  | { at: "uploading"; name: string }
  | { at: "full"; picture: InputPicture }
  | { at: "refused"; reason: string };

/** What is on the ledge: words, a picture, and settings for each tool. Kept over a reload. */
export class Draft {
  readonly prompt = signal("");
  readonly slot = signal<SlotState>({ at: "empty" });
  /** A tool chosen by hand; undefined: what is in front of the person decides. */
  readonly tool = signal<string | undefined>(undefined);
  readonly #settings = signal<Readonly<Record<string, Settings>>>({});
  readonly #close: () => void;

  constructor(storage: Storage) {
    const kept = parse(storage.read("draft"));
    if (typeof kept["prompt"] === "string") this.prompt.value = kept["prompt"];
    if (isRecord(kept["settings"])) {
      this.#settings.value = kept["settings"] as Record<string, Settings>;
    }
    if (isRecord(kept["picture"])) {
      this.slot.value = { at: "full", picture: kept["picture"] as unknown as InputPicture };
    }
    this.#close = effect(() => {
      const slot = this.slot.value;
      const now = {
        prompt: this.prompt.value,
        settings: this.#settings.value,
        ...(slot.at === "full" && { picture: slot.picture }),
      };
      storage.write("draft", JSON.stringify(now));
    });
  }

  settings(tool: string): Settings {
    return this.#settings.value[tool] ?? {};
  }

  /** `undefined` takes a value back to what the server chooses. */
  set(tool: string, values: Record<string, unknown>): void {
    const next = Object.entries({ ...this.settings(tool), ...values });
    const kept = next.filter(([, value]) => value !== undefined && value !== "");
    this.#settings.value = { ...this.#settings.value, [tool]: Object.fromEntries(kept) };
  }

  replace(tool: string, settings: Settings): void {
    this.#settings.value = { ...this.#settings.value, [tool]: settings };
  }

  close(): void {
    this.#close();
  }
}

function parse(text: string | undefined): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(text ?? "{}");
    return isRecord(value) ? value : {};
  } catch {
    return {};
  }
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
