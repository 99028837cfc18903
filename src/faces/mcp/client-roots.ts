import { fileURLToPath } from "node:url";
import type { McpServer } from "@modelcontextprotocol/sdk/server/mcp.js";
import { RootsListChangedNotificationSchema } from "@modelcontextprotocol/sdk/types.js";
import { messageOf } from "../../errors.ts";
import type { Log } from "../../log.ts";

/** A client that offers roots and does not name them holds up its calls no longer than this. */
const answerMs = 3_000;

/**
 * Asks the client for its folders, at the start and whenever they change, and hands on the first:
 * where its user works. Returns what a call waits for, so that none starts in a wrong folder.
 */
export function followRoots(
  { server }: McpServer,
  log: Log,
  use: (folder: string | undefined) => void,
): () => Promise<void> {
  let known = Promise.resolve();
  const ask = () => {
    if (!server.getClientCapabilities()?.roots) return;
    known = server
      .listRoots(undefined, { timeout: answerMs })
      .then(({ roots }) => use(firstFolder(roots.map(({ uri }) => uri))))
      .catch((error) => log.debug(`roots/list: ${messageOf(error)}`));
  };
  server.oninitialized = ask;
  server.setNotificationHandler(RootsListChangedNotificationSchema, ask);
  return () => known;
}

function firstFolder(uris: readonly string[]): string | undefined {
  for (const uri of uris) {
    try {
      if (/^file:/i.test(uri)) return fileURLToPath(uri);
    } catch {
      // Of another machine, or no path on this platform.
    }
  }
  return undefined;
}
