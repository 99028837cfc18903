import { render } from "preact";
import { HttpClient } from "./http-client.ts";
import { listenForFiles } from "./model/files.ts";
import { Page } from "./model/page.ts";
import { Storage } from "./model/storage.ts";
import { App } from "./view/app.tsx";
import { listenForKeys } from "./view/page-keys.ts";
import { followSystem } from "./view/theme.ts";

function start(root: HTMLElement): void {
  const storage = new Storage(() => localStorage);
  const session = new Storage(() => sessionStorage);
  const client = new HttpClient({
    // Behind a proxy the page may not be at the root.
    base: location.pathname.replace(/\/[^/]*$/, ""),
    key: session.read("key") ?? storage.read("key"),
  });
  const page = new Page({
    client,
    storage,
    askKey: () => {
      page.keyRefused.value = client.key !== undefined;
      page.keyOpen.value = true;
    },
    calm: () => matchMedia("(prefers-reduced-motion: reduce)").matches,
  });
  const giveKey = (key: string, keep: boolean) => {
    client.key = key || undefined;
    session.write("key", client.key);
    storage.write("key", keep ? client.key : undefined);
    page.keyOpen.value = false;
    void page.start();
  };
  followSystem(storage);
  page.follow(window);
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
  render(<App page={page} giveKey={giveKey} />, root);
  void page.start();
}

const root = document.getElementById("page");
if (root) start(root);
