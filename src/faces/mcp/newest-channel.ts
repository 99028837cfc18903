import type { Log } from "../../log.ts";
import { endedOn } from "./ended.ts";
import type { Channel, Message } from "./rpc.ts";
import { watchAll, watchedIn } from "./subscriptions.ts";
import type { Surface } from "./surface.ts";

/** The surface for revision 2026-07-28 on a connection that stays open; what is returned ends it. */
export function connectNewest(
  { channelHandler }: Pick<typeof import("./sdk2.ts"), "channelHandler">,
  surface: Surface,
  channel: Channel,
  log: Log,
): () => Promise<void> {
  let isOpen = true;
  const watching = new Map<string | number, AbortController>();
  const handler = channelHandler(surface, channel, log, (signal) => endedOn(signal, () => isOpen));
  surface.onToolsChanged = () => handler.toolsChanged();
  const { onmessage } = channel;
  channel.onmessage = (message) => void receive(message);
  return async () => {
    isOpen = false;
    for (const stop of watching.values()) stop.abort();
    surface.close();
    await handler.close();
  };

  async function receive(message: Message): Promise<void> {
    const { id, method, params } = message;
    if (method === "notifications/cancelled") {
      const cancelled = params?.["requestId"] as string | number;
      watching.get(cancelled)?.abort();
      watching.delete(cancelled);
    }
    if (id !== undefined && watchedIn(message).length > 0) {
      const stop = new AbortController();
      watching.set(id, stop);
      const refused = await watchAll(surface, message, stop.signal, (uri) => handler.updated(uri));
      if (refused) return channel.send(refused);
    }
    onmessage?.call(channel, message);
  }
}
