import { json, type Reply } from "./reply.ts";

/** Limits of 64-bit integers on the wire, which a JavaScript number cannot hold. */
const wideLimits: Record<string, string> = {
  "18446744073709552000": "18446744073709551615",
  "9223372036854776000": "9223372036854775807",
};

/** An answer of `/object_info`. */
export function infoReply(info: Record<string, unknown>): Reply {
  const reply = json(info);
  const body = String(reply.body).replace(/\d{19,}/g, (digits) => wideLimits[digits] ?? digits);
  return { ...reply, body };
}
