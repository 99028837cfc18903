import { refusal } from "../errors.ts";
import { cut } from "../words.ts";

/** Channels 0-255, alpha 0 or 1. */
export interface Color {
  r: number;
  g: number;
  b: number;
  alpha: 0 | 1;
}

/** The basic names of CSS, and the further ones people ask for. */
const names: Readonly<Record<string, string>> = {
  black: "#000000",
  silver: "#c0c0c0",
  gray: "#808080",
  grey: "#808080",
  white: "#ffffff",
  maroon: "#800000",
  red: "#ff0000",
  purple: "#800080",
  fuchsia: "#ff00ff",
  magenta: "#ff00ff",
  green: "#008000",
  lime: "#00ff00",
  olive: "#808000",
  yellow: "#ffff00",
  navy: "#000080",
  blue: "#0000ff",
  teal: "#008080",
  aqua: "#00ffff",
  cyan: "#00ffff",
  orange: "#ffa500",
  pink: "#ffc0cb",
  brown: "#a52a2a",
  beige: "#f5f5dc",
};

/** The color that a `background` parameter names. */
export function parseColor(text: string): Color {
  const word = text.trim().toLowerCase();
  if (word === "transparent") return { r: 0, g: 0, b: 0, alpha: 0 };
  const hex = (Object.hasOwn(names, word) ? names[word] : word) ?? word;
  const short = /^#([0-9a-f])([0-9a-f])([0-9a-f])$/.exec(hex);
  const long = /^#([0-9a-f]{2})([0-9a-f]{2})([0-9a-f]{2})$/.exec(hex);
  const [, r, g, b] = long ?? short?.map((digit) => digit.repeat(2)) ?? [];
  if (r === undefined || g === undefined || b === undefined) {
    throw refusal(
      `background: "${cut(text, 40)}" is no color. Known: #rgb, #rrggbb, transparent, ${Object.keys(names).join(", ")}.`,
    );
  }
  const channel = (digits: string) => Number.parseInt(digits, 16);
  return { r: channel(r), g: channel(g), b: channel(b), alpha: 1 };
}
