import { HttpClient } from "../http-client.ts";
import { heldAddress } from "../model/address.ts";
import { Storage } from "../model/storage.ts";
import { mountStudio } from "../mount.tsx";

const root = document.getElementById("page");
if (root) {
  mountStudio(root, {
    client: new HttpClient(),
    storage: new Storage(() => localStorage),
    address: heldAddress(),
  });
}
