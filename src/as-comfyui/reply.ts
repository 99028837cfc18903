export interface Reply {
  status: number;
  headers: Record<string, string>;
  body: Buffer | string;
  /** The connection is cut after that many bytes of the body. */
  cutAfter?: number;
}

/** What a handler gives instead of an answer: a cut connection, or none at all. */
export type NoReply = "cut" | "silence";

/** JSON as Python writes it: everything outside ASCII escaped. */
export function asciiJson(value: unknown): string {
  return JSON.stringify(value).replace(
    /[\u0080-\uffff]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}

export function json(value: unknown, status = 200): Reply {
  return {
    status,
    headers: { "content-type": "application/json; charset=utf-8" },
    body: asciiJson(value),
  };
}

/** aiohttp's empty answer has no Content-Type. */
export function empty(status = 200, headers: Record<string, string> = {}): Reply {
  return { status, headers, body: "" };
}

export function text(body: string, status: number, headers: Record<string, string> = {}): Reply {
  return { status, headers: { "content-type": "text/plain; charset=utf-8", ...headers }, body };
}

/** What aiohttp answers when a handler raised. */
export const serverError: Reply = text(
  "500 Internal Server Error\n\nServer got itself in trouble",
  500,
);

/** What falls through to the front-end's files and is not there. */
export const notFound: Reply = empty(404, { "content-type": "application/octet-stream" });
