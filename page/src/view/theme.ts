import { useState } from "preact/hooks";
import type { Storage } from "../model/storage.ts";

export type Theme = "system" | "light" | "dark";

/** Sets the theme on the root element, and follows the system while it is left to it. */
export function applyTheme(theme: Theme): void {
  const dark = theme === "dark" || (theme === "system" && prefersDark().matches);
  document.documentElement.dataset["theme"] = dark ? "dark" : "light";
}

export function followSystem(storage: Storage): void {
  applyTheme(themeIn(storage));
  prefersDark().addEventListener("change", () => applyTheme(themeIn(storage)));
}

export function useTheme(storage: Storage): [Theme, (theme: Theme) => void] {
  const [theme, setTheme] = useState(themeIn(storage));
  return [
    theme,
    (next) => {
      storage.write("theme", next === "system" ? undefined : next);
      applyTheme(next);
      setTheme(next);
    },
  ];
}

function themeIn(storage: Storage): Theme {
  const kept = storage.read("theme");
  return kept === "light" || kept === "dark" ? kept : "system";
}

function prefersDark(): MediaQueryList {
  return matchMedia("(prefers-color-scheme: dark)");
}
