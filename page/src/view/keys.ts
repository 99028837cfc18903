import type { Direction } from "../model/hanging.ts";

const arrows: Readonly<Record<string, Direction>> = {
  ArrowLeft: "left",
  ArrowRight: "right",
  ArrowUp: "up",
  ArrowDown: "down",
  Home: "home",
  End: "end",
};

export function directionOf(event: KeyboardEvent): Direction | undefined {
  if (event.ctrlKey || event.metaKey || event.altKey) return undefined;
  return arrows[event.key];
}

/** Whether a key belongs to a field, not to the page. */
export function isTyping(target: EventTarget | null): boolean {
  return (
    target instanceof HTMLElement &&
    (target.isContentEditable || target.matches("textarea, select, input:not([type=range])"))
  );
}
