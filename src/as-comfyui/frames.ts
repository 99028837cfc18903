import { binaryEvent, type PreviewMetadata, previewFormat } from "../comfy/protocol.ts";

/** A picture on its way to a client, already encoded. */
export interface Preview {
  format: "jpeg" | "png";
  bytes: Buffer;
}

export function previewFrame({ format, bytes }: Preview): Buffer {
  const head = Buffer.alloc(8);
  head.writeUInt32BE(binaryEvent.previewImage, 0);
  head.writeUInt32BE(previewFormat[format], 4);
  return Buffer.concat([head, bytes]);
}

export function previewWithMetadataFrame(
  { format, bytes }: Preview,
  where: { nodeId: string; promptId: string },
): Buffer {
  const metadata: PreviewMetadata = {
    node_id: where.nodeId,
    prompt_id: where.promptId,
    display_node_id: where.nodeId,
    parent_node_id: null,
    real_node_id: where.nodeId,
    image_type: format === "png" ? "image/png" : "image/jpeg",
  };
  const text = Buffer.from(JSON.stringify(metadata));
  const head = Buffer.alloc(8);
  head.writeUInt32BE(binaryEvent.previewImageWithMetadata, 0);
  head.writeUInt32BE(text.length, 4);
  return Buffer.concat([head, text, bytes]);
}

/** Text a node shows on itself; goes to everybody. */
export function textFrame(nodeId: string, text: string): Buffer {
  const id = Buffer.from(nodeId);
  const head = Buffer.alloc(8);
  head.writeUInt32BE(binaryEvent.text, 0);
  head.writeUInt32BE(id.length, 4);
  return Buffer.concat([head, id, Buffer.from(text)]);
}
