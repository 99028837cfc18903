import { beforeEach, describe, test } from "vitest";
import { atLeast } from "../../src/as-comfyui/version.ts";

/** Set, the suite runs against that ComfyUI; otherwise every test starts an emulator of its own. */
export const liveUrl = process.env["COMFY_URL"]?.replace(/\/$/, "");

/** Our own ComfyUI face answers, with an emulator behind it. */
export const isFace = process.env["COMFY_FACE"] === "1";

/** What answers: the ComfyUI at COMFY_URL, or what the emulator is told to be. */
export let comfyVersion = liveUrl === undefined ? "0.33.0" : await told(liveUrl);

/** Has the tests of those files run on emulators that are told to be that version. */
export async function onVersion(version: string, files: readonly string[]): Promise<void> {
  beforeEach(() => {
    comfyVersion = version;
  });
  // The gates are read while the tests are collected, which ends after this function.
  comfyVersion = version;
  // With a query of its own a file is evaluated once more; its end tells the language.
  for (const file of files) await import(/* @vite-ignore */ `./${file}.test.ts?${version}&lang.ts`);
}

async function told(url: string): Promise<string> {
  const stats = (await (await fetch(`${url}/system_stats`)).json()) as {
    system: { comfyui_version: string };
  };
  return stats.system.comfyui_version;
}

/** For a part of a test. */
export function isSince(version: string): boolean {
  return atLeast(comfyVersion, version);
}

/** `test` for what ComfyUI does since that version; left out, with the reason, on older ones. */
export function since(version: string): Gated {
  return gated(isSince(version), `only since ${version}`);
}

/** `test` for what ComfyUI did before that version. */
export function before(version: string): Gated {
  return gated(!isSince(version), `only before ${version}`);
}

/** `test` for what ComfyUI did from the first of these versions on, and no more in the second. */
export function between(first: string, end: string): Gated {
  return gated(isSince(first) && !isSince(end), `only from ${first} until ${end}`);
}

/** `describe` for what ComfyUI has since that version. */
export function describeSince(version: string, name: string, tests: () => void): void {
  if (isSince(version)) describe(name, tests);
  else describe.skip(`${name} (${reason(`only since ${version}`)})`, tests);
}

type Gated = (name: string, body: () => Promise<void>) => void;

function gated(applies: boolean, when: string): Gated {
  return (name, body) => {
    if (applies) test(name, body);
    else test.skip(`${name} (${reason(when)})`, body);
  };
}

function reason(when: string): string {
  return `${when}, this is ComfyUI ${comfyVersion}`;
}
