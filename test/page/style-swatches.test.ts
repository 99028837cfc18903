import { expect, test } from "vitest";
import { swatchOf } from "../../page/src/model/style-swatches.ts";
import { styles } from "./stand-in-catalogue.ts";

test("every style we ship has a swatch of its own, in whole colours", () => {
  const swatches = styles.map(({ name }) => swatchOf(name));

  expect(styles.filter((_style, i) => swatches[i] === undefined)).toEqual([]);
  expect(new Set(swatches.map((swatch) => JSON.stringify(swatch))).size).toBe(styles.length);
  for (const swatch of swatches) {
    const { treatment: _treatment, ...colours } = swatch ?? {};
    expect(Object.values(colours)).toEqual(Array(5).fill(expect.stringMatching(/^#[0-9a-f]{6}$/)));
  }
});

test("of a style that is not ours no look is claimed", () => {
  expect([swatchOf("my_own"), swatchOf("constructor")]).toEqual([undefined, undefined]);
});
