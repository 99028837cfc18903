import { useSignalEffect } from "@preact/signals";
import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";
import { askingOf } from "../model/request.ts";
import { usePage } from "./context.ts";
import { LedgeNotice } from "./ledge-notice.tsx";
import { Rail } from "./rail.tsx";
import { SettingsLine } from "./settings-line.tsx";
import { Slot } from "./slot.tsx";
import { Tray } from "./tray.tsx";

/** One box and one button; what is in front of you decides what the button does. */
export function Ledge() {
  const page = usePage();
  const form = useRef<HTMLFormElement>(null);
  const [rest, setRest] = useState(true);
  const [lack, setLack] = useState<string>();
  const [pressed, setPressed] = useState(false);
  useHeight(form);
  usePressOutside(form, () => setRest(true));
  const { verb, question } = askingOf(page.tool.value, page.catalogue.tools.value);
  const hasPicture =
    page.draft.slot.value.at !== "empty" || page.source.picture.value !== undefined;
  useSignalEffect(() => {
    page.draft.prompt.value;
    page.maskMaker.value;
    setLack(undefined);
  });
  const submit = async () => {
    if (pressed) return;
    setPressed(true);
    try {
      const missing = await page.press();
      setLack(missing);
      // A phone has no room for both: the picture in the making comes first.
      if (missing === undefined && innerWidth < 600) {
        (document.activeElement as HTMLElement | null)?.blur();
        setRest(true);
      }
    } catch (error) {
      page.fail(error);
    } finally {
      setPressed(false);
    }
  };
  if (!page.catalogue.mayGenerate.value) {
    return (
      <div class="ledge" ref={form as never}>
        <p class="bench look-only">This key may look, not paint.</p>
      </div>
    );
  }
  return (
    <form
      class={`ledge${hasPicture ? " has-pic" : ""}${rest && !page.trayOpen.value ? " rest" : ""}`}
      aria-label="Make a picture"
      ref={form}
      onFocusIn={(event) => {
        // The button must not move from under the finger that presses it.
        if (!(event.target as HTMLElement).matches(".go")) setRest(false);
      }}
      onFocusOut={({ relatedTarget: next }) => {
        if (next instanceof Node && !form.current?.contains(next)) setRest(true);
      }}
      onSubmit={(event) => {
        event.preventDefault();
        void submit();
      }}
    >
      <Rail />
      <LedgeNotice />
      {page.trayOpen.value && <Tray />}
      <div class="bench">
        <Slot />
        <div class="words">
          <label class="vh" for="prompt">
            {question}
          </label>
          <Prompt placeholder={question} lack={lack} />
        </div>
        <button
          type="submit"
          class="go"
          aria-keyshortcuts="Control+Enter Meta+Enter"
          aria-busy={pressed}
        >
          {verb}
          <span aria-hidden="true">
            <kbd>{isMac() ? "⌘" : "Ctrl"} ↵</kbd>
          </span>
        </button>
        <SettingsLine lack={lack} />
      </div>
    </form>
  );
}

function Prompt({ placeholder, lack }: { placeholder: string; lack: string | undefined }) {
  const { draft } = usePage();
  const area = useRef<HTMLTextAreaElement>(null);
  const value = draft.prompt.value;
  useLayoutEffect(() => {
    const element = area.current;
    if (!element || CSS.supports("field-sizing", "content")) return;
    element.style.height = "auto";
    element.style.height = `${element.scrollHeight}px`;
  }, [value]);
  useEffect(() => {
    if (lack !== undefined) area.current?.focus();
  }, [lack]);
  return (
    <textarea
      id="prompt"
      rows={1}
      ref={area}
      placeholder={placeholder}
      value={value}
      spellcheck={false}
      aria-describedby={lack === undefined ? undefined : "lack"}
      onInput={(event) => {
        draft.prompt.value = event.currentTarget.value;
      }}
    />
  );
}

function usePressOutside(form: { current: HTMLElement | null }, act: () => void): void {
  useLayoutEffect(() => {
    const onPress = ({ target }: PointerEvent) => {
      if (target instanceof Node && !form.current?.contains(target)) act();
    };
    document.addEventListener("pointerdown", onPress);
    return () => document.removeEventListener("pointerdown", onPress);
  }, []);
}

/** Others leave room for the ledge, however high it is. */
function useHeight(form: { current: HTMLElement | null }): void {
  useLayoutEffect(() => {
    const element = form.current;
    if (!element) return undefined;
    const tell = () => {
      document.documentElement.style.setProperty("--ledge-h", `${element.offsetHeight}px`);
    };
    // A keyboard on the screen covers what is fixed to the foot of the window.
    const lift = () => {
      const view = visualViewport;
      const covered = view ? Math.max(0, innerHeight - view.height - view.offsetTop) : 0;
      document.documentElement.style.setProperty("--keyboard", `${covered}px`);
    };
    tell();
    visualViewport?.addEventListener("resize", lift);
    const observer = new ResizeObserver(tell);
    observer.observe(element);
    return () => {
      observer.disconnect();
      visualViewport?.removeEventListener("resize", lift);
    };
  }, []);
}

function isMac(): boolean {
  return /Mac|iPhone|iPad/.test(navigator.userAgent);
}
