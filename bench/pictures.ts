import { monitorEventLoopDelay } from "node:perf_hooks";
import sharp from "sharp";
import { finishPicture } from "../src/images/finish.ts";
import { maskFor } from "../src/images/mask.ts";
import { rasterPng } from "../src/images/raster.ts";
import { scene } from "../test/fixtures/images/scenes.ts";
import { decodeAndEncode } from "./bare-picture.ts";
import { median, spread, timed } from "./figures.ts";

const rounds = 25;
const warmUp = 8;
const kinds = ["landscape", "grainy landscape", "meadow", "fog", "flowers"];

/**
 * What checking, measuring, judging and showing a picture costs beyond one decode and one encoding
 * of a preview by sharp alone, and how long a masked edit holds the event loop.
 */
export async function pictures(): Promise<void> {
  for (const side of [512, 1024]) {
    const [all, alone]: [number[], number[]] = [[], []];
    const made: Buffer[] = [];
    for (const kind of kinds) made.push(await rasterPng(await scene(kind, 1, side, side)));
    for (let round = 0; round < rounds + warmUp; round++) {
      for (const bytes of made) {
        let width = side;
        const ours = await timed(async () => {
          const { preview } = await finishPicture(bytes, { format: "png" });
          width = preview.width;
        });
        const bare = await timed(() => decodeAndEncode(bytes, width));
        if (round < warmUp) continue;
        all.push(ours);
        alone.push(bare);
      }
    }
    const [a, b] = [median(all), median(alone)];
    console.log(
      `picture of ${side}x${side} finished, median: ${a.toFixed(1)} ms; one decode and one encode ` +
        `${b.toFixed(1)} ms; ratio ${(a / b).toFixed(2)} (middle half: ${spread(all)} and ${spread(alone)})`,
    );
  }
  await stalls();
}

async function stalls(): Promise<void> {
  const size = { width: 7000, height: 5700 };
  const clear = { r: 0, g: 0, b: 0, alpha: 0 };
  const square = sharp({ create: { width: 3000, height: 3000, channels: 3, background: "red" } });
  const image = await sharp({ create: { ...size, channels: 4, background: clear } })
    .composite([{ input: await square.png().toBuffer() }])
    .png()
    .toBuffer();
  const delay = monitorEventLoopDelay({ resolution: 5 });
  delay.enable();
  const took = await timed(() => maskFor(image, undefined, { grow: 32, feather: 32 }));
  delay.disable();
  console.log(
    `mask of ${size.width}x${size.height}: ${took.toFixed(0)} ms, longest stall of the event loop ${(delay.max / 1e6).toFixed(0)} ms`,
  );
}
