import { AppError } from "../../errors.ts";
import type { Scope } from "../../studio/caller.ts";
import type { Studio } from "../../studio/studio.ts";
import { nearest } from "../../words.ts";
import type { Deps } from "./deps.ts";
import type { Tool } from "./tool.ts";
import { allTools } from "./tools.ts";

/** Which tools a connection is offered. What its caller may not do is never among them. */
export interface Offer {
  /** The choice of whoever runs this server; undefined for all. Nothing the client asks for lifts it. */
  operator: readonly string[] | undefined;
  /** What the client wants to see of that; undefined for all. */
  asked?: readonly string[] | undefined;
  /** Only tools that change nothing. */
  readOnly?: boolean;
}

/** Why a tool is not offered; undefined if it is. */
export function withheld(tool: Tool, offer: Offer, studio: Studio): string | undefined {
  const scope = scopeOf(tool);
  if (!studio.may(scope)) return `the key ${studio.caller.name} lacks the scope ${scope}`;
  if (tool.appOnly) return undefined;
  if (offer.operator && !offer.operator.includes(tool.name)) {
    return "whoever runs this server leaves it out (--tools)";
  }
  if (offer.readOnly && !tool.annotations.readOnlyHint) {
    return "this connection only reads (X-Easel-Readonly)";
  }
  if (offer.asked && !offer.asked.includes(tool.name)) {
    return "this connection asked for other tools (X-Easel-Tools)";
  }
  return undefined;
}

/** Throws `invalid_input` for a name that no tool has. */
export function checkNames(label: string, names: readonly string[], known: readonly string[]) {
  for (const name of names) {
    if (known.includes(name)) continue;
    const close = nearest(name, known);
    const way =
      close.length > 0 ? `Did you mean ${close.join(" or ")}?` : `Tools: ${known.join(", ")}.`;
    throw new AppError(
      "invalid_input",
      `${label}: there is no tool ${JSON.stringify(name.slice(0, 60))}. ${way}`,
    );
  }
}

/** What stops a task is listed for whoever may make one; it removes nothing from the record. */
function scopeOf({ name, annotations }: Tool): Scope {
  if (annotations.readOnlyHint) return "read";
  return annotations.destructiveHint && name !== "cancel_task" ? "delete" : "generate";
}

/**
 * `X-Easel-Tools: a,b` or `?tools=a,b`, and `X-Easel-Readonly: 1`. Throws `invalid_input` for a
 * name that no tool has.
 */
export function offerTo({ headers, url }: Request, deps: Deps): Offer {
  const list = headers.get("x-easel-tools") ?? new URL(url).searchParams.get("tools");
  const asked = list
    ?.split(",")
    .map((name) => name.trim())
    .filter(Boolean);
  if (asked) {
    const names = allTools(deps).map(({ name }) => name);
    checkNames("X-Easel-Tools", asked, names);
  }
  const readOnly = /^(1|true|yes|on)$/i.test(headers.get("x-easel-readonly") ?? "");
  return { operator: deps.offer.operator, asked, readOnly };
}
