/**
 * What a host puts in a picture's place, as the text that names it: ChatGPT fills parameters of
 * `openai/fileParams` with `{download_url, file_id, mime_type?, file_name?}` (Apps SDK reference,
 * "openai/fileParams"); others send an MCP image block or a URL part of their model's own API.
 */
export function givenImage(value: unknown): unknown {
  const given = typeof value === "string" && /^\s*\{/.test(value) ? parsed(value) : value;
  if (typeof given !== "object" || given === null || Array.isArray(given)) return value;
  const fields = given as Record<string, unknown>;
  for (const name of ["download_url", "url", "uri", "path", "file", "image_id", "id"]) {
    const text = fields[name];
    if (typeof text === "string" && text !== "") return text;
  }
  if (typeof fields["image_url"] === "object") return givenImage(fields["image_url"]);
  if (typeof fields["image_url"] === "string") return fields["image_url"];
  const type = fields["mimeType"] ?? fields["mime_type"] ?? "image/png";
  return typeof fields["data"] === "string"
    ? `data:${String(type)};base64,${fields["data"]}`
    : value;
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

/** The host's file as ChatGPT's documentation wants it declared: all four, two of them required. */
export const hostFileSchema = {
  type: "object",
  properties: {
    download_url: { type: "string" },
    file_id: { type: "string" },
    mime_type: { type: "string" },
    file_name: { type: "string" },
  },
  required: ["download_url", "file_id"],
} as const;
