import type { Blobs } from "./blobs.ts";
import { FileBlobs } from "./file-blobs.ts";
import { type Bucket, S3Blobs } from "./s3-blobs.ts";

/** Where pictures and inputs are kept. */
export type BlobsPlace = { dir: string } | { bucket: Bucket };

/** Asks nothing of it yet. */
export function openBlobs(place: BlobsPlace): Blobs {
  return "dir" in place ? new FileBlobs(place.dir) : new S3Blobs(place.bucket);
}
