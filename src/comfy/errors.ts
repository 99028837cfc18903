import { AppError } from "../errors.ts";
import { cut, plain, quoted } from "../words.ts";
import type { ExecutionErrorData, NodeErrors, PromptErrorResponse } from "./protocol.ts";

const longestDetail = 4_000;

/** What was seen where a ComfyUI should be. */
export type Unreachable =
  | "nothing_there"
  | "no_answer"
  | "refused_credentials"
  | "not_comfyui"
  | "bad_gateway"
  /** An answer of 5xx that is ComfyUI's own. */
  | "failing"
  /** Asked too often, or too early. */
  | "busy"
  /** A proxy that starts ComfyUI when it is wanted, and has not yet. */
  | "asleep";

export class ComfyUnreachableError extends AppError {
  override name = "ComfyUnreachableError";
  readonly seen: Unreachable;

  constructor(url: string, seen: Unreachable, detail: string, options?: ErrorOptions) {
    super("comfy_unreachable", `${sentence[seen](url, detail)}`, options);
    this.seen = seen;
  }
}

/** The host answered that no process listens there. */
export function isRefused(error: unknown): boolean {
  const cause = error instanceof ComfyUnreachableError ? error.cause : undefined;
  const inner = cause instanceof Error && cause.cause instanceof Error ? cause.cause : cause;
  return inner instanceof Error && "code" in inner && inner.code === "ECONNREFUSED";
}

const sentence: Record<Unreachable, (url: string, detail: string) => string> = {
  nothing_there: (url, detail) =>
    `No ComfyUI at ${url}: nothing is listening there (${detail}). Start ComfyUI, or point --comfyui-url (COMFYUI_URL) at it; --demo needs none.`,
  no_answer: (url, detail) =>
    `ComfyUI at ${url} does not answer: ${detail}. It may be starting, busy loading a model, or hung; try again, or restart it.`,
  refused_credentials: (url, detail) =>
    `The server at ${url} refused our credentials (${detail}). Put them into --comfyui-url as https://user:password@host, or send a header with --comfyui-header (COMFYUI_HEADER) "Authorization: Bearer …".`,
  not_comfyui: (url, detail) =>
    `What answers at ${url} is not a ComfyUI (${detail}). ${isPlainHttp(detail) ? "It does not speak https: try http:// instead" : "Check host, port and path prefix"} in --comfyui-url (COMFYUI_URL).`,
  bad_gateway: (url, detail) =>
    `A proxy answers at ${url}, but the ComfyUI behind it does not (${detail}). Start ComfyUI, or wait until it has started.`,
  failing: (url, detail) =>
    `ComfyUI at ${url} fails (${detail}). Try again; if it goes on, its log says why, and a restart of ComfyUI may help.`,
  busy: (url, detail) =>
    `ComfyUI at ${url}, or the proxy in front of it, takes no more requests now (${detail}). Try again in a while.`,
  asleep: (url, detail) =>
    `The proxy at ${url} has not started ComfyUI yet (${detail}). Try again in a minute; if it stays so, start ComfyUI there.`,
};

/** What TLS says of an answer in plain text. */
function isPlainHttp(detail: string): boolean {
  return /WRONG_VERSION_NUMBER|PACKET_LENGTH_TOO_LONG/i.test(detail);
}

/** ComfyUI would not run the graph, or would have run only a part of it. */
export class PromptRejectedError extends AppError {
  override name = "PromptRejectedError";
  readonly nodeErrors: NodeErrors;

  constructor(message: string, nodeErrors: NodeErrors) {
    super("comfy_rejected", message);
    this.nodeErrors = nodeErrors;
  }

  static fromResponse(body: PromptErrorResponse): PromptRejectedError {
    const nodeErrors = body.node_errors ?? {};
    const whole = typeof body.error === "string" ? body.error : body.error?.message;
    const inner = wordNodeErrors(nodeErrors);
    return new PromptRejectedError(
      `ComfyUI refused the workflow: ${inner || quote(whole ?? "no reason given")}`,
      nodeErrors,
    );
  }

  static fromDropped(nodeErrors: NodeErrors): PromptRejectedError {
    return new PromptRejectedError(
      `ComfyUI would have dropped part of the workflow, so it was withdrawn: ${wordNodeErrors(nodeErrors)}`,
      nodeErrors,
    );
  }

  /** A combo value the server does not list: for model loaders, the file is missing there. */
  get missingChoice(): boolean {
    return Object.values(this.nodeErrors).some((node) =>
      node.errors.some((error) => error.type === "value_not_in_list"),
    );
  }
}

export class ExecutionFailedError extends AppError {
  override name = "ExecutionFailedError";
  readonly nodeId: string | undefined;
  readonly classType: string | undefined;
  /** ComfyUI's own words, cut to 4,000 characters; foreign text. */
  readonly detail: string | undefined;
  readonly isOutOfMemory: boolean;

  constructor(message: string, node?: { id: string; classType: string }, said?: string) {
    super("execution_failed", message);
    this.nodeId = node?.id;
    this.classType = node?.classType;
    this.detail = said && cut(`${node?.classType ?? "ComfyUI"}: ${said}`, longestDetail);
    this.isOutOfMemory = said !== undefined && /OutOfMemory|out of memory/i.test(said);
  }

  static fromEvent(data: ExecutionErrorData): ExecutionFailedError {
    const what = `${data.exception_type}: ${data.exception_message}`;
    const hint = /OutOfMemory|out of memory/i.test(what)
      ? " The GPU ran out of memory: try a smaller size, or free memory on that machine."
      : "";
    return new ExecutionFailedError(
      `ComfyUI node ${name(data.node_id)} (${name(data.node_type)}) failed: ${quote(what)}.${hint}`,
      { id: data.node_id, classType: data.node_type },
      what,
    );
  }
}

/** Text from ComfyUI on its way to a model: one line, at most 300 characters, in quotation marks. */
export function quote(text: string): string {
  return quoted(text);
}

/** A name from ComfyUI, as short as names are. */
function name(text: unknown): string {
  return plain(String(text), 80);
}

function wordNodeErrors(nodeErrors: NodeErrors): string {
  return Object.entries(nodeErrors)
    .flatMap(([id, node]) =>
      node.errors.map(
        (error) =>
          `node ${name(id)} (${name(node.class_type)}): ${quote(`${error.message}: ${error.details}`)}`,
      ),
    )
    .slice(0, 5)
    .join("; ");
}
