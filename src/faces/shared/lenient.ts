import { AppError } from "../../errors.ts";
import type { Task } from "../../tasks/task.ts";
import type { TaskRequest } from "../../workflows/request.ts";

/** How long a ComfyUI that is being started is waited for; proxies cut an answer that takes longer. */
export const patienceMs = 45_000;

export interface Leniency {
  /** Values that a call goes on without where this ComfyUI does not have them: `sampler`, `model`. */
  names: readonly string[];
  /** Told of each that was left out, and why. */
  left(name: string, reason: string): void;
}

/** A name that this ComfyUI does not have is left out and told, as nothing else hangs on it. */
export async function leniently(
  request: TaskRequest,
  { names, left }: Leniency,
  take: (request: TaskRequest) => Promise<Task>,
): Promise<Task> {
  try {
    return await take(request);
  } catch (error) {
    const [, name = "", reason = ""] =
      error instanceof AppError ? (/^(\w+): (.*)$/s.exec(error.message) ?? []) : [];
    const less = names.includes(name) ? without(request, name) : undefined;
    if (!less) throw error;
    left(name, reason.replace(/\.$/, ""));
    return leniently(less, { names, left }, take);
  }
}

/** Undefined where the request does not have it. */
function without(request: TaskRequest, name: string): TaskRequest | undefined {
  const { model, ...rest } = request;
  if (name === "model") return model === undefined ? undefined : rest;
  const { [name]: given, ...parameters } = request.parameters;
  // Without a refiner nobody takes over.
  if (name === "refiner") delete parameters["switch_at_step"];
  return given === undefined ? undefined : { ...request, parameters };
}
