/** Who is at the other end, as it said at `initialize` or, since 2026-07-28, with every request. */
export interface Peer {
  name: string;
  version: string;
  /** The negotiated revision of MCP, e.g. "2025-06-18". */
  protocol: string;
  /** Names of what it can, such as `roots`. */
  capabilities: ReadonlySet<string>;
  /** A person there can be asked with a form. */
  asks: boolean;
  /** It renders MCP Apps (`io.modelcontextprotocol/ui`). */
  apps: boolean;
  /** It polls for a task it is handed instead of an answer (`io.modelcontextprotocol/tasks`). */
  tasks: boolean;
}

/** The media type of an MCP App's page (ext-apps, 2026-01-26). */
export const appType = "text/html;profile=mcp-app";

/** From what a client says of itself; what has another shape than it should is left out. */
export function peerFrom(info: unknown, capabilities: unknown, protocol: string): Peer {
  const { extensions, elicitation } = record(capabilities);
  const { mimeTypes } = record(record(extensions)["io.modelcontextprotocol/ui"]);
  const forms = record(elicitation);
  return {
    name: text(record(info)["name"]),
    version: text(record(info)["version"]),
    protocol,
    capabilities: new Set(Object.keys(record(capabilities))),
    // Before there were modes, {} meant forms.
    asks: elicitation !== undefined && ("form" in forms || !("url" in forms)),
    apps: Array.isArray(mimeTypes) && mimeTypes.includes(appType),
    tasks: "io.modelcontextprotocol/tasks" in record(extensions),
  };
}

function record(value: unknown): Record<string, unknown> {
  return typeof value === "object" && value !== null ? (value as Record<string, unknown>) : {};
}

function text(value: unknown): string {
  return typeof value === "string" ? value : "";
}
