import { AppError, refusal } from "../errors.ts";
import { cut } from "../words.ts";
import { openCanvas } from "./decoder.ts";

/** Channels 0-255, alpha 0 to 1. */
export interface Color {
  r: number;
  g: number;
  b: number;
  alpha: number;
}

/** The colour that a `parameter` names, in any way CSS writes one; "light grey" is "lightgrey". */
export async function readColor(parameter: string, text: string): Promise<Color> {
  const word = text.trim().toLowerCase();
  for (const spelling of new Set([word, word.replace(/\s+/g, "")])) {
    const color = await parsed(spelling);
    if (color) return color;
  }
  throw refusal(
    `${parameter}: "${cut(text, 40)}" is no color. Known: a name of CSS such as white or rebeccapurple, #rgb, #rrggbb, #rrggbbaa, rgb(…), hsl(…), transparent.`,
  );
}

/** Sharp reads colours when it paints with them. */
async function parsed(background: string): Promise<Color | undefined> {
  if (!/^(#[0-9a-f]+|[a-z]+|(rgb|hsl|hwb)a?\([\d\s.,%/a-z+-]+\))$/.test(background))
    return undefined;
  try {
    const pixel = await (await openCanvas(1, 1, background)).raw().toBuffer();
    const [r = 0, g = 0, b = 0, alpha = 255] = pixel;
    return { r, g, b, alpha: alpha / 255 };
  } catch (error) {
    if (error instanceof AppError) throw error;
    return undefined;
  }
}
