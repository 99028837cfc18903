import { maxBodyBytes } from "../../as-comfyui/features.ts";
import { asciiJson } from "../../as-comfyui/reply.ts";

/** What is refused before or behind a route, and why. */
export interface Refused {
  status: number;
  code: string;
  message: string;
  headers: Readonly<Record<string, string>>;
}

/** In the shape of `POST /prompt`, which is the one that ComfyUI's clients read. */
export function refusalAsComfyui({ status, code, message, headers }: Refused): Response {
  if (status === 413) {
    const text = `Maximum request body size ${maxBodyBytes} exceeded.`;
    return new Response(text, { status, headers: { "content-type": "text/plain; charset=utf-8" } });
  }
  const error = { type: code, message, details: message, extra_info: {} };
  const body = asciiJson({ error, node_errors: {} });
  const type = { "content-type": "application/json; charset=utf-8" };
  return new Response(body, { status, headers: { ...type, ...headers } });
}
