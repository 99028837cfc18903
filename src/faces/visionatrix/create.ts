import { messageOf } from "../../errors.ts";
import type { Studio } from "../../studio/studio.ts";
import type { Task } from "../../tasks/task.ts";
import { HttpProblem, NotHere } from "../shared/fastapi.ts";
import { type Call, levelOf } from "./call.ts";
import type { VisionatrixContext, VisionatrixParts } from "./env.ts";
import { installedFlow, outputsOf, refuseUnlessReady } from "./flows.ts";
import { type Form, readForm, readStandard, type Standard } from "./form.ts";
import { type Mapped, mapCall } from "./map.ts";
import { webhookAddress } from "./webhook.ts";

/** Clients give up after 5 s; a ComfyUI that is being started is not waited for longer. */
const patienceMs = 2_000;

/** `PUT /tasks/create/{name}` */
export async function create(c: VisionatrixContext, parts: VisionatrixParts): Promise<Response> {
  return c.json(createdOf(await createAll(c, parts)));
}

function createdOf(calls: readonly Call[]): object {
  const warnings = calls[0]?.warnings ?? [];
  return {
    tasks_ids: calls.map(({ number }) => number),
    outputs: (calls[0]?.outputs ?? []).map(({ id, type }) => unfinished(id, type)),
    ...(warnings.length > 0 ? { warnings } : {}),
  };
}

/** An output before its results are there. */
export function unfinished(id: number, type: string): object {
  return { comfy_node_id: id, type, file_size: -1, batch_size: -1 };
}

/** The tasks of a call on record, or none of them; `one`: it may ask for no more. */
export async function createAll(
  c: VisionatrixContext,
  parts: VisionatrixParts,
  one = false,
): Promise<Call[]> {
  const studio = c.get("studio");
  const form = await readForm(c);
  const standard = readStandard(form);
  if (one && standard.count > 1) {
    throw new HttpProblem(400, "Synchronous execution does not support count > 1.");
  }
  refuseSurprise(form);
  const flow = await installedFlow(studio, c.req.param("name") ?? "");
  const webhook = webhookIn(standard);
  const mapped = await mapCall(studio, parts.tools(studio), flow, form);
  refuseUnlessReady(flow, mapped.state);
  const parent = parentOf(standard, mapped);
  const { workflow } = mapped.state;
  const hasSeed = Object.hasOwn(workflow.parameters, "seed");
  const shared = {
    face: "visionatrix" as const,
    flow: flow.name,
    files: mapped.files,
    outputs: outputsOf(flow, workflow),
    group: standard.group,
    priority: standard.priority,
    ...(parent ? { parent } : {}),
    warnings: [...mapped.warnings, ...warningsOf(standard, c)],
  };
  const calls: Call[] = [];
  const made: Task[] = [];
  try {
    for (let i = 0; i < standard.count; i += 1) {
      const number = await studio.numbered.next();
      const seed = standard.seed === undefined || !hasSeed ? {} : { seed: standard.seed + i };
      const call: Call = { ...shared, number, params: { ...mapped.params, ...seed } };
      const options = {
        call: { ...call },
        webhook,
        priority: levelOf(call),
        patienceMs,
        signal: c.req.raw.signal,
      };
      const task = await studio.submit(workflow.tool, { ...mapped.request, ...seed }, options);
      made.push(task);
      await studio.numbered.give(number, task, parent?.task);
      calls.push(call);
    }
  } catch (error) {
    await studio.numbered.forget(calls.map(({ number }) => number));
    await withdraw(studio, made, error);
  }
  return calls;
}

function refuseSurprise({ texts }: Form): void {
  if (texts.get("surprise_me") === "1") {
    throw new NotHere("surprise_me: no language model writes prompts here.");
  }
  texts.delete("surprise_me");
}

/** The caller is told of no task, so none is left. */
async function withdraw(studio: Studio, made: readonly Task[], error: unknown): Promise<never> {
  for (const { id } of made) {
    await studio.cancel(id).catch((problem) => {
      throw new Error(`${messageOf(error)} (and ${id} goes on: ${messageOf(problem)})`);
    });
  }
  throw error;
}

function parentOf({ isChild }: Standard, { files, parent }: Mapped): Call["parent"] {
  if (!isChild) return undefined;
  if (parent) return parent;
  const start = files.length > 0 ? "Invalid input file" : "No input file provided";
  throw new HttpProblem(400, `${start}. Use the parent task's node ID.`);
}

function webhookIn({ webhookUrl, webhookHeaders }: Standard) {
  if (webhookUrl === "") return undefined;
  const headers = webhookHeaders === "" ? {} : { headers: headersIn(webhookHeaders) };
  return { url: webhookAddress(webhookUrl), ...headers, shape: "visionatrix" };
}

function headersIn(text: string): Record<string, string> {
  let given: unknown;
  try {
    given = JSON.parse(text);
  } catch {
    given = undefined;
  }
  if (typeof given !== "object" || given === null || Array.isArray(given)) {
    throw new HttpProblem(400, "webhook_headers: expected a JSON object of headers.");
  }
  const headers = Object.entries(given).map(([name, value]) => [name, String(value)] as const);
  if (headers.some(([name]) => name.toLowerCase() === "x-transport-uds")) {
    throw new HttpProblem(
      400,
      "webhook_headers: x-transport-uds is not taken: no socket of this machine is called.",
    );
  }
  return Object.fromEntries(headers);
}

const workerHeaders = [
  "x-worker-id",
  "x-worker-unload-models",
  "x-worker-execution-profiler",
  "x-federated-task",
];

function warningsOf({ translate }: Standard, c: VisionatrixContext): string[] {
  const headers = workerHeaders.filter((name) => c.req.header(name) !== undefined);
  return [
    ...(translate ? ["translate has no effect: prompts go to the model as they are."] : []),
    ...headers.map((name) => `${name} has no effect: there are no workers to choose from.`),
  ];
}
