import type { McpServer } from "@modelcontextprotocol/sdk/server/mcp.js";

/** Who is at the other end of a connection, as it said at `initialize`. */
export interface Peer {
  name: string;
  version: string;
  /** The negotiated revision of MCP, e.g. "2025-06-18". */
  protocol: string;
}

/**
 * Who is connected, from the call of `connect` on. The SDK keeps the client's name, but not the revision that it answered with,
 * so the answer is read on its way out.
 */
export function peerOf({ server }: McpServer): () => Peer {
  let protocol = "";
  const transportHears = server.connect.bind(server);
  server.connect = async (transport) => {
    const send = transport.send.bind(transport);
    transport.send = (message, options) => {
      const result = "result" in message ? message.result : undefined;
      if (typeof result?.["protocolVersion"] === "string") protocol = result["protocolVersion"];
      return send(message, options);
    };
    await transportHears(transport);
  };
  return () => {
    const { name = "", version: release = "" } = server.getClientVersion() ?? {};
    return { name, version: release, protocol };
  };
}
