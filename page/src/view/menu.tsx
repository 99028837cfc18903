import { useRef } from "preact/hooks";
import { addressOf } from "../model/route.ts";
import { usePage } from "./context.ts";
import { Icon } from "./icons.tsx";
import { Popover, usePopover } from "./popover.tsx";
import { useTheme } from "./theme.ts";

export function Menu() {
  const page = usePage();
  const button = useRef<HTMLButtonElement>(null);
  const { open, toggle, close } = usePopover();
  const [theme, setTheme] = useTheme(page.storage);
  const me = page.catalogue.me.value;
  return (
    <>
      <button
        type="button"
        class="tb"
        ref={button}
        aria-label="Menu"
        aria-haspopup="dialog"
        aria-expanded={open}
        onClick={toggle}
      >
        <Icon name="menu" />
      </button>
      {open && (
        <Popover label="Menu" anchor={button} close={close} below>
          <fieldset class="choices row-of">
            <legend>Theme</legend>
            {(["system", "light", "dark"] as const).map((name) => (
              <button
                type="button"
                class="choice"
                key={name}
                aria-pressed={theme === name}
                onClick={() => setTheme(name)}
              >
                {{ system: "System", light: "Light", dark: "Dark" }[name]}
              </button>
            ))}
          </fieldset>
          <a class="item only-m" href={addressOf({ at: "workflows" })} onClick={close}>
            Workflows
          </a>
          <button
            type="button"
            class="item"
            onClick={() => {
              close();
              page.shortcutsOpen.value = true;
            }}
          >
            Keyboard shortcuts <kbd>?</kbd>
          </button>
          <button
            type="button"
            class="item"
            onClick={() => {
              close();
              page.keyOpen.value = true;
            }}
          >
            Key of this server
          </button>
          <label class="item tick-line">
            <input
              type="checkbox"
              checked={page.singleKeys.value}
              onChange={(event) => page.setSingleKeys(event.currentTarget.checked)}
            />
            Single letters as shortcuts
          </label>
          {me && (
            <p class="about">
              comfy-easel {me.version}
              {me.name ? `, key ${me.name}` : ""}
              {me.demo ? ". Demo: an emulator draws these. No model is used." : ""}
            </p>
          )}
        </Popover>
      )}
    </>
  );
}
