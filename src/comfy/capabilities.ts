/** What a ComfyUI can do, read off `/system_stats` → `system.comfyui_version`. */
export interface Capabilities {
  version: string;
  /** GET /api/jobs/{id}: tells pending, running, finished and gone apart. Since 0.6.0. */
  jobs: boolean;
  /** POST /api/jobs/{id}/cancel: atomic. Since 0.26.0. */
  jobCancel: boolean;
}

/** A server that does not say its version is treated as the oldest one supported. */
export function capabilitiesOf(version: string | undefined): Capabilities {
  return {
    version: version ?? "unknown",
    jobs: atLeast(version, [0, 6, 0]),
    jobCancel: atLeast(version, [0, 26, 0]),
  };
}

function atLeast(version: string | undefined, floor: [number, number, number]): boolean {
  const parts = /^v?(\d+)\.(\d+)\.(\d+)/
    .exec(version ?? "")
    ?.slice(1)
    .map(Number);
  if (!parts) return false;
  for (const [i, least] of floor.entries()) {
    const part = parts[i] ?? 0;
    if (part !== least) return part > least;
  }
  return true;
}
