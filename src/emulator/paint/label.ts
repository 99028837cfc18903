import { glyph, glyphHeight, glyphWidth } from "./font.ts";

/** Room for one line with its gap, in font pixels. */
const lineHeight = glyphHeight + 3;
const advance = glyphWidth + 1;
const margin = 4;

/** Lines of text on a dark band along the lower edge, as SVG; the band fits the picture. */
export function label(width: number, height: number, lines: readonly string[]): string {
  const longest = Math.max(...lines.map((line) => [...line].length), 1);
  const textWidth = longest * advance + margin * 2;
  const textHeight = lines.length * lineHeight + margin;
  // Whole font pixels look best; a picture too small for one pixel a dot gets a fraction.
  const fitting = Math.min(width / textWidth, (height * 0.4) / textHeight, width / 190 + 0.4);
  const scale = fitting >= 1 ? Math.floor(fitting) : fitting;
  const top = height - textHeight * scale;
  const rows = lines.map((line, row) => linePath(line, margin, margin + row * lineHeight));
  return (
    `<rect y="${top.toFixed(2)}" width="${width}" height="${(height - top).toFixed(2)}" fill="#0b0d14" opacity="0.72"/>` +
    `<g transform="translate(0 ${top.toFixed(2)}) scale(${scale.toFixed(3)})" shape-rendering="${scale >= 1 ? "crispEdges" : "auto"}">` +
    rows
      .map((path, row) => `<path d="${path}" fill="${row === 0 ? "#ffd166" : "#ffffff"}"/>`)
      .join("") +
    "</g>"
  );
}

function linePath(line: string, left: number, top: number): string {
  const dots: string[] = [];
  [...line].forEach((character, index) => {
    glyph(character).forEach((bits, column) => {
      for (let row = 0; row < glyphHeight; row += 1) {
        if (!(bits & (1 << row))) continue;
        dots.push(`M${left + index * advance + column} ${top + row}h1v1h-1z`);
      }
    });
  });
  return dots.join("");
}
