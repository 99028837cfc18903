import { execInfo, readPrompt } from "../../as-comfyui/prompt-request.ts";
import { json, type NoReply, type Reply, serverError } from "../../as-comfyui/reply.ts";
import { validatePrompt } from "../../as-comfyui/validate.ts";
import { jsonBody, type Request } from "../http/request.ts";
import type { Route } from "../http/router.ts";
import type { Parts } from "../parts.ts";

export const promptRoutes: Route[] = [
  { method: "GET", path: "/prompt", handle: (_, { queue }) => json(execInfo(queue.remaining)) },
  { method: "POST", path: "/prompt", handle: postPrompt },
];

function postPrompt(request: Request, parts: Parts): Reply | NoReply {
  const { catalog, disk, version } = parts;
  const source = request.headers["comfy-usage-source"];
  const read = readPrompt(
    jsonBody(request),
    () => parts.counter++,
    typeof source === "string" ? source : undefined,
    version,
  );
  if ("status" in read) return read;
  const { graph, number, promptId, targets, extraData } = read;
  const verdict = validatePrompt(graph, targets, {
    info: (name) => catalog.info(name),
    ownCheck: (name) => catalog.ownCheck(name, disk),
    version,
  });
  if (verdict.error) {
    return json({ error: verdict.error, node_errors: verdict.nodeErrors }, 400);
  }
  const { shown, sensitive } = extraData;
  parts.queue.put({ item: [number, promptId, graph, shown, verdict.outputs], sensitive });
  parts.wake();
  const failure = parts.faults.takeAcceptThenFail();
  if (failure) return failure === "500" ? serverError : failure;
  return json({ prompt_id: promptId, number, node_errors: verdict.nodeErrors });
}
