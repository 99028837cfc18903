import { z } from "zod";
import type { Log } from "../../log.ts";
import { promptEntry, promptResult, resultOf } from "./answer.ts";
import type { Peer } from "./peer.ts";
import type { Ask } from "./question.ts";
import { asRpc, RpcError, rpcCodes } from "./rpc.ts";
import type { Incoming, Surface } from "./surface.ts";
import type { Ended } from "./tool.ts";

/** What an SDK knows of a request beyond its parameters. */
export interface Wire {
  peer: Peer;
  signal: AbortSignal;
  /** What the end of `signal` meant, by the rule of the revision. */
  ended(): Promise<Ended>;
  /** A notification that belongs to this request. */
  notify(method: string, params: Record<string, unknown>): Promise<void>;
  log(level: "info" | "warning", message: string, logger: string): void;
  ask: Ask;
}

/** How a connection that stays open is told of what happens between its requests. */
export interface Later {
  tell(method: string, params: Record<string, unknown>): Promise<void>;
  /** The connection has ended. */
  over: AbortSignal;
  log: Log;
}

/** Answers a request's parameters, as they came. Throws `RpcError`. */
export type Method = (params: unknown, wire: Wire) => Promise<Record<string, unknown>>;

/** A method whose parameters are checked first. */
export function method<S extends z.ZodRawShape>(
  shape: S,
  answer: (params: z.output<z.ZodObject<S>>, wire: Wire) => Promise<object> | object,
): Method {
  const schema = z.object(shape);
  return async (params, wire) => {
    const { success, data, error } = schema.safeParse(params ?? {});
    if (!success) {
      const wrong = error.issues.map(({ path, message }) => `${path.join(".")}: ${message}`);
      throw new RpcError(rpcCodes.invalidParams, wrong.join("; "));
    }
    const about = "uri" in data ? { uri: data["uri"] } : undefined;
    return { ...(await asRpc(() => answer(data, wire), about)) };
  };
}

const paged = { cursor: z.string().optional() };
const reference = z.union([
  z.object({ type: z.literal("ref/prompt"), name: z.string() }),
  z.object({ type: z.literal("ref/resource"), uri: z.string() }),
]);

export const callParams = {
  name: z.string(),
  arguments: z.unknown().optional(),
  _meta: z.record(z.string(), z.unknown()).default({}),
  /** Asks for a task; only of revision 2025-11-25. */
  task: z.unknown().optional(),
};

/** The requests that every revision of MCP spells alike, by their names. */
export function methodsOf(surface: Surface): Record<string, Method> {
  return {
    "tools/list": method(paged, (_, { peer }) => ({ tools: surface.tools(peer) })),
    "tools/call": method(callParams, async (params, wire) =>
      resultOf(await surface.call(incomingOf(params, wire))),
    ),
    "resources/list": method(paged, async ({ cursor }) => {
      const { entries, next } = await surface.resources(cursor);
      return { resources: entries, ...(next ? { nextCursor: next } : {}) };
    }),
    "resources/templates/list": method(paged, () => ({
      resourceTemplates: surface.templates(),
    })),
    "resources/read": method({ uri: z.string() }, async ({ uri }) => ({
      contents: [await surface.read(uri)],
    })),
    "prompts/list": method(paged, () => ({ prompts: surface.prompts().map(promptEntry) })),
    "prompts/get": method(
      { name: z.string(), arguments: z.record(z.string(), z.string()).default({}) },
      async ({ name, arguments: args }, { peer, ask }) =>
        promptResult(await surface.prompt(name, args, peer.asks ? ask : undefined)),
    ),
    "completion/complete": method(
      { ref: reference, argument: z.object({ name: z.string(), value: z.string() }) },
      async ({ ref, argument: { name, value } }) => {
        const of = ref.type === "ref/prompt" ? { prompt: ref.name } : { template: ref.uri };
        return { completion: await surface.complete({ of, argument: name, value }) };
      },
    ),
  };
}

/** A `tools/call` as the surface takes it. */
export function incomingOf(
  { name, arguments: args, _meta: meta }: z.output<z.ZodObject<typeof callParams>>,
  { peer, signal, ended, ask, notify, log }: Wire,
): Incoming {
  return {
    name,
    args,
    meta,
    peer,
    signal,
    ended,
    ask,
    async sendProgress(progress, message) {
      const { progressToken } = meta;
      if (progressToken === undefined) return;
      await notify("notifications/progress", { progressToken, progress, total: 1, message });
    },
    log: (level, message) => log(level, message, name),
  };
}
