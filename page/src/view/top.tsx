import { useEffect, useRef, useState } from "preact/hooks";
import type { Whose } from "../model/gallery.ts";
import { addressOf } from "../model/route.ts";
import { usePage } from "./context.ts";
import { Icon } from "./icons.tsx";
import { Menu } from "./menu.tsx";

export function Top() {
  const page = usePage();
  const { gallery } = page;
  const empty = isEmpty(page);
  const [finding, setFinding] = useState(false);
  return (
    <header class={`top${finding ? " finding" : ""}`}>
      <a class="mark" aria-label="comfy-easel, the wall" href="#/">
        <Icon name="mark" />
        <span>comfy-easel</span>
      </a>
      {!empty && <Find />}
      {!empty && (
        <fieldset class="who hide-m">
          <legend class="vh">Whose pictures</legend>
          {whose.map(([value, name]) => (
            <button
              type="button"
              class="tb"
              key={value}
              aria-pressed={gallery.whose.value === value}
              onClick={() => {
                gallery.whose.value = value;
                void gallery.load().catch((error) => page.fail(error));
              }}
            >
              {name}
            </button>
          ))}
        </fieldset>
      )}
      <div class="r">
        {!empty && (
          <button
            type="button"
            class="tb only-s"
            aria-label="Search"
            aria-expanded={finding}
            onClick={() => setFinding(!finding)}
          >
            <Icon name="find" />
          </button>
        )}
        <QueueButton />
        <Gpus />
        <a class="tb hide-m" href={addressOf({ at: "workflows" })}>
          Workflows
        </a>
        <Menu />
      </div>
    </header>
  );
}

const whose: [Whose, string][] = [
  ["everyone", "Everyone"],
  ["mine", "Mine"],
  ["assistants", "Assistants"],
];

/** Nothing was made yet, and nothing is being made. */
export function isEmpty(page: ReturnType<typeof usePage>): boolean {
  const { gallery, easel } = page;
  return (
    !gallery.loading.value &&
    gallery.tasks.value.length === 0 &&
    gallery.search.value === "" &&
    gallery.whose.value === "everyone" &&
    easel.state.value.at === "empty"
  );
}

function Find() {
  const page = usePage();
  const { gallery } = page;
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined);
  useEffect(() => () => clearTimeout(timer.current), []);
  return (
    <label class="find">
      <Icon name="find" />
      <span class="vh">Search prompts, seeds and ids</span>
      <input
        id="find"
        type="search"
        placeholder="Search prompts, seeds, ids"
        value={gallery.search.value}
        onInput={(event) => {
          gallery.search.value = event.currentTarget.value;
          clearTimeout(timer.current);
          timer.current = setTimeout(() => {
            void gallery.load().catch((error) => page.fail(error));
          }, 250);
        }}
      />
    </label>
  );
}

function QueueButton() {
  const { gallery } = usePage();
  const unfinished = gallery.unfinished.value;
  const running = unfinished.filter(({ state }) => state === "running");
  const waiting = unfinished.length - running.length;
  const words = [
    running.length > 0 ? `${running.length} painting` : "",
    waiting > 0 ? `${waiting} waiting` : "",
  ].filter(Boolean);
  const [first] = running;
  const share = first ? (gallery.progressOf(first.id).value?.fraction ?? 0) : 0;
  return (
    <a class="tb strong" href={addressOf({ at: "queue" })}>
      {first ? <Ring share={share} /> : <Icon name="stack" />}
      <span>{words.join(", ") || "Queue"}</span>
    </a>
  );
}

export function Ring({ share }: { share: number }) {
  return (
    <svg class="ring" viewBox="0 0 16 16" aria-hidden="true">
      <circle cx="8" cy="8" r="6" />
      <circle
        class="done"
        cx="8"
        cy="8"
        r="6"
        pathLength="100"
        stroke-dasharray={`${share * 100} 100`}
      />
    </svg>
  );
}

function Gpus() {
  const { catalogue } = usePage();
  const backends = catalogue.backends.value;
  if (backends.length === 0) return null;
  const here = backends.filter(({ state }) => state !== "away").length;
  const [kind, words] = catalogue.away.value
    ? ["off", "ComfyUI is away"]
    : catalogue.nothingReady.value
      ? ["wait", "No model yet"]
      : ["", here === 1 ? "1 GPU ready" : `${here} GPUs ready`];
  return (
    <a class="tb hide-m" href={addressOf({ at: "queue" })}>
      <span class={`dot ${kind}`} />
      {words}
    </a>
  );
}
