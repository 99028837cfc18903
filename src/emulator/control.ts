import type { ServerResponse } from "node:http";
import type { FaultSettings, Faults } from "./faults.ts";
import type { Hold } from "./hold.ts";
import type { Request } from "./http/request.ts";

export interface Controlled {
  readonly faults: Faults;
  readonly requests: readonly unknown[];
  hold(classType: string): Hold;
  releaseAll(): void;
  dropSockets(): void;
  restart(): Promise<void>;
}

/** Steers the emulator over HTTP, for tests that run it in a child process. */
export function answerControl(
  emulator: Controlled,
  request: Request,
  response: ServerResponse,
): boolean {
  const action = /^\/emulator\/([a-z-]+)$/.exec(request.path)?.[1];
  if (action === undefined) return false;
  const answer = (status: number, body: unknown) => {
    response.writeHead(status, { "content-type": "application/json", connection: "close" });
    response.end(JSON.stringify(body));
  };
  const body = fields(request);
  const actions: Record<string, () => void> = {
    faults: () => emulator.faults.set(body as FaultSettings),
    hold: () => void emulator.hold(String(body["class_type"])),
    release: () => emulator.releaseAll(),
    "drop-sockets": () => emulator.dropSockets(),
    // Only once the answer is out: the connection it goes through dies as well.
    restart: () => response.once("close", () => void emulator.restart()),
  };
  if (action === "requests") {
    answer(200, emulator.requests);
    return true;
  }
  const act = actions[action];
  act?.();
  answer(act ? 200 : 404, {});
  return true;
}

function fields({ body }: Request): Record<string, unknown> {
  return body.length === 0 ? {} : (JSON.parse(body.toString("utf8")) as Record<string, unknown>);
}
