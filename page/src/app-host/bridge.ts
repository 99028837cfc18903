/** JSON-RPC 2.0 with the host of an MCP App, over `postMessage` (ext-apps, 2026-01-26). */

interface Message {
  jsonrpc: "2.0";
  id?: number | string;
  method?: string;
  params?: Record<string, unknown>;
  result?: unknown;
  error?: { code: number; message: string };
}

export interface Block {
  type: string;
  text?: string;
  data?: string;
  mimeType?: string;
}

/** What a tool answered. */
export interface ToolResult {
  content: Block[];
  structuredContent?: Record<string, unknown>;
  isError?: boolean;
  _meta?: Record<string, unknown>;
}

/** What the host tells of itself. */
export interface HostContext {
  theme?: "light" | "dark";
}

export interface Told {
  input(args: Record<string, unknown>): void;
  result(result: ToolResult): void;
  cancelled(): void;
  context(context: HostContext): void;
}

const protocolVersion = "2026-01-26";
const methodNotFound = -32601;

export class Bridge {
  readonly #host: Window;
  readonly #told: Told;
  readonly #waiting = new Map<
    number,
    { resolve: (result: unknown) => void; reject: (error: Error) => void }
  >();
  #lastId = 0;

  constructor(view: Window, told: Told) {
    this.#host = view.parent;
    this.#told = told;
    view.addEventListener("message", ({ source, data }) => {
      // Nobody but the host is listened to.
      if (source === this.#host && data?.jsonrpc === "2.0") this.#take(data as Message);
    });
  }

  /** The host sends what the page is about as soon as this has been said. */
  async open(): Promise<void> {
    const answer = (await this.#ask("ui/initialize", {
      protocolVersion,
      appInfo: { name: "comfy-easel", version: "1" },
      appCapabilities: {},
    })) as { hostContext?: HostContext };
    this.#told.context(answer.hostContext ?? {});
    this.#send({ method: "ui/notifications/initialized", params: {} });
  }

  /** Throws with the tool's own words when it failed. */
  async call(name: string, args: Record<string, unknown>): Promise<ToolResult> {
    const result = (await this.#ask("tools/call", { name, arguments: args })) as ToolResult;
    if (result.isError) throw new Error(textOf(result));
    return result;
  }

  /** Puts words into the chat as if the person had written them. */
  async say(words: string): Promise<void> {
    const content = [{ type: "text", text: words }];
    await this.#ask("ui/message", { role: "user", content });
  }

  sized(width: number, height: number): void {
    this.#send({ method: "ui/notifications/size-changed", params: { width, height } });
  }

  #ask(method: string, params: Record<string, unknown>): Promise<unknown> {
    this.#lastId += 1;
    const id = this.#lastId;
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject });
      this.#send({ id, method, params });
    });
  }

  #send(message: Omit<Message, "jsonrpc">): void {
    // The host's origin is not known to a page in its sandbox.
    this.#host.postMessage({ jsonrpc: "2.0", ...message }, "*");
  }

  #take({ id, method, params = {}, result, error }: Message): void {
    if (method === undefined) {
      const waiting = this.#waiting.get(Number(id));
      this.#waiting.delete(Number(id));
      if (error) waiting?.reject(new Error(error.message));
      else waiting?.resolve(result);
      return;
    }
    switch (method) {
      case "ui/notifications/tool-input":
        this.#told.input((params["arguments"] ?? {}) as Record<string, unknown>);
        break;
      case "ui/notifications/tool-result":
        this.#told.result(params as unknown as ToolResult);
        break;
      case "ui/notifications/tool-cancelled":
        this.#told.cancelled();
        break;
      case "ui/notifications/host-context-changed":
        this.#told.context(params as HostContext);
        break;
      case "ping":
      case "ui/resource-teardown":
        this.#answer(id, { result: {} });
        break;
      default:
        this.#answer(id, { error: { code: methodNotFound, message: `${method}: unknown` } });
    }
  }

  #answer(id: Message["id"], answer: Pick<Message, "result" | "error">): void {
    if (id !== undefined) this.#send({ id, ...answer });
  }
}

export function textOf({ content }: ToolResult): string {
  return content.flatMap(({ text }) => text ?? []).join("\n");
}
