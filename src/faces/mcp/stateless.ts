import { randomBytes } from "node:crypto";
import { messageOf } from "../../errors.ts";
import type { Log } from "../../log.ts";
import type { Deps } from "./deps.ts";
import { type Exchange, exchange } from "./exchange.ts";
import { offerTo } from "./offer.ts";
import type { Message } from "./rpc.ts";
import { Surface } from "./surface.ts";

export interface StatelessParts {
  deps: Omit<Deps, "studio">;
  keepAliveMs: number;
  log: Log;
  /** @default new Surface */
  surface?: (deps: Deps, guided: Set<string>) => Surface;
}

/** MCP over HTTP since 2026-07-28: every request stands for itself. */
export class Stateless {
  readonly #parts: StatelessParts;
  readonly #open = new Set<Exchange>();
  /** Which workflows' guides each caller has been shown. */
  readonly #guided = new Map<string, Set<string>>();

  constructor(parts: StatelessParts) {
    const own = Promise.resolve(randomBytes(32));
    this.#parts = { ...parts, deps: { askKey: () => own, ...parts.deps } };
  }

  /** Undefined for a request of an earlier revision. Throws `invalid_input` for an unknown tool in a header. */
  async handle(
    request: Request,
    body: Message,
    studio: Deps["studio"],
  ): Promise<Response | undefined> {
    // Loaded here, for most clients speak an earlier revision.
    const newest = await import("./sdk2.ts");
    if (await newest.isOfEarlier(request, body)) return undefined;
    const { deps, log, keepAliveMs, surface = madeOf } = this.#parts;
    const offer = offerTo(request, { ...deps, studio });
    const made = surface({ ...deps, studio, offer }, this.#guidedFor(studio.caller.name));
    const over = () => void this.#open.delete(opened);
    const opened = exchange(newest, made, request, body, log, { keepAliveMs, over });
    this.#open.add(opened);
    return opened.response;
  }

  /** Ends what is open; tasks go on. */
  async close(): Promise<void> {
    const all = [...this.#open].map((one) => one.close());
    await Promise.all(all).catch((error) => this.#parts.log.debug(`mcp: ${messageOf(error)}`));
  }

  #guidedFor(caller: string): Set<string> {
    const known = this.#guided.get(caller) ?? new Set();
    this.#guided.set(caller, known);
    return known;
  }
}

function madeOf(deps: Deps, guided: Set<string>): Surface {
  return new Surface(deps, guided);
}
