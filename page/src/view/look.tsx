import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";
import { kindOf, ratioOf } from "../model/media.ts";
import { addressOf } from "../model/route.ts";
import { titleOf } from "../model/words.ts";
import type { PictureRecord, Task } from "../records.ts";
import { Compare } from "./compare.tsx";
import { usePage } from "./context.ts";
import { deleteAndStay } from "./delete-and-stay.ts";
import { Icon } from "./icons.tsx";
import { directionOf, isTyping } from "./keys.ts";
import { Player, Thumb } from "./media.tsx";
import { Panel } from "./panel.tsx";
import { usePicture, widthFor } from "./picture.tsx";

/** One picture, as large as there is room, with all that is known of it. */
export function Look({ id }: { id: string }) {
  const page = usePage();
  const [missing, setMissing] = useState<string>();
  const found = page.gallery.lookup(id);
  const known = found !== undefined;
  useEffect(() => {
    if (known) return;
    page.gallery.find(id).then(
      (answer) => setMissing(answer ? undefined : id),
      () => setMissing(id),
    );
  }, [id, known]);
  // Before it is painted: until then a key would still go to the wall behind it.
  useLayoutEffect(() => {
    document.getElementById("look-title")?.focus({ preventScroll: true });
  }, [known]);
  const last = useRef(id);
  last.current = id;
  useEffect(
    () => () => {
      // Back on the wall, the focus is on the picture that was open.
      requestAnimationFrame(() => {
        const key = CSS.escape(last.current);
        document.querySelector<HTMLElement>(`[data-key="${key}"]`)?.focus();
      });
    },
    [],
  );
  if (!found) {
    return (
      <main class="look gone">
        <h1 id="look-title" tabIndex={-1}>
          {missing === id ? "Deleted on another screen" : "Looking for it"}
        </h1>
        <a class="btn" href="#/">
          To the wall
        </a>
      </main>
    );
  }
  return <Shown task={found.task} picture={found.picture} />;
}

function Shown({ task, picture }: { task: Task; picture: PictureRecord }) {
  const page = usePage();
  const [mode, setMode] = useState<"fit" | "full" | "compare">("fit");
  const neighbours = useNeighbours(picture);
  const isPicture = kindOf(picture) === "picture";
  const input = task.inputs?.["image"];
  useLookKeys(neighbours, (key) => {
    if (!isPicture) return;
    if (key === "z") setMode(mode === "full" ? "fit" : "full");
    else if (input) setMode(mode === "compare" ? "fit" : "compare");
  });
  const at = task.images.indexOf(picture);
  const count = task.images.length;
  const tab = (name: typeof mode, words: string, extra = "") => (
    <button
      type="button"
      class={`tb ${extra}`}
      aria-pressed={mode === name}
      onClick={() => setMode(mode === name ? "fit" : name)}
    >
      {words}
    </button>
  );
  return (
    <main class="look">
      <section class="view" aria-label="Picture">
        <div class="bar2">
          <a class="tb" href="#/">
            <Icon name="x" />
            Close
          </a>
          <span class="hide-s quiet">{count > 1 ? `Picture ${at + 1} of ${count}` : ""}</span>
          <span class="sp" />
          {isPicture && tab("fit", "Fit", "hide-s")}
          {isPicture && tab("full", "100 %")}
          {isPicture && input && tab("compare", "Compare")}
          {page.catalogue.mayDelete.value && (
            <button type="button" class="tb bin" onClick={() => deleteAndStay(page, task)}>
              <Icon name="bin" />
              {count > 1 ? `Delete all ${count}` : "Delete"}
            </button>
          )}
        </div>
        <div
          class={`frame${mode === "full" ? " whole" : ""}`}
          style={{ "--ar": ratioOf(picture) }}
          {...(mode === "full" && scrollable)}
        >
          <Turn to={neighbours[0]} side="left" name="Newer" />
          {mode === "compare" && input ? (
            <Compare before={input.id} after={picture} title={titleOf(task)} />
          ) : (
            <Large key={picture.id} picture={picture} alt={titleOf(task)} full={mode === "full"} />
          )}
          <Turn to={neighbours[1]} side="right" name="Older" />
        </div>
        {count > 1 && (
          <nav class="film" aria-label="Pictures of this set">
            {task.images.map((one, i) => (
              <a
                key={one.id}
                href={addressOf({ at: "picture", id: one.id })}
                aria-current={one === picture ? "true" : undefined}
                aria-label={`Picture ${i + 1} of ${count}`}
                style={{ "--ar": ratioOf(one) }}
              >
                <Thumb picture={one} alt="" width={80} />
              </a>
            ))}
          </nav>
        )}
      </section>
      <Panel task={task} picture={picture} />
    </main>
  );
}

/** At 100 % the arrow keys move over the picture, once it has the focus. */
const scrollable = { tabIndex: 0, role: "region", "aria-label": "Picture at 100 %" } as const;

function Large({ picture, alt, full }: { picture: PictureRecord; alt: string; full: boolean }) {
  if (kindOf(picture) !== "picture") return <Player picture={picture} title={alt} />;
  return <Big picture={picture} alt={alt} full={full} />;
}

/** The small one first, the original when it has decoded. */
function Big({ picture, alt, full }: { picture: PictureRecord; alt: string; full: boolean }) {
  const small = usePicture(picture.id, widthFor(480));
  const original = usePicture(picture.id);
  const [ready, setReady] = useState(false);
  useEffect(() => {
    if (original === undefined) return;
    const image = new Image();
    image.src = original;
    image.decode().then(
      () => setReady(true),
      () => setReady(true),
    );
  }, [original]);
  const [width, height] = [picture.width, picture.height];
  return (
    <img
      class={`big${picture.has_alpha ? " clear" : ""}${full ? " full" : ""}`}
      src={ready ? original : small}
      alt={alt}
      width={width}
      height={height}
      style={picture.color && !ready ? { backgroundColor: `#${picture.color}` } : undefined}
    />
  );
}

interface TurnProps {
  to: string | undefined;
  side: "left" | "right";
  name: string;
}

function Turn({ to, side, name }: TurnProps) {
  if (to === undefined) return <span class={`turn ${side}`} />;
  return (
    <a class={`turn ${side}`} href={addressOf({ at: "picture", id: to })} aria-label={name}>
      <Icon name={side} />
    </a>
  );
}

/** The pictures before and after it on the wall. */
function useNeighbours(picture: PictureRecord): [string | undefined, string | undefined] {
  const { gallery } = usePage();
  const ids = gallery.tasks.value.flatMap(({ images }) => images.map(({ id }) => id));
  const at = ids.indexOf(picture.id);
  return [ids[at - 1], at < 0 ? undefined : ids[at + 1]];
}

function useLookKeys(
  [newer, older]: [string | undefined, string | undefined],
  mode: (key: "c" | "z") => void,
): void {
  const page = usePage();
  const onKey = (event: KeyboardEvent) => {
    const turn = { left: newer, right: older }[directionOf(event) as string];
    const letter = page.singleKeys.value ? modeLetter(event) : undefined;
    if (turn !== undefined) page.go({ at: "picture", id: turn });
    if (letter !== undefined) mode(letter);
    if (turn ?? letter) event.preventDefault();
  };
  // Before it is painted: a key pressed at what is seen must not be lost.
  useLayoutEffect(() => {
    const listen = (event: KeyboardEvent) => {
      if (!event.defaultPrevented && !isElsewhere(event)) onKey(event);
    };
    addEventListener("keydown", listen);
    return () => removeEventListener("keydown", listen);
  });
}

/** A field, the ledge, or something on top of the picture has the key. */
function isElsewhere({ target }: KeyboardEvent): boolean {
  if (isTyping(target) || document.querySelector("dialog[open], .popover")) return true;
  return target instanceof HTMLElement && target.closest(".ledge, input, .whole") !== null;
}

function modeLetter({ key, ctrlKey, metaKey, altKey }: KeyboardEvent): "c" | "z" | undefined {
  if (ctrlKey || metaKey || altKey) return undefined;
  return key === "c" || key === "z" ? key : undefined;
}
