import { json, type Reply } from "./reply.ts";
import { atLeast } from "./version.ts";

/** Bytes; ComfyUI's default `--max-upload-size`, for every body. */
export const maxBodyBytes = 104_857_600;

/** The answer of `GET /features` and to a socket's `feature_flags`. */
export function features(version: string): Record<string, unknown> {
  return since(version, [
    ["0.0.0", { supports_preview_metadata: true }],
    ["0.28.0", { supports_model_type_tags: true }],
    ["0.0.0", { max_upload_size: maxBodyBytes }],
    ["0.4.0", { extension: { manager: { supports_v4: true } } }],
    ["0.14.0", { node_replacements: true }],
    ["0.17.0", { assets: false }],
  ]);
}

/** The fields of the first versions that have them, in the order given. */
export function since(
  version: string,
  fields: [from: string, field: Record<string, unknown>][],
): Record<string, unknown> {
  const there = fields.filter(([from]) => atLeast(version, from));
  return Object.assign({}, ...there.map(([, field]) => field));
}

/** What every route of the assets answers where they are off. */
export function assetsDisabled(): Reply {
  const message =
    "Assets system is disabled. Start the server with --enable-assets to use this feature.";
  return json({ error: { code: "SERVICE_DISABLED", message, details: {} } }, 503);
}
