import type { Studio } from "../../studio/studio.ts";
import { Unprocessable } from "../shared/fastapi.ts";
import type { FooocusContext } from "./env.ts";
import { via } from "./tasks.ts";

/** Fooocus makes one picture at a time; of several at once the oldest is meant. */
const mostRunning = 500;

/** `POST /v1/engine/control?action=stop|skip`, in the words of the original. */
export async function control(c: FooocusContext): Promise<Response> {
  const action = c.req.query("action");
  if (action === undefined) {
    const loc = ["query", "action"];
    throw new Unprocessable([{ type: "missing", loc, msg: "Field required", input: null }]);
  }
  if (action !== "stop" && action !== "skip") {
    return c.json({ message: "Invalid control action" });
  }
  const studio = c.get("studio");
  const id = await runningId(studio);
  if (id === undefined) return c.json({ message: "No task running" });
  if (action === "skip" && (await studio.skip(id))) return c.json({ message: "task skiped" });
  await studio.cancel(id);
  return c.json({ message: "task stoped" });
}

/** The older `POST /v1/generation/stop`. */
export async function stop(c: FooocusContext): Promise<Response> {
  const studio = c.get("studio");
  const id = await runningId(studio);
  if (id !== undefined) await studio.cancel(id);
  return c.json({ msg: "success" });
}

async function runningId(studio: Studio): Promise<string | undefined> {
  const { tasks } = await studio.list({ states: ["running"], via }, mostRunning);
  return tasks.at(-1)?.id;
}
