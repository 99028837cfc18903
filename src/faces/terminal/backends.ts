import { AppError, refusal } from "../../errors.ts";
import type { BackendState } from "../../studio/backend-states.ts";
import type { Studio } from "../../studio/studio.ts";

/**
 * What `comfy-easel backends` prints: each ComfyUI, as it answers and as the data folder knows it.
 * With `drain` or `undrain` and a name that is written down there first, for every server of it.
 */
export async function backends(
  studio: Studio,
  [action, name]: readonly string[],
  isJson: boolean,
): Promise<string> {
  if (action !== undefined) await drain(studio, action, name);
  const all = await studio.backends("all");
  return isJson ? JSON.stringify({ backends: all }, undefined, 2) : table(all);
}

async function drain(studio: Studio, action: string, name: string | undefined): Promise<void> {
  if (action !== "drain" && action !== "undrain") {
    throw refusal(`backends: expected drain or undrain, got ${JSON.stringify(action)}.`);
  }
  if (name === undefined) throw refusal(`backends ${action}: which one? Give its name.`);
  if (studio.notice !== undefined) throw new AppError("storage", studio.notice);
  try {
    await studio.drain(name, action === "drain");
  } catch (error) {
    if (!(error instanceof AppError) || error.code !== "not_found") throw error;
    throw refusal(
      `${error.message} Give this command the --comfyui-url or --backends and the --data-dir of the server.`,
    );
  }
}

const columns: [title: string, of: (backend: BackendState) => string][] = [
  ["NAME", ({ name }) => name],
  [
    "STATE",
    ({ state, drained }) => (state !== "draining" && drained ? `${state}, drained` : state),
  ],
  ["VERSION", ({ version }) => version ?? ""],
  ["GPU", ({ gpu }) => gpu ?? ""],
  ["FREE", ({ vramFree, vramTotal }) => memory(vramFree, vramTotal)],
  ["RUNS", ({ running }) => String(running ?? "")],
  ["WAIT", ({ waiting }) => String(waiting ?? "")],
  ["STEP", ({ stepMs }) => steps(stepMs)],
  [
    "LABELS",
    ({ labels = {} }) =>
      Object.entries(labels)
        .map((each) => each.join("="))
        .join(" "),
  ],
];

function table(all: readonly BackendState[]): string {
  const cells = all.map((backend) => columns.map(([, of]) => of(backend)));
  const used = columns.flatMap(([title], i) => {
    const width = Math.max(title.length, ...cells.map((row) => row[i]?.length ?? 0));
    return cells.some((row) => row[i]) ? [{ i, title, width }] : [];
  });
  const line = (of: (column: { i: number; title: string }) => string) =>
    used
      .map((column) => of(column).padEnd(column.width))
      .join("  ")
      .trimEnd();
  const problems = all.flatMap(({ name, problem }) => (problem ? [`${name}: ${problem}`] : []));
  return [
    line(({ title }) => title),
    ...cells.map((row) => line(({ i }) => row[i] ?? "")),
    ...problems,
  ].join("\n");
}

function memory(free: number | undefined, total: number | undefined): string {
  if (free === undefined || total === undefined) return "";
  return `${(free / 2 ** 30).toFixed(1)} of ${(total / 2 ** 30).toFixed(1)} GB`;
}

/** The quickest and the slowest of its workflows. */
function steps(stepMs: Readonly<Record<string, number>>): string {
  const all = Object.values(stepMs).sort((a, b) => a - b);
  const [least, most] = [all[0], all.at(-1)];
  if (least === undefined || most === undefined) return "";
  const worded = [...new Set([least, most].map((ms) => String(Math.round(ms))))];
  return `${worded.join("-")} ms`;
}
