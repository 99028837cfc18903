import type { Progress, Task } from "../records.ts";

export interface ProgressWords {
  what: string;
  /** How long so far, how long to go: only what is known. */
  time: string;
}

/** Where a task is, in the page's words. `now` in milliseconds. */
export function progressWords(
  task: Task,
  progress: Progress | undefined,
  now: number,
): ProgressWords {
  if (!progress || progress.phase === "queued") {
    const ahead = progress?.ahead;
    const what = ahead === undefined || ahead === null ? "Waiting" : aheadWords(ahead);
    return { what, time: toGo(progress?.seconds_left, "about ") };
  }
  if (progress.phase === "waiting") return { what: "ComfyUI is away. This task waits.", time: "" };
  const since = task.started_at ? Math.max(0, now - Date.parse(task.started_at)) : undefined;
  const soFar = since === undefined || since < 1000 ? "" : `${seconds(since / 1000)} so far`;
  const left = toGo(progress.seconds_left, "about ", " to go");
  return { what: activityWords(task, progress), time: [soFar, left].filter(Boolean).join(", ") };
}

function aheadWords(ahead: number): string {
  return ahead === 0 ? "Next in line" : `${ahead} ahead`;
}

function toGo(left: number | null | undefined, before: string, after = ""): string {
  return left === undefined || left === null ? "" : `${before}${seconds(left)}${after}`;
}

function activityWords(task: Task, progress: Progress): string {
  const steps = progress.steps ? `, step ${progress.step ?? 0} of ${progress.steps}` : "";
  switch (progress.activity) {
    case "loading":
      return `Loading ${task.workflow_title ?? task.workflow}`;
    case "reading":
      return "Reading the prompt";
    case "painting":
      return `Painting${steps}`;
    case "decoding":
      return "Finishing";
    case "saving":
      return "Saving";
    case "other":
      return progress.message || "Working";
    default:
      return "Starting";
  }
}

/** A length of time, as long as it needs to be: "8 s", "1 min 5 s", "2 h 10 min". */
export function seconds(count: number): string {
  const whole = Math.max(0, Math.round(count));
  if (whole < 60) return `${whole} s`;
  if (whole < 3600) {
    return whole % 60 === 0
      ? `${Math.floor(whole / 60)} min`
      : `${Math.floor(whole / 60)} min ${whole % 60} s`;
  }
  return `${Math.floor(whole / 3600)} h ${Math.floor((whole % 3600) / 60)} min`;
}

export function bytesWords(bytes: number): string {
  if (bytes >= 1e9) return `${(bytes / 1e9).toFixed(1)} GB`;
  if (bytes >= 1e6) return `${(bytes / 1e6).toFixed(1)} MB`;
  return `${Math.max(1, Math.round(bytes / 1e3))} kB`;
}

export function pictures(count: number): string {
  return count === 1 ? "1 picture" : `${count} pictures`;
}

const twoDigits: Intl.DateTimeFormatOptions = {
  hour: "2-digit",
  minute: "2-digit",
  hourCycle: "h23",
};

export function clock(iso: string): string {
  return new Date(iso).toLocaleTimeString("en-GB", twoDigits);
}

/** "Today", "Yesterday", "Monday", "3 March", "3 March 2024". */
export function dayName(iso: string, now: Date): string {
  const day = new Date(iso);
  const days = Math.round((midnight(now) - midnight(day)) / 86_400_000);
  if (days === 0) return "Today";
  if (days === 1) return "Yesterday";
  if (days > 1 && days < 7) return day.toLocaleDateString("en-GB", { weekday: "long" });
  return day.toLocaleDateString("en-GB", {
    day: "numeric",
    month: "long",
    ...(day.getFullYear() !== now.getFullYear() && { year: "numeric" }),
  });
}

function midnight(day: Date): number {
  return new Date(day.getFullYear(), day.getMonth(), day.getDate()).getTime();
}

/** Who asked, to be shown; undefined where the server does not know. */
export function whoAsked(task: Task): string | undefined {
  if (task.via === "page") return "You";
  return task.client ?? undefined;
}

/** The words a task goes by: its prompt, or what was done to which picture. */
export function titleOf(task: Task): string {
  if (task.prompt) return task.prompt;
  return task.label ?? verbs[task.tool] ?? task.tool.replaceAll("_", " ");
}

const verbs: Readonly<Record<string, string>> = {
  remove_background: "Cut out",
  upscale: "Enlarged",
  outpaint: "Painted beyond",
  img2img: "Changed",
  inpaint: "Repainted",
};
