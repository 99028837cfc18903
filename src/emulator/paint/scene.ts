import type { Random } from "./random.ts";

export interface Palette {
  hue: number;
  accent: number;
  night: boolean;
}

/** An abstract landscape as SVG elements: sky, sun or moon, and what lies below the horizon. */
export function scene(width: number, height: number, random: Random): string {
  const palette = {
    hue: random.between(0, 360),
    accent: random.between(0, 360),
    night: random.next() < 0.35,
  };
  const horizon = height * random.between(0.45, 0.62);
  const ground = random.pick([mountains, sea, towers, orbs]);
  return [
    sky(width, height, palette, random),
    light(width, horizon, palette, random),
    palette.night ? stars(width, horizon, random) : clouds(width, horizon, random),
    ground(width, height, horizon, palette, random),
  ].join("");
}

function color(hue: number, saturation: number, lightness: number): string {
  const turned = ((hue % 360) + 360) % 360;
  return `hsl(${turned.toFixed(1)},${saturation.toFixed(1)}%,${lightness.toFixed(1)}%)`;
}

function sky(width: number, height: number, { hue, night }: Palette, random: Random): string {
  const turn = random.between(25, 80);
  const [top, middle, low] = night ? [7, 18, 42] : [42, 66, 88];
  const stop = (at: number, shade: string) => `<stop offset="${at}" stop-color="${shade}"/>`;
  return (
    `<defs><linearGradient id="sky" x1="0" y1="0" x2="${random.between(-0.3, 0.3).toFixed(2)}" y2="1">` +
    stop(0, color(hue, 62, top)) +
    stop(0.45, color(hue + turn / 2, 68, middle)) +
    stop(0.8, color(hue + turn, 78, low)) +
    `</linearGradient></defs><rect width="${width}" height="${height}" fill="url(#sky)"/>`
  );
}

function light(width: number, horizon: number, { accent, night }: Palette, random: Random): string {
  const x = width * random.between(0.15, 0.85);
  const y = horizon * random.between(0.25, 0.9);
  const radius = Math.min(width, horizon) * random.between(0.09, 0.2);
  const hue = night ? 50 : accent;
  const glow = color(hue, 95, night ? 82 : 78);
  return (
    `<defs><radialGradient id="glow"><stop offset="0.2" stop-color="${glow}" stop-opacity="0.75"/>` +
    `<stop offset="1" stop-color="${glow}" stop-opacity="0"/></radialGradient></defs>` +
    disc(x, y, radius * 3.4, "url(#glow)") +
    disc(x, y, radius, color(hue, 90, night ? 90 : 74))
  );
}

function disc(x: number, y: number, radius: number, fill: string, opacity = 1): string {
  const at = `cx="${x.toFixed(1)}" cy="${y.toFixed(1)}" r="${Math.max(radius, 0.5).toFixed(1)}"`;
  return `<circle ${at} fill="${fill}"${opacity < 1 ? ` opacity="${opacity.toFixed(2)}"` : ""}/>`;
}

function stars(width: number, horizon: number, random: Random): string {
  const size = width / 700;
  return Array.from({ length: 60 }, () =>
    disc(
      random.between(0, width),
      random.between(0, horizon),
      random.between(0.6, 1.8) * size,
      "#fff",
      random.between(0.4, 0.95),
    ),
  ).join("");
}

function clouds(width: number, horizon: number, random: Random): string {
  const cloud = () => {
    const x = random.between(-0.1, 1) * width;
    const y = random.between(0.08, 0.75) * horizon;
    const length = random.between(0.18, 0.45) * width;
    const thick = length * random.between(0.06, 0.12);
    return `<rect x="${x.toFixed(1)}" y="${y.toFixed(1)}" width="${length.toFixed(1)}" height="${thick.toFixed(1)}" rx="${(thick / 2).toFixed(1)}" fill="#fff" opacity="${random.between(0.12, 0.34).toFixed(2)}"/>`;
  };
  return Array.from({ length: 6 }, cloud).join("");
}

/** Layered ridges, the nearest the darkest. */
function mountains(
  width: number,
  height: number,
  horizon: number,
  palette: Palette,
  random: Random,
): string {
  const layers = 4;
  const layer = (index: number) => {
    const nearness = index / (layers - 1);
    const base = horizon + (height - horizon) * nearness * 0.62;
    const rise = height * random.between(0.08, 0.17) * (1.1 - nearness * 0.5);
    const waves = [1.3, 2.9, 6.1].map((pitch) => ({
      pitch: pitch * random.between(0.8, 1.25),
      phase: random.between(0, 6.28),
    }));
    const points = Array.from({ length: 49 }, (_, step) => {
      const x = step / 48;
      const wave = waves.reduce(
        (sum, { pitch, phase }, octave) =>
          sum + Math.sin(x * pitch * 6.28 + phase) / (octave * 1.4 + 1),
        0,
      );
      return `${(x * width).toFixed(1)} ${(base - rise * (0.55 + wave * 0.5)).toFixed(1)}`;
    });
    const shade = color(
      palette.hue + 40 + nearness * 25,
      42,
      (palette.night ? 30 : 56) - nearness * (palette.night ? 22 : 38),
    );
    return `<path d="M0 ${height}L${points.join("L")}L${width} ${height}Z" fill="${shade}"/>`;
  };
  return Array.from({ length: layers }, (_, index) => layer(index)).join("");
}

/** Bands of water with glints. */
function sea(
  width: number,
  height: number,
  horizon: number,
  palette: Palette,
  random: Random,
): string {
  const bands = 9;
  const band = (index: number) => {
    const near = index / bands;
    const y = horizon + (height - horizon) * near ** 1.5;
    const shade = color(
      palette.hue + 12 + near * 30,
      58,
      (palette.night ? 24 : 52) - near * (palette.night ? 14 : 30),
    );
    return `<rect y="${y.toFixed(1)}" width="${width}" height="${(height - y).toFixed(1)}" fill="${shade}"/>`;
  };
  const glint = () => {
    const near = random.next();
    const y = horizon + (height - horizon) * near ** 1.6;
    const length = width * random.between(0.02, 0.12) * (0.4 + near);
    const x = random.between(-0.05, 1) * width;
    const thick = Math.max(height * 0.004 * (0.5 + near), 0.7);
    return `<rect x="${x.toFixed(1)}" y="${y.toFixed(1)}" width="${length.toFixed(1)}" height="${thick.toFixed(1)}" rx="${(thick / 2).toFixed(1)}" fill="${color(palette.accent, 85, 84)}" opacity="0.6"/>`;
  };
  const waves = Array.from({ length: bands }, (_, index) => band(index));
  return [...waves, ...Array.from({ length: 46 }, glint)].join("");
}

/** A skyline with some windows lit. */
function towers(
  width: number,
  height: number,
  horizon: number,
  palette: Palette,
  random: Random,
): string {
  const parts: string[] = [];
  for (const nearness of [0, 0.5, 1]) {
    const shade = color(
      palette.hue + 20,
      34,
      (palette.night ? 24 : 52) - nearness * (palette.night ? 18 : 36),
    );
    let x = -random.between(0, 0.05) * width;
    while (x < width) {
      const breadth = width * random.between(0.045, 0.11);
      const top = horizon + height * (nearness * 0.2 - random.between(0.02, 0.2));
      parts.push(
        `<rect x="${x.toFixed(1)}" y="${top.toFixed(1)}" width="${breadth.toFixed(1)}" height="${(height - top).toFixed(1)}" fill="${shade}"/>`,
      );
      if (nearness > 0) parts.push(windows(x, top, breadth, height, palette, random));
      x += breadth * random.between(0.9, 1.5);
    }
  }
  return parts.join("");
}

function windows(
  x: number,
  top: number,
  breadth: number,
  height: number,
  { accent }: Palette,
  random: Random,
): string {
  const size = breadth / 7;
  const lit: string[] = [];
  for (let row = 1; row < 9; row += 1) {
    for (let column = 0; column < 3; column += 1) {
      const y = top + row * size * 2;
      if (random.next() < 0.55 || y > height) continue;
      lit.push(
        `M${(x + size * (1 + column * 2)).toFixed(1)} ${y.toFixed(1)}h${size.toFixed(1)}v${size.toFixed(1)}h-${size.toFixed(1)}z`,
      );
    }
  }
  return `<path d="${lit.join("")}" fill="${color(accent, 92, 74)}" opacity="0.9"/>`;
}

/** Floating spheres over rolling ground. */
function orbs(
  width: number,
  height: number,
  horizon: number,
  palette: Palette,
  random: Random,
): string {
  const ground = mountains(width, height, horizon + height * 0.08, palette, random);
  const spheres = Array.from({ length: 7 }, (_, index) => {
    const hue = palette.accent + random.between(-60, 60);
    const radius = Math.min(width, height) * random.between(0.03, 0.12);
    const id = `orb${index}`;
    return (
      `<defs><radialGradient id="${id}" cx="0.35" cy="0.3"><stop offset="0" stop-color="${color(hue, 85, 88)}"/>` +
      `<stop offset="0.55" stop-color="${color(hue, 75, 60)}"/><stop offset="1" stop-color="${color(hue + 20, 70, 30)}"/></radialGradient></defs>` +
      disc(
        random.between(0.05, 0.95) * width,
        random.between(0.15, 0.8) * height,
        radius,
        `url(#${id})`,
        0.94,
      )
    );
  });
  return ground + spheres.join("");
}
