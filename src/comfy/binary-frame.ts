import { binaryEvent, type PreviewMetadata } from "./protocol.ts";

/** A picture that came over the socket: a preview, or the result of a node that saves nowhere else. */
export interface PictureFrame {
  /** Missing in frames of the older kind, which belong to whatever runs. */
  of?: { promptId: string; nodeId: string };
  mimeType: "image/jpeg" | "image/png";
  bytes: Buffer;
}

/** Undefined for a frame that holds no picture. Throws when a frame breaks its own form. */
export function pictureIn(frame: Buffer): PictureFrame | undefined {
  if (frame.length < 8) return undefined;
  switch (frame.readUInt32BE(0)) {
    case binaryEvent.previewImage:
      return picture(frame.subarray(8));
    case binaryEvent.previewImageWithMetadata:
      return withMetadata(frame);
    default:
      return undefined;
  }
}

/** A text that a node shows on itself, on the client of whoever looks; undefined for other frames. */
export function textIn(frame: Buffer): { nodeId: string; text: string } | undefined {
  if (frame.length < 8 || frame.readUInt32BE(0) !== binaryEvent.text) return undefined;
  const end = 8 + frame.readUInt32BE(4);
  return { nodeId: frame.toString("utf8", 8, end), text: frame.toString("utf8", end) };
}

function withMetadata(frame: Buffer): PictureFrame | undefined {
  const end = 8 + frame.readUInt32BE(4);
  const metadata: PreviewMetadata = JSON.parse(frame.subarray(8, end).toString());
  const found = picture(frame.subarray(end));
  const of = { promptId: metadata.prompt_id, nodeId: metadata.display_node_id };
  return found && { ...found, of };
}

/** By its first bytes: node packs send frames of their own kinds under the same number. */
function picture(bytes: Buffer): PictureFrame | undefined {
  if (bytes[0] === 0xff && bytes[1] === 0xd8) return { mimeType: "image/jpeg", bytes };
  if (bytes[0] === 0x89 && bytes.toString("latin1", 1, 4) === "PNG") {
    return { mimeType: "image/png", bytes };
  }
  return undefined;
}
