import { isRecord } from "./json.ts";
import {
  controlSlots,
  dynamicCombo,
  type InputDefinition,
  inputsOfOption,
  isSent,
  unsavedValue,
  widgetType,
  wouldBeWidget,
} from "./widgets.ts";

/** The widgets of one node with the values that a list of slots gives them. */
export interface Layout {
  widgets: Widget[];
  /** How many slots were read, those with nothing for the prompt included. */
  used: number;
  /** Widgets behind the end of the list. */
  missing: string[];
  problem?: string;
}

export interface Widget {
  name: string;
  type: string;
  options: InputDefinition["options"];
  /** Undefined where the list does not reach; see `gapsOf`. */
  value: unknown;
}

export interface LayoutOptions {
  /** The slot at which the node begins, for lists that hold several nodes. */
  from?: number;
  /** Count the slots that old files keep for `forceInput` inputs. */
  forced?: boolean;
}

/** Reads the slots of `widgets_values` in the editor's order. */
export function layOut(
  inputs: readonly InputDefinition[],
  slots: readonly unknown[],
  options: LayoutOptions = {},
): Layout {
  const reader = new SlotReader(slots, options);
  reader.read(inputs);
  const { widgets, missing, used, problem } = reader;
  return { widgets, used, missing, ...(problem !== undefined && { problem }) };
}

class SlotReader {
  readonly widgets: Widget[] = [];
  readonly missing: string[] = [];
  problem: string | undefined;
  readonly #slots: readonly unknown[];
  readonly #from: number;
  readonly #forced: boolean;
  #at: number;

  constructor(slots: readonly unknown[], { from = 0, forced = false }: LayoutOptions) {
    this.#slots = slots;
    this.#from = from;
    this.#at = from;
    this.#forced = forced;
  }

  get used(): number {
    return this.#at - this.#from;
  }

  read(inputs: readonly InputDefinition[]): void {
    for (const input of inputs) {
      const type = widgetType(input);
      if (type !== undefined) this.#widget(input, type);
      else if (this.#forced && wouldBeWidget(input) !== undefined) this.#at += 1;
    }
  }

  #widget(input: InputDefinition, type: string): void {
    const held = this.#at < this.#slots.length;
    let value = held ? this.#slots[this.#at] : undefined;
    if (held) this.#at += 1;
    else {
      this.missing.push(input.name);
      value = unsavedValue(input, type);
    }
    const { name, options } = input;
    if (isSent(type)) this.widgets.push({ name, type, options, value });
    this.#skipCompanions(input, type);
    if (type === dynamicCombo && value !== undefined) this.#option(input, value);
  }

  #option(combo: InputDefinition, key: unknown): void {
    const inputs = inputsOfOption(combo, key);
    if (Array.isArray(inputs)) {
      this.read(inputs);
      return;
    }
    this.problem ??= unofferedOption(combo, key, inputs.known);
  }

  #skipCompanions(input: InputDefinition, type: string): void {
    const slots = controlSlots(input, type);
    if (slots > 0 && isControl(this.#slots[this.#at])) {
      this.#at = Math.min(this.#at + slots, this.#slots.length);
    }
    const { options } = input;
    // Editors that show a crop as four numbers keep those as well.
    if (type === "BOUNDING_BOX" && options["component"] === "ImageCrop") this.#skipNumbers(4);
    const remote = options["remote"];
    const refreshes = isRecord(remote) && remote["refresh_button"] !== undefined;
    if (refreshes && typeof this.#slots[this.#at] === "boolean") {
      this.#at = Math.min(this.#at + 2, this.#slots.length);
    }
  }

  #skipNumbers(count: number): void {
    const next = this.#slots.slice(this.#at, this.#at + count);
    if (next.length === count && next.every((each) => typeof each === "number")) this.#at += count;
  }
}

const controls: readonly unknown[] = [
  ...["fixed", "increment", "decrement", "randomize", "increment-wrap"],
  // The oldest editors kept "randomize" as a yes or no.
  ...[true, false],
];

/** By its place, not only its text: files made by hand lack the slot. */
export function isControl(value: unknown): boolean {
  return controls.includes(value);
}

export function unofferedOption(
  { name }: InputDefinition,
  key: unknown,
  known: readonly string[],
): string {
  return `its input "${name}" holds ${JSON.stringify(key)}, which this ComfyUI does not offer; it has ${known.join(", ") || "nothing"}`;
}
