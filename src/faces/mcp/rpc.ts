import { AppError } from "../../errors.ts";

/** A JSON-RPC 2.0 message, as far as it is looked at before an SDK has it. */
export interface Message {
  jsonrpc: "2.0";
  id?: string | number;
  method?: string;
  params?: { _meta?: Record<string, unknown>; [key: string]: unknown };
  result?: unknown;
  error?: { code: number; message: string; data?: unknown };
}

/** Codes of JSON-RPC 2.0, and -32000 and -32001 as the first SDK of MCP uses them. */
export const rpcCodes = {
  parse: -32700,
  invalidRequest: -32600,
  invalidParams: -32602,
  internal: -32603,
  server: -32000,
  unknownSession: -32001,
  /** MCP 2026-07-28, `MissingRequiredClientCapabilityError`. */
  missingCapability: -32021,
} as const;

/** Either SDK answers a request with the code, message and data of what was thrown. */
export class RpcError extends Error {
  readonly code: number;
  readonly data: object | undefined;

  constructor(code: number, message: string, data?: object) {
    super(message);
    this.code = code;
    this.data = data;
  }
}

/** Outside of a tool's answer what is the caller's fault is an error of the protocol. */
export async function asRpc<T>(work: () => Promise<T> | T, data?: object): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof AppError)) throw error;
    throw new RpcError(rpcCodes.invalidParams, error.message, data);
  }
}

/** One end of a connection as both SDKs want it: by its shape it is a `Transport` of either. */
export class Channel {
  onmessage?: (message: Message) => void;
  onclose?: () => void;
  onerror?: (error: Error) => void;
  readonly #write: (message: Message) => Promise<void>;

  constructor(write: (message: Message) => Promise<void>) {
    this.#write = write;
  }

  async start(): Promise<void> {}

  send(message: Message): Promise<void> {
    return this.#write(message);
  }

  async close(): Promise<void> {
    this.onclose?.();
  }
}

/** An answer over HTTP to a request whose id is not known. */
export function rpcError(
  status: number,
  code: number,
  message: string,
  headers: Readonly<Record<string, string>> = {},
): Response {
  return Response.json({ jsonrpc: "2.0", error: { code, message }, id: null }, { status, headers });
}

const revisionKey = "io.modelcontextprotocol/protocolVersion";

/** Since 2026-07-28 a message says itself which revision it is of; earlier ones said it once. */
export function saysItsRevision({ params }: Message): boolean {
  return params?._meta?.[revisionKey] !== undefined;
}

/** The same, of a text that may be no JSON at all; true also where the key is only mentioned. */
export function mentionsRevision(text: string): boolean {
  return text.includes(revisionKey);
}
