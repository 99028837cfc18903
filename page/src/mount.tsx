import { render } from "preact";
import type { Client } from "./client.ts";
import { type Address, windowAddress } from "./model/address.ts";
import { listenForFiles } from "./model/files.ts";
import { Page } from "./model/page.ts";
import type { Storage } from "./model/storage.ts";
import { App } from "./view/app.tsx";
import { listenForKeys } from "./view/page-keys.ts";
import { followSystem } from "./view/theme.ts";

export interface Mounting {
  /** How the studio is reached: over HTTP, or by tool calls through the host of an MCP App. */
  client: Client;
  /** What this device keeps. */
  storage: Storage;
  /** Where the page stands. @default the window's address */
  address?: Address;
  /** Takes the key that a person typed; only where the studio can ask for one. */
  giveKey?: (key: string, keep: boolean) => void;
  /** Whether a key is known that the studio may refuse. @default () => false */
  hasKey?: () => boolean;
}

/** Shows the studio in an element, and begins to read it. */
export function mountStudio(root: HTMLElement, mounting: Mounting): Page {
  const { client, storage, address = windowAddress(window) } = mounting;
  const { giveKey = () => undefined, hasKey = () => false } = mounting;
  const page: Page = new Page({
    client,
    storage,
    address,
    askKey: () => {
      page.keyRefused.value = hasKey();
      page.keyOpen.value = true;
    },
    calm: () => matchMedia("(prefers-reduced-motion: reduce)").matches,
  });
  const useKey = (key: string, keep: boolean) => {
    giveKey(key, keep);
    page.keyOpen.value = false;
    void page.start();
  };
  followSystem(storage);
  page.tellTitle(document);
  listenForKeys(page);
  listenForFiles(page, window);
  document.addEventListener("visibilitychange", () => {
    if (document.hidden) page.feed.close();
    else page.feed.open();
  });
  addEventListener("pagehide", () => page.deletions.settle());
  addEventListener("focus", () => {
    if (page.catalogue.nothingReady.value) {
      void page.catalogue.look().catch((error) => page.fail(error));
    }
  });
  render(<App page={page} giveKey={useKey} />, root);
  void page.start();
  return page;
}
