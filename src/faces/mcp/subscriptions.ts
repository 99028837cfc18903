import { messageOf } from "../../errors.ts";
import { type Message, rpcCodes } from "./rpc.ts";
import type { Surface } from "./surface.ts";

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
  changed: (uri: string) => Promise<void>,
): Promise<Message | undefined> {
  try {
    for (const uri of watchedIn(message)) await surface.watch(uri, signal, () => changed(uri));
    return undefined;
  } catch (error) {
    const { id = 0 } = message;
    const refused = { code: rpcCodes.invalidParams, message: messageOf(error) };
    return { jsonrpc: "2.0", id, error: refused };
  }
}
