import { ComfyClient } from "./client.ts";
import { parseTarget } from "./target.ts";

/** ComfyUI's own port, that of ComfyUI Desktop, and the one behind the usual container images. */
export const usualPorts: readonly number[] = [8188, 8000, 18188];

/** Where ComfyUIs on this machine answer, in the order of the ports; looks for `withinMs` at the most. */
export async function nearby(ports = usualPorts, withinMs = 500): Promise<string[]> {
  const urls = ports.map((port) => `http://127.0.0.1:${port}`);
  const asked = await Promise.all(urls.map((url) => answers(url, withinMs)));
  return urls.filter((_, i) => asked[i]);
}

async function answers(url: string, withinMs: number): Promise<boolean> {
  const client = new ComfyClient(parseTarget(url));
  try {
    await client.systemStats(withinMs);
    return true;
  } catch {
    return false;
  } finally {
    await client.close();
  }
}
