import type { Peer } from "./peer.ts";

/** What an answer may hold. */
export interface View {
  /** `resource_link` blocks to the full pictures. */
  links: boolean;
  /** Previews for the model's eyes. */
  images: boolean;
}

export interface ViewOptions {
  /** `auto`: only for clients seen to take them. */
  resultLinks: "auto" | "always" | "never";
  resultImages: "allow" | "omit";
}

/** `resource_link` came with this revision; a client of an older one need not know it. */
const linksSince = "2025-06-18";

/**
 * Clients seen to take a `resource_link` for what it is, by `clientInfo.name`. A client is added
 * after an answer with one was seen in it to reach the model unharmed: `npm run test:clients`
 * for those that run there. Most agent frameworks throw on the block, or make one text of the whole
 * answer, pictures and all.
 */
const linkTakers: readonly { name: RegExp; source: string }[] = [
  // Its result view lists every block by its type and offers to read the link.
  { name: /^(mcp-)?inspector/, source: "@modelcontextprotocol/inspector 2.12.0, test/clients" },
];

export function viewFor(client: Peer, { resultLinks, resultImages }: ViewOptions): View {
  return { links: takesLinks(client, resultLinks), images: resultImages === "allow" };
}

function takesLinks({ name, protocol }: Peer, wish: ViewOptions["resultLinks"]): boolean {
  if (wish !== "auto") return wish === "always";
  return protocol >= linksSince && linkTakers.some((taker) => taker.name.test(name));
}

/** A call that says itself whether it wants previews, which a server without them never sends. */
export function seeing<C extends { view: View }>(call: C, previews: unknown): C {
  return previews === false ? { ...call, view: { ...call.view, images: false } } : call;
}
