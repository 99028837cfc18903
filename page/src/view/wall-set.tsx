import { useRef, useState } from "preact/hooks";
import { frameKey, framesOf } from "../model/hanging.ts";
import { resultsOf } from "../model/media.ts";
import { addressOf } from "../model/route.ts";
import { isNew } from "../model/seen.ts";
import type { PlacedSet } from "../model/wall-layout.ts";
import { clock, progressWords, titleOf, whoAsked } from "../model/words.ts";
import { hasEnded, type PictureRecord, type Task } from "../records.ts";
import { usePage } from "./context.ts";
import { Icon } from "./icons.tsx";
import { Thumb } from "./media.tsx";
import { Preview } from "./preview.tsx";
import { QuickBar } from "./quick-bar.tsx";

interface Props {
  task: Task;
  placed: PlacedSet;
  top: number;
  height: number;
  position: number;
  of: number;
  /** The frame in this set that Tab reaches. */
  tabStop: string | undefined;
}

const longPress = 500;

export function WallSet({ task, placed, top, height, position, of, tabStop }: Props) {
  const page = usePage();
  const [hot, setHot] = useState<number>();
  const count = framesOf(task);
  const chosen = page.selected.value.has(task.id);
  const fresh = isNew(task, page.seen.value);
  const title = titleOf(task);
  const press = useLongPress(() => toggle(page, task));
  const hung = {
    height: `${height}px`,
    gridTemplateColumns: `repeat(${placed.columns}, minmax(0, 1fr))`,
  };
  const place = { left: `${placed.left}px`, top: `${top}px`, width: `${placed.width}px` };
  return (
    <li
      class={`set${arriving(task) ? " arriving" : ""}${fresh ? " new" : ""}${chosen ? " chosen" : ""}`}
      style={place}
      aria-setsize={of}
      aria-posinset={position}
      aria-label={title}
      onPointerLeave={() => setHot(undefined)}
    >
      <div class="hung" style={hung} {...press}>
        {Array.from({ length: count }, (_, i) => (
          <div class="spot" key={frameKey(task, i)} onPointerEnter={() => setHot(i)}>
            <Frame
              task={task}
              i={i}
              count={count}
              width={placed.width / placed.columns}
              tabStop={tabStop}
            />
            {hot === i && task.images[i] && placed.width / placed.columns > 150 && (
              <QuickBar task={task} picture={task.images[i]} />
            )}
          </div>
        ))}
      </div>
      {chosen && (
        <span class="tickmark">
          <Icon name="check" />
        </span>
      )}
      <Label task={task} title={title} fresh={fresh} />
    </li>
  );
}

interface FrameProps {
  task: Task;
  i: number;
  count: number;
  width: number;
  tabStop: string | undefined;
}

function Frame({ task, i, count, width, tabStop }: FrameProps) {
  const page = usePage();
  const picture = task.images[i];
  const key = frameKey(task, i);
  const tabIndex = tabStop === key ? 0 : -1;
  const of = count > 1 ? `Picture ${i + 1} of ${count}: ` : "";
  if (picture) {
    return (
      <a
        class="pic"
        href={addressOf({ at: "picture", id: picture.id })}
        tabIndex={tabIndex}
        data-key={key}
        aria-label={of + titleOf(task)}
        style={backOf(picture)}
        onClick={(event) => {
          if (!event.shiftKey && page.selected.value.size === 0) return;
          event.preventDefault();
          toggle(page, task);
        }}
      >
        <Thumb picture={picture} alt="" width={width} />
      </a>
    );
  }
  if (hasEnded(task)) {
    return (
      <button
        type="button"
        class="pic torn"
        tabIndex={tabIndex}
        data-key={key}
        aria-label={`Failed: ${titleOf(task)}. See why.`}
        onClick={() => page.easel.show(task, 1)}
      >
        <Icon name="warn" />
      </button>
    );
  }
  return <Growing task={task} tabIndex={tabIndex} dataKey={key} first={i === task.images.length} />;
}

/** Until it has decoded it hangs as its mean colour; nothing shows through a cut-out. */
function backOf({ color, has_alpha }: PictureRecord): { backgroundColor: string } | undefined {
  return color && !has_alpha ? { backgroundColor: `#${color}` } : undefined;
}

interface GrowingProps {
  task: Task;
  tabIndex: number;
  dataKey: string;
  first: boolean;
}

/** A picture in the making; a press brings it to the easel. */
function Growing({ task, tabIndex, dataKey, first }: GrowingProps) {
  const page = usePage();
  const progress = page.gallery.progressOf(task.id).value;
  const share = (progress?.step ?? 0) / (progress?.steps || 1);
  return (
    <button
      type="button"
      class="pic growing"
      tabIndex={tabIndex}
      data-key={dataKey}
      aria-label={`Not finished: ${titleOf(task)}`}
      onClick={() => page.easel.show(task, (task.width ?? 1) / (task.height ?? 1))}
    >
      {first && task.state === "running" && <Preview taskId={task.id} />}
      {first && <i class="thin" style={{ width: `${share * 100}%` }} />}
    </button>
  );
}

function Label({ task, title, fresh }: { task: Task; title: string; fresh: boolean }) {
  const { gallery } = usePage();
  const count = task.images.length;
  const facts = [whoAsked(task), clock(task.created_at), count > 1 ? resultsOf(task) : undefined];
  const words = hasEnded(task)
    ? facts.filter(Boolean).join(", ")
    : progressWords(task, gallery.progressOf(task.id).value, Date.now()).what;
  return (
    <div class="label">
      <p class="t" title={title}>
        {fresh && <span class="vh">New. </span>}
        {title}
      </p>
      {task.state === "failed" ? (
        <p class="m bad">{task.error?.message ?? "Failed"}</p>
      ) : (
        <p class="m">{words}</p>
      )}
    </div>
  );
}

/** It has just come: it settles into its place, once. */
function arriving(task: Task): boolean {
  return Date.now() - Date.parse(task.created_at) < 3_000;
}

function toggle(page: ReturnType<typeof usePage>, task: Task): void {
  const next = new Set(page.selected.value);
  if (!next.delete(task.id)) next.add(task.id);
  page.selected.value = next;
}

function useLongPress(act: () => void) {
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined);
  const stop = () => clearTimeout(timer.current);
  return {
    onPointerDown: (event: PointerEvent) => {
      if (event.pointerType !== "touch") return;
      timer.current = setTimeout(act, longPress);
    },
    onPointerUp: stop,
    onPointerMove: stop,
    onPointerCancel: stop,
  };
}
