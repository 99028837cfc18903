import type { Page } from "../model/page.ts";
import { pictureInFront } from "./in-front.ts";
import { isTyping } from "./keys.ts";
import { pictureKeys } from "./picture-keys.ts";

/** The keys of the whole page; what is open listens to its own before these. */
export function listenForKeys(page: Page): void {
  addEventListener("keydown", (event) => {
    if (event.defaultPrevented) return;
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
      event.preventDefault();
      document.querySelector<HTMLFormElement>("form.ledge")?.requestSubmit();
      return;
    }
    if (event.key === "Escape") leave(page, event);
    else letter(page, event);
  });
}

function letter(page: Page, event: KeyboardEvent): void {
  if (isTyping(event.target) || event.ctrlKey || event.metaKey || event.altKey) return;
  if (!page.singleKeys.value || document.querySelector("dialog[open], .popover")) return;
  if (pageKey(page, event.key)) event.preventDefault();
}

/** Closes what is on top; in the prompt, leaves it. */
function leave(page: Page, event: KeyboardEvent): void {
  const { target } = event;
  if (target instanceof HTMLElement && isTyping(target)) {
    target.blur();
    return;
  }
  const route = page.route.value;
  if (page.trayOpen.value) page.trayOpen.value = false;
  else if (route.at === "mask" && page.gallery.lookup(route.id))
    page.go({ ...route, at: "picture" });
  else if (route.at !== "wall") page.go({ at: "wall" });
  else page.selected.value = new Set();
}

/** Whether the key meant something. */
function pageKey(page: Page, key: string): boolean {
  const name = key.toLowerCase();
  const own: Record<string, () => void> = {
    g: () => document.getElementById("prompt")?.focus(),
    "/": () => document.getElementById("find")?.focus(),
    "?": () => {
      page.shortcutsOpen.value = true;
    },
    q: () => page.go({ at: "queue" }),
    w: () => page.go({ at: "workflows" }),
    s: () => {
      page.trayOpen.value = !page.trayOpen.value;
    },
  };
  if (own[name]) {
    own[name]();
    return true;
  }
  if (page.route.value.at === "mask") return false;
  const front = pictureInFront(page);
  const act = front && pictureKeys(page, front)[name];
  act?.();
  return act !== undefined;
}
