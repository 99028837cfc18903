import { setImmediate } from "node:timers/promises";
import { messageOf } from "../../errors.ts";
import type { Deps } from "./deps.ts";
import { connectNewest } from "./newest-channel.ts";
import { Channel, type Message, saysItsRevision } from "./rpc.ts";
import { connectOn } from "./sdk1.ts";
import { Surface } from "./surface.ts";

/**
 * MCP over one connection that stays open, such as stdin and stdout, in whichever revision its
 * client speaks. A client of 2026-07-28 says so in every request, one of earlier revisions once.
 */
export class Connection {
  readonly #deps: Deps;
  readonly #write: (message: Message) => Promise<void>;
  readonly #surface: (deps: Deps) => Surface;
  /** Until the last message that came has been handed on. */
  #handed: Promise<unknown> = Promise.resolve();
  #earlier: Promise<Channel> | undefined;
  #newest: Promise<{ channel: Channel; close(): Promise<void> }> | undefined;

  constructor(
    deps: Deps,
    write: (message: Message) => Promise<void>,
    surface: (deps: Deps) => Surface = (each) => new Surface(each),
  ) {
    this.#deps = deps;
    this.#write = write;
    this.#surface = surface;
  }

  /** Messages are handed on in the order they come. */
  receive(message: Message): void {
    // A client may ask for the newest and then begin as the earlier ones do.
    const isBeginning = message.method === "initialize" || this.#earlier !== undefined;
    const isNewest = saysItsRevision(message) || (this.#newest && !isBeginning);
    const handed = this.#hand(
      message,
      isNewest ? this.#channelOfNewest() : this.#channelOfEarlier(),
    ).catch((error) => this.#deps.log.warn(`mcp: ${messageOf(error)}`));
    this.#handed = Promise.all([this.#handed, handed]);
  }

  /** When what can be answered at once has been: a client may write and close its end. */
  async settled(): Promise<void> {
    await this.#handed;
    await setImmediate();
  }

  /** Calls under way are not answered any more; their tasks go on. */
  async close(): Promise<void> {
    await (await this.#newest)?.close();
    await (await this.#earlier)?.close();
  }

  async #hand(message: Message, channel: Promise<Channel>): Promise<void> {
    (await channel).onmessage?.(message);
  }

  async #channelOfEarlier(): Promise<Channel> {
    this.#earlier ??= this.#connectEarlier();
    return this.#earlier;
  }

  async #connectEarlier(): Promise<Channel> {
    const channel = new Channel(this.#write);
    await connectOn(this.#surface(this.#deps), channel, this.#deps.log);
    return channel;
  }

  async #channelOfNewest(): Promise<Channel> {
    this.#newest ??= this.#connectNewest();
    return (await this.#newest).channel;
  }

  async #connectNewest() {
    // Loaded here, for most clients speak an earlier revision.
    const newest = await import("./sdk2.ts");
    const channel = new Channel(this.#write);
    const close = connectNewest(newest, this.#surface(this.#deps), channel, this.#deps.log);
    return { channel, close };
  }
}
