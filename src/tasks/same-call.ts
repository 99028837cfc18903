import { createHash } from "node:crypto";
import { AppError } from "../errors.ts";
import { canonicalJson } from "../workflows/graph.ts";
import type { Taken } from "./recorder.ts";
import type { TaskStore } from "./store/store.ts";
import type { Task } from "./task.ts";

const longestWord = 200;

/** What tells a call that is made again: its key, and what it asked for. Throws `invalid_input`. */
export function idempotencyOf(
  tool: string,
  request: unknown,
  { idempotencyKey, label }: { idempotencyKey?: string | undefined; label?: string | undefined },
): Task["idempotency"] {
  if (idempotencyKey === undefined) return undefined;
  const key = word("idempotency key", idempotencyKey);
  const call = canonicalJson({ tool, request, ...(label === undefined ? {} : { label }) });
  const digest = createHash("sha256").update(call).digest("hex");
  return { key, digest };
}

/** What had been made by the same call; undefined for a new one. Throws `idempotency_conflict`. */
export async function knownCall(
  store: TaskStore,
  caller: string,
  idempotency: Task["idempotency"],
): Promise<Taken | undefined> {
  if (!idempotency) return undefined;
  const task = await store.withKey(caller, idempotency.key);
  const recipe = task && (await store.recipe(task.recipe));
  return task && recipe && { task: sameCall(task, idempotency), recipe, isNew: false };
}

/** The earlier task, unless the key was used for another call. Throws `idempotency_conflict`. */
export function sameCall(task: Task, idempotency: Task["idempotency"]): Task {
  if (task.idempotency?.digest === idempotency?.digest) return task;
  throw new AppError(
    "idempotency_conflict",
    `idempotency key: ${JSON.stringify(idempotency?.key)} was used for task ${task.id} with other arguments; take a new key for a new picture.`,
  );
}

/** A short text of the caller's own, on one line. */
export function word(name: string, text: string): string {
  if (text.length > 0 && text.length <= longestWord && /^\P{Cc}*$/u.test(text)) return text;
  throw new AppError(
    "invalid_input",
    `${name}: expected 1 to ${longestWord} characters on one line, got ${text.length}.`,
  );
}
