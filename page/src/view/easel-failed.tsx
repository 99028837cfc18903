import type { NewTask } from "../client.ts";
import { addressOf } from "../model/route.ts";
import type { ErrorRecord } from "../records.ts";
import { usePage } from "./context.ts";
import { Icon } from "./icons.tsx";
import { Preview } from "./preview.tsx";

interface Props {
  title: string;
  ratio: number;
  /** What came of it, in a few words. */
  over: string;
  error: ErrorRecord;
  request: NewTask;
  taskId?: string;
}

/** What went wrong, what is kept, and the ways out, the best one first. */
export function EaselFailed({ title, ratio, over, error, request, taskId }: Props) {
  const page = usePage();
  const cancelled = error.code === "cancelled";
  const [headline, ...rest] = sentences(error.message);
  const repeat = (set: Record<string, unknown> = {}) => {
    const next = { tool: request.tool, arguments: { ...request.arguments, ...set } };
    void page.paint(next, title, ratio).catch((problem) => page.fail(problem));
  };
  const ways = error.ways ?? [];
  return (
    <section class="stage" aria-label="On the easel" style={{ "--ar": ratio }}>
      <div class="board torn">
        {taskId && page.previews.bitmap(taskId).peek() && (
          <Preview taskId={taskId} label="The last preview before it ended" />
        )}
        {!cancelled && (
          <span class="cross">
            <Icon name="warn" />
          </span>
        )}
      </div>
      <div class="say">
        <p class="over">{over}</p>
        <h2 class="title">{title}</h2>
        <div class={`reason${cancelled ? " calm" : ""}`} role={cancelled ? "status" : "alert"}>
          <strong>{headline}</strong>
          {rest.length > 0 && <p>{rest.join(" ")}</p>}
        </div>
        <div class="btns">
          {ways.map((way) => (
            <button type="button" class="btn ink" key={way.label} onClick={() => repeat(way.set)}>
              {way.label}
            </button>
          ))}
          <button
            type="button"
            class={`btn${ways.length > 0 ? "" : " ink"}`}
            onClick={() => repeat()}
          >
            {cancelled ? "Paint it after all" : "Try again"}
          </button>
          {error.code === "not_ready" && (
            <a class="btn" href={addressOf({ at: "workflows" })}>
              What to download
            </a>
          )}
          <button type="button" class="btn bare" onClick={() => page.easel.dismiss()}>
            Dismiss
          </button>
        </div>
        {error.detail && (
          <details>
            <summary>What ComfyUI said</summary>
            <pre>{error.detail}</pre>
          </details>
        )}
      </div>
    </section>
  );
}

/** A full stop ends a sentence only before a space and a capital: "FLUX.1 dev" stays whole. */
function sentences(text: string): string[] {
  return text.split(/(?<=[.!?])\s+(?=\p{Lu}|\p{Ll}+ has)/u);
}
