/** The ComfyUI that a face of ours answers as: it has what that one has. */
export const spoken = "0.33.0";

/** True when `version` ("0.33.0") is `wanted` or newer. */
export function atLeast(version: string, wanted: string): boolean {
  const have = version.split(".").map(Number);
  const want = wanted.split(".").map(Number);
  for (let part = 0; part < 3; part += 1) {
    const difference = (have[part] ?? 0) - (want[part] ?? 0);
    if (difference !== 0) return difference > 0;
  }
  return true;
}
