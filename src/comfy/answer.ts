import { AppError } from "../errors.ts";
import { megabytes } from "../words.ts";
import { ComfyUnreachableError, quote, type Unreachable } from "./errors.ts";

/** An answer over HTTP, read to its end. */
export interface Answer {
  status: number;
  contentType: string;
  /** The time at its sender, as the header has it. */
  date?: string | undefined;
  body: Buffer;
}

/** What was asked, as far as the words for a refusal need it. */
export interface Asked {
  /** Where, without credentials. */
  url: string;
  /** As in "POST upload/image". */
  what: string;
  sentBytes: number;
}

/** ComfyUI, or a proxy in front of it, answered and did not do what it was asked for. */
export class RequestRefusedError extends AppError {
  override name = "RequestRefusedError";
  readonly status: number;

  constructor(status: number, message: string) {
    super("comfy_rejected", message);
    this.status = status;
  }
}

/** A web page where ComfyUI would answer with JSON, a file or nothing: a proxy's own. */
export function isPage({ contentType, body }: Answer): boolean {
  if (/^text\/html/i.test(contentType)) return true;
  return !contentType.startsWith("image/") && /^\s*</.test(head(body, 64));
}

/** The error of an answer that is not the one asked for. */
export function refusalOf(asked: Asked, answer: Answer): AppError {
  const { status } = answer;
  const seen = seenBy(asked, answer);
  if (seen) {
    const detail = seen === "refused_credentials" ? `status ${status}` : wordsOf(asked, answer);
    return new ComfyUnreachableError(asked.url, seen, detail);
  }
  if (status === 413) {
    return new RequestRefusedError(
      status,
      `ComfyUI at ${asked.url}, or the proxy in front of it, refused ${asked.what}: ${megabytes(asked.sentBytes)} is too large for it (status 413). Raise the proxy's body limit (nginx: client_max_body_size) or ComfyUI's --max-upload-size, or send a smaller picture.`,
    );
  }
  const said = isPage(answer) ? "" : head(answer.body, 400).trim();
  return new RequestRefusedError(
    status,
    `ComfyUI at ${asked.url} refused ${asked.what} (status ${status}${said ? `: ${quote(said)}` : ""}). Look at its log, and at that of a proxy in front of it, for the reason.`,
  );
}

/** Undefined when the answer is a verdict on the request; else ComfyUI cannot be asked now. */
function seenBy(asked: Asked, answer: Answer): Unreachable | undefined {
  const { status } = answer;
  const known = byStatus[status];
  if (known) return known;
  // 520 to 530 are Cloudflare's words for a server behind it that does not answer.
  if (status >= 520 && status <= 530) return "bad_gateway";
  if (status >= 500) return "failing";
  if (status < 400) return "not_comfyui";
  // Nothing was sent that could be too large.
  if (status === 413 && asked.sentBytes === 0) return "not_comfyui";
  return undefined;
}

const byStatus: Record<number, Unreachable> = {
  401: "refused_credentials",
  403: "refused_credentials",
  // A proxy knows no such path, perhaps only while ComfyUI restarts.
  404: "not_comfyui",
  407: "refused_credentials",
  408: "busy",
  // ComfyUI answers none of our routes with it; llama-swap does while another model is loaded.
  409: "asleep",
  425: "busy",
  429: "busy",
  502: "bad_gateway",
  503: "bad_gateway",
  504: "bad_gateway",
};

function wordsOf({ what }: Asked, answer: Answer): string {
  const { status } = answer;
  if (status >= 200 && status < 300) return `to ${what} it sent ${describe(answer)}`;
  const redirect = status < 400 ? ", a redirect as log-in pages send" : "";
  return `status ${status}${redirect} to ${what}`;
}

function describe(answer: Answer): string {
  if (isPage(answer)) return "an HTML page";
  return answer.body.length === 0 ? "an empty answer" : "something other than its answer";
}

function head(body: Buffer, bytes: number): string {
  return body.subarray(0, bytes).toString("utf8");
}
