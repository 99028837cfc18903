import { HttpClient } from "./http-client.ts";
import { Storage } from "./model/storage.ts";
import { mountStudio } from "./mount.tsx";

function start(root: HTMLElement): void {
  const storage = new Storage(() => localStorage);
  const session = new Storage(() => sessionStorage);
  const client = new HttpClient({
    // Behind a proxy the page may not be at the root.
    base: location.pathname.replace(/\/[^/]*$/, ""),
    key: session.read("key") ?? storage.read("key"),
  });
  mountStudio(root, {
    client,
    storage,
    hasKey: () => client.key !== undefined,
    giveKey: (key, keep) => {
      client.key = key || undefined;
      session.write("key", client.key);
      storage.write("key", keep ? client.key : undefined);
    },
  });
}

const root = document.getElementById("page");
if (root) start(root);
