import { z } from "zod";
import { messageOf } from "../../errors.ts";
import { type Later, type Method, method } from "./methods.ts";
import { type Message, rpcCodes } from "./rpc.ts";
import type { Surface } from "./surface.ts";

/** Subscriptions as revisions up to 2025-11-25 have them. */
export function subscriptionMethods(
  surface: Surface,
  { tell, over }: Later,
): Record<string, Method> {
  const watched = new Map<string, AbortController>();
  const named = { uri: z.string() };
  return {
    "resources/subscribe": method(named, async ({ uri }) => {
      if (watched.has(uri)) return {};
      const stop = new AbortController();
      const changed = () => tell("notifications/resources/updated", { uri });
      await surface.watch(uri, AbortSignal.any([stop.signal, over]), changed);
      watched.set(uri, stop);
      return {};
    }),
    "resources/unsubscribe": method(named, ({ uri }) => {
      watched.get(uri)?.abort();
      watched.delete(uri);
      return {};
    }),
  };
}

/** The resources that a `subscriptions/listen` names. */
export function watchedIn({ method, params }: Message): string[] {
  if (method !== "subscriptions/listen") return [];
  const { notifications } = params ?? {};
  const listed =
    typeof notifications === "object" && notifications !== null
      ? Reflect.get(notifications, "resourceSubscriptions")
      : [];
  return Array.isArray(listed) ? listed.filter((uri) => typeof uri === "string") : [];
}

/** Watches what a `subscriptions/listen` names. Returns the refusal where some of it is not there. */
export async function watchAll(
  surface: Surface,
  message: Message,
  signal: AbortSignal,
  changed: (uri: string) => void,
): Promise<Message | undefined> {
  try {
    for (const uri of watchedIn(message))
      await surface.watch(uri, signal, async () => changed(uri));
    return undefined;
  } catch (error) {
    const { id = 0 } = message;
    const refused = { code: rpcCodes.invalidParams, message: messageOf(error) };
    return { jsonrpc: "2.0", id, error: refused };
  }
}
