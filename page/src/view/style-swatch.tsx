import type { JSX } from "preact";
import { type Swatch, swatchOf, type Treatment } from "../model/style-swatches.ts";

const [width, height] = [60, 48];
const round = { far: "M0 32Q14 16 28 29T60 25V48H0Z", near: "M0 41Q20 29 38 38T60 35V48H0Z" };
const pointed = {
  far: "M0 33 16 17 30 31 46 20 60 29V48H0Z",
  near: "M0 42 22 31 38 40 60 33V48H0Z",
};
const stepped = {
  far: "M0 33H6V27H12V21H18V27H24V33H36V27H48V21H60V48H0Z",
  near: "M0 42H12V36H24V39H36V42H42V36H54V33H60V48H0Z",
};

/** How wide the contours of a treatment that has them are. */
const pens: Partial<Record<Treatment, number>> = { outline: 2, line: 1.2, hatch: 0.8, dots: 0.8 };

/** A small landscape in the colours and the manner of a style; an empty canvas for one unknown. */
export function StyleSwatch({ style }: { style: string | undefined }) {
  const swatch = style === undefined ? undefined : swatchOf(style);
  return (
    <svg class={swatch ? "swatch" : "swatch none"} viewBox="0 0 60 48" aria-hidden="true">
      {swatch && <Landscape {...swatch} />}
    </svg>
  );
}

function Landscape(swatch: Swatch) {
  const { treatment, sky, sun, far, near } = swatch;
  const hills = { facets: pointed, steps: stepped }[treatment as string] ?? round;
  const wide = pens[treatment];
  const pen = wide
    ? ({ stroke: swatch.ink, "stroke-width": wide, "stroke-linejoin": "round" } as const)
    : {};
  return (
    <>
      <rect width={width} height={height} fill={sky} />
      {behind[treatment]?.(swatch)}
      {treatment === "steps" ? (
        <path d="M36 6h12v3h3v12h-3v3H36v-3h-3V9h3Z" fill={sun} />
      ) : (
        <circle cx="42" cy="15" r="8" fill={sun} {...pen} />
      )}
      <path d={hills.far} fill={far} {...pen} />
      <path d={hills.near} fill={near} {...pen} />
      {before[treatment]?.(swatch)}
    </>
  );
}

type Layer = (swatch: Swatch) => JSX.Element;

const behind: Partial<Record<Treatment, Layer>> = {
  soft: ({ sun }) => (
    <>
      <circle cx="42" cy="15" r="19" fill={sun} opacity=".16" />
      <circle cx="42" cy="15" r="13" fill={sun} opacity=".3" />
    </>
  ),
  rays: ({ sun }) => <path d={rays()} stroke={sun} stroke-width="2" opacity=".55" />,
  layers: ({ far }) => <path d="M0 22Q16 8 32 20T60 16V48H0Z" fill={far} opacity=".45" />,
};

const before: Partial<Record<Treatment, Layer>> = {
  hatch: ({ ink }) => <path d={hatching()} stroke={ink} stroke-width=".8" opacity=".75" />,
  dots: ({ ink }) => (
    <path d={points(5)} stroke={ink} stroke-width="2" stroke-linecap="round" opacity=".5" />
  ),
  grid: ({ ink }) => <path d={lattice(6)} stroke={ink} stroke-width=".9" opacity=".7" />,
  steps: ({ ink }) => <path d={lattice(3)} stroke={ink} stroke-width=".3" opacity=".35" />,
  facets: ({ ink }) => (
    <path
      d="M16 17 30 31 18 48ZM46 20 60 29V33L38 40ZM22 31 38 40 26 48Z"
      fill={ink}
      opacity=".5"
    />
  ),
  soft: ({ sky }) => <path d="M0 36Q30 27 60 34V38Q30 32 0 41Z" fill={sky} opacity=".28" />,
  dabs: ({ ink }) => (
    <path d={dabs()} stroke={ink} stroke-width="1.8" stroke-linecap="round" opacity=".6" />
  ),
  layers: ({ ink }) => <path d="M0 46Q24 38 60 44V48H0Z" fill={ink} />,
  border: ({ ink }) => <path d="M0 0H60V48H0ZM5 5V38H55V5Z" fill={ink} />,
  bars: ({ ink }) => <path d="M0 0H60V7H0ZM0 41H60V48H0Z" fill={ink} />,
};

function hatching(): string {
  return every(20, (i) => `M${i * 4 - 4} ${Math.round(33 + 4 * Math.sin(i))}l-10 15`);
}

function points(apart: number): string {
  return every(12, (column) =>
    every(6, (row) => `M${column * apart + (row % 2) * 2.5} ${row * apart + 22}h0`),
  );
}

function lattice(apart: number): string {
  return (
    every(width / apart, (i) => `M${i * apart} 0v${height}`) +
    every(height / apart, (i) => `M0 ${i * apart}h${width}`)
  );
}

function dabs(): string {
  return every(40, (i) => `M${(i * 23) % 58} ${(i * 17) % 46}l3-1.5`);
}

function rays(): string {
  return every(16, (i) => {
    const angle = (i * Math.PI) / 8;
    return `M42 15l${Math.round(Math.cos(angle) * 60)} ${Math.round(Math.sin(angle) * 60)}`;
  });
}

function every(count: number, piece: (i: number) => string): string {
  return Array.from({ length: count }, (_, i) => piece(i)).join("");
}
