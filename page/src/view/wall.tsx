import { useComputed } from "@preact/signals";
import { useEffect, useLayoutEffect, useMemo, useRef, useState } from "preact/hooks";
import {
  dayHeadHeight,
  type Wall as Hung,
  hangs,
  hangWall,
  nextSpot,
  spotsOf,
} from "../model/hanging.ts";
import { usePage } from "./context.ts";
import { DaySection } from "./day.tsx";
import { directionOf, isTyping } from "./keys.ts";
import { useBand } from "./use-band.ts";

/** All that was painted, by days; only what is near the window is in the document. */
export function Wall() {
  const page = usePage();
  const box = useRef<HTMLDivElement>(null);
  const [width, setWidth] = useState(0);
  useLayoutEffect(() => {
    const element = box.current;
    if (!element) return undefined;
    const observer = new ResizeObserver(() => setWidth(element.clientWidth));
    observer.observe(element);
    setWidth(element.clientWidth);
    return () => observer.disconnect();
  }, []);
  const hung = useComputed(() => {
    const state = page.easel.state.value;
    const away = state.at === "task" ? state.id : undefined;
    return page.gallery.tasks.value.filter((task) => task.id !== away && hangs(task));
  });
  const tasks = hung.value;
  const today = new Date().toDateString();
  const wall = useMemo(() => hangWall(tasks, width, new Date()), [tasks, width, today]);
  const [from, to] = useBand(box);
  const focus = useWallKeys(wall, box);
  const { complete, loading } = page.gallery;
  useEffect(() => {
    if (to > wall.height - 400) void page.gallery.more().catch((error) => page.fail(error));
  }, [to, wall.height]);
  return (
    <div class="wall" ref={box}>
      <div class="hangings" style={{ height: `${wall.height}px` }}>
        {width > 0 &&
          wall.days
            .filter((day) => day.top < to && day.top + day.layout.height + dayHeadHeight > from)
            .map((day) => (
              <DaySection
                key={day.name}
                day={day}
                from={from - day.top}
                to={to - day.top}
                tabStop={focus}
              />
            ))}
      </div>
      {loading.value && tasks.length === 0 && <Placeholders />}
      <WallEnd complete={complete.value} loading={loading.value} tasks={tasks.length} />
    </div>
  );
}

/** The list is on its way. Nothing moves: it is there soon. */
function Placeholders() {
  return (
    <div class="placeholders" aria-hidden="true">
      {[1, 1.8, 0.8, 1.5, 1, 0.7, 1.9, 1.2].map((ratio, i) => (
        <i key={`${i}`} style={{ flexGrow: ratio }} />
      ))}
    </div>
  );
}

interface EndProps {
  complete: boolean;
  loading: boolean;
  tasks: number;
}

function WallEnd({ complete, loading, tasks }: EndProps) {
  const page = usePage();
  if (loading || !complete) return null;
  const q = page.gallery.search.value.trim();
  if (tasks > 0) {
    const oldest = page.gallery.tasks.value.at(-1);
    const since = oldest ? new Date(oldest.created_at) : new Date();
    const day = since.toLocaleDateString("en-GB", { day: "numeric", month: "long" });
    return tasks > 8 ? <p class="end-of-wall">That is all, since {day}.</p> : null;
  }
  if (q === "" && page.gallery.whose.value === "everyone") return null;
  return (
    <p class="nothing">
      {q === "" ? "Nothing here from them yet." : `No picture matches “${q}”.`}{" "}
      <button
        type="button"
        class="lnk"
        onClick={() => {
          page.gallery.search.value = "";
          page.gallery.whose.value = "everyone";
          void page.gallery.load().catch((error) => page.fail(error));
        }}
      >
        Show all
      </button>
    </p>
  );
}

/** One Tab stop for the whole wall; arrows move it. Answers the frame that is the stop. */
function useWallKeys(wall: Hung, box: { current: HTMLDivElement | null }): string | undefined {
  const page = usePage();
  const [stop, setStop] = useState<string>();
  const wanted = useRef<string | undefined>(undefined);
  const spots = useMemo(() => spotsOf(wall), [wall]);
  const current = spots.some(({ key }) => key === stop) ? stop : spots[0]?.key;
  // Before it is painted: who sees it may press a key at once.
  useLayoutEffect(() => {
    const element = box.current;
    if (!element) return undefined;
    const onFocus = (event: FocusEvent) => {
      const key = keyOf(event.target);
      if (key !== undefined) setStop(key);
    };
    const onKey = (event: KeyboardEvent) => {
      if (event.key === " " && event.target instanceof HTMLAnchorElement) {
        event.preventDefault();
        event.target.click();
        return;
      }
      const direction = directionOf(event);
      if (!direction || isTyping(event.target) || !page.gallery.tasks.value.length) return;
      const from = keyOf(event.target) ?? current;
      const next = nextSpot(spots, from, direction);
      if (!next) return;
      event.preventDefault();
      if (event.shiftKey) select(page, from, next.key);
      wanted.current = next.key;
      setStop(next.key);
      bringIntoView(element, next.y);
      focusFrame(element, next.key);
    };
    element.addEventListener("focusin", onFocus);
    element.addEventListener("keydown", onKey);
    return () => {
      element.removeEventListener("focusin", onFocus);
      element.removeEventListener("keydown", onKey);
    };
  }, [spots, current]);
  useLayoutEffect(() => {
    const key = wanted.current;
    if (key !== undefined && box.current && focusFrame(box.current, key))
      wanted.current = undefined;
  });
  return current;
}

function keyOf(target: EventTarget | null): string | undefined {
  if (!(target instanceof HTMLElement)) return undefined;
  return target.closest<HTMLElement>("[data-key]")?.dataset["key"];
}

function select(page: ReturnType<typeof usePage>, ...keys: (string | undefined)[]): void {
  const ids = page.gallery.tasks.value
    .filter((task) => keys.some((key) => key?.startsWith(task.id)))
    .map(({ id }) => id);
  page.selected.value = new Set([...page.selected.value, ...ids]);
}

function focusFrame(box: HTMLElement, key: string): boolean {
  const frame = box.querySelector<HTMLElement>(`[data-key="${CSS.escape(key)}"]`);
  frame?.focus({ preventScroll: true });
  return frame !== null;
}

function bringIntoView(box: HTMLElement, y: number): void {
  const at = box.getBoundingClientRect().top + y;
  const middle = (innerHeight - 130) / 2;
  if (at < 120 || at > innerHeight - 260) scrollBy({ top: at - middle, behavior: "instant" });
}
