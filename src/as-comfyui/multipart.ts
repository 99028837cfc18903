export interface Part {
  name: string;
  /** Only file fields have one; kept as sent, also `%22`. */
  filename: string | undefined;
  data: Buffer;
}

/** The fields of a multipart/form-data body; the last of a name wins, as a form is read. */
export function multipart(body: Buffer, contentType: string | undefined): Map<string, Part> {
  const parts = new Map<string, Part>();
  const boundary = /boundary=(?:"([^"]+)"|([^;]+))/i.exec(contentType ?? "");
  const mark = boundary?.[1] ?? boundary?.[2];
  if (mark === undefined) return parts;
  const delimiter = Buffer.from(`--${mark}`);
  let at = body.indexOf(delimiter);
  while (at >= 0) {
    const start = at + delimiter.length;
    const end = body.indexOf(delimiter, start);
    if (end < 0) break;
    // CRLF after the delimiter, CRLF before the next one.
    const part = parsed(body.subarray(start + 2, end - 2));
    if (part) parts.set(part.name, part);
    at = end;
  }
  return parts;
}

function parsed(section: Buffer): Part | undefined {
  const split = section.indexOf("\r\n\r\n");
  if (split < 0) return undefined;
  const head = section.subarray(0, split).toString("utf8");
  const name = /\bname="([^"]*)"/i.exec(head)?.[1];
  if (name === undefined) return undefined;
  const filename = /\bfilename="([^"]*)"/i.exec(head)?.[1];
  return { name, filename, data: section.subarray(split + 4) };
}
