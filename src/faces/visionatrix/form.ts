import { Unprocessable } from "../shared/fastapi.ts";
import type { VisionatrixContext } from "./env.ts";
import { faultIn } from "./faults.ts";

/** What came with a call, by name; of fields that come twice the last counts, as there. */
export interface Form {
  texts: Map<string, string>;
  files: Map<string, File>;
}

/** The fields that every flow has. */
export interface Standard {
  group: number;
  priority: number;
  isChild: boolean;
  translate: boolean;
  count: number;
  seed: number | undefined;
  webhookUrl: string;
  webhookHeaders: string;
}

/** More than anybody waits for, each a task of its own. */
const mostTasks = 100;

const numbers = {
  group_scope: { standard: 1, minimum: 1, maximum: 255 },
  priority: { standard: 0, minimum: 0, maximum: 15 },
  child_task: { standard: 0 },
  translate: { standard: 0 },
  count: { standard: 1, minimum: 1, maximum: mostTasks },
  seed: { standard: -1, minimum: 0 },
} as const;

type NumberName = keyof typeof numbers;

export const standardNames: ReadonlySet<string> = new Set([
  ...Object.keys(numbers),
  "webhook_url",
  "webhook_headers",
]);

/** Multipart or urlencoded; text parts are UTF-8 whatever they say. Throws `Unprocessable`. */
export async function readForm(c: VisionatrixContext): Promise<Form> {
  const form: Form = { texts: new Map(), files: new Map() };
  const type = c.req.header("content-type") ?? "";
  if (!/^(multipart\/form-data|application\/x-www-form-urlencoded)/i.test(type)) {
    if ((await c.req.text()).trim() === "") return form;
    const msg = "The request must use multipart/form-data or application/x-www-form-urlencoded";
    throw new Unprocessable([{ type: "form_type", loc: ["body"], msg, input: type.slice(0, 100) }]);
  }
  const data = await c.req.formData().catch(() => {
    const msg = "There was an error parsing the body";
    throw new Unprocessable([{ type: "form_invalid", loc: ["body"], msg, input: null }]);
  });
  for (const [name, value] of data) {
    if (typeof value === "string") form.texts.set(name, value);
    else form.files.set(name, value);
  }
  return form;
}

/** Throws `Unprocessable` with every fault. */
export function readStandard({ texts }: Form): Standard {
  const entries = Object.entries(numbers).map(([name, { standard, ...limits }]) => {
    const given = texts.get(name);
    const fault = given === undefined ? undefined : faultIn("body", name, given, limits);
    return { name, fault, value: given === undefined ? standard : Number(given) };
  });
  const faults = entries.flatMap(({ fault }) => fault ?? []);
  if (faults.length > 0) throw new Unprocessable(faults);
  const value = (name: NumberName) => entries.find((each) => each.name === name)?.value ?? 0;
  return {
    group: value("group_scope"),
    priority: value("priority"),
    isChild: value("child_task") !== 0,
    translate: value("translate") !== 0,
    count: value("count"),
    seed: texts.has("seed") ? value("seed") : undefined,
    webhookUrl: texts.get("webhook_url")?.trim() ?? "",
    webhookHeaders: texts.get("webhook_headers")?.trim() ?? "",
  };
}
