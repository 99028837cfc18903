import { createServer } from "node:http";
import { expect, onTestFinished, test } from "vitest";
import { nearby } from "../../src/comfy/nearby.ts";
import { startEmulator } from "../support/world.ts";

/** Something else that answers on a port a ComfyUI may have. */
async function other(answer: "page" | "silence"): Promise<number> {
  const server = createServer((_, response) => {
    if (answer === "page") response.end("<!doctype html><title>Mine</title>");
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  const address = server.address();
  if (typeof address !== "object" || !address) throw new Error("no address");
  return address.port;
}

test("a ComfyUI is found among what else listens, in the order of the ports", async () => {
  const [first, second] = [await startEmulator(), await startEmulator()];
  const port = ({ url }: { url: string }) => Number(new URL(url).port);
  const silent = await other("silence");
  const ports = [await other("page"), port(second), port(first)];

  expect(await nearby(ports, 5_000)).toEqual([second.url, first.url]);
  expect(await nearby([silent], 50)).toEqual([]);
});
