import { blake3 } from "hash-wasm";
import { z } from "zod";
import type { Asset } from "../../tasks/assets.ts";
import { taskIdOf } from "../../tasks/task.ts";
import { jsonOf } from "../shared/body.ts";
import type { FaceContext } from "../shared/env.ts";
import { sendRange } from "../shared/range.ts";
import { noEffect } from "../shared/warnings.ts";
import { placeOfCall } from "./env.ts";
import { contentUrl, linkTo, never, resultName, textsOf } from "./outputs.ts";
import { invalid, Problem } from "./problems.ts";

const hashForm = /^blake3:([0-9a-f]{64})$/i;

/** `POST /assets`: hashed here, whatever the client says of it. */
export async function postAsset(c: FaceContext): Promise<Response> {
  c.get("studio").demand("generate");
  const { bytes, contentType, path, expected, warnings } = await uploadIn(c);
  const digest = await blake3(bytes);
  if (expected !== undefined && hashIn("expected_hash", expected) !== digest) {
    throw new Problem(
      409,
      "hash_mismatch",
      `expected_hash: it is ${expected.slice(0, 80)}, the bytes that came are blake3:${digest}. Send the file again.`,
    );
  }
  const key = c.req.header("idempotency-key");
  const sent = { bytes, blake3: digest };
  const put = await c.get("studio").assets.put(sent, { contentType, path, key });
  const { asset, isKnown, earlier } = put;
  if (earlier && earlier.blake3 !== digest) {
    throw new Problem(
      422,
      "idempotency_key_reuse",
      `Idempotency-Key: it was used for asset ${asset.id} with other bytes; take a new key for another file.`,
    );
  }
  if (earlier) c.header("Idempotency-Replayed", "true");
  const body = { ...viewOf(c, asset), created_new: !isKnown, ...warned(warnings) };
  return c.json(body, isKnown ? 200 : 201);
}

interface Upload {
  bytes: Buffer;
  contentType: string;
  path: string;
  expected: string | undefined;
  warnings: string[];
}

const uploadFields = ["file", "content_type", "file_path", "expected_hash", "tags"];

async function uploadIn(c: FaceContext): Promise<Upload> {
  const form = await c.req.formData().catch(() => {
    throw invalid("body", "expected multipart/form-data that is whole.");
  });
  const file = form.get("file");
  if (!(file instanceof File)) throw invalid("file", "it is missing; send the bytes in this part.");
  const text = (name: string) => {
    const value = form.get(name);
    return typeof value === "string" && value !== "" ? value : undefined;
  };
  const contentType = text("content_type");
  const path = text("file_path");
  if (contentType === undefined) throw invalid("content_type", "it is missing.");
  if (path === undefined) throw invalid("file_path", "it is missing.");
  if (path.length > 500) throw invalid("file_path", "at most 500 characters are kept.");
  const others = [...new Set(form.keys())].filter((name) => !uploadFields.includes(name));
  return {
    bytes: Buffer.from(await file.arrayBuffer()),
    contentType: contentType.slice(0, 100),
    path,
    expected: text("expected_hash"),
    warnings: [
      ...others.map((name) => noEffect(name.slice(0, 60), "there is no such field here")),
      ...(form.has("tags") ? [noTags] : []),
    ],
  };
}

const noTags = noEffect("tags", "assets are not sorted into categories here");

const fromHash = z.looseObject({
  hash: z.string(),
  file_path: z.string().max(500).nullish(),
  tags: z.array(z.string()).nullish(),
});

/** `POST /assets/from-hash`: only of bytes that this caller has sent. */
export async function postFromHash(c: FaceContext): Promise<Response> {
  const body = await jsonOf(c).catch(() => undefined);
  const read = fromHash.safeParse(body);
  if (!read.success) {
    const [issue] = read.error.issues;
    throw invalid(issue?.path.join(".") || "body", `${issue?.message ?? "it is not valid"}.`);
  }
  const { hash, file_path: path, tags } = read.data;
  const digest = hashIn("hash", hash);
  const info = { contentType: "", path: path ?? "" };
  const asset = await c.get("studio").assets.fromHash(digest, info);
  if (!asset) {
    throw new Problem(
      404,
      "blob_not_found",
      `hash: you have sent no bytes with blake3:${digest}. Upload them with POST /api/v2/assets.`,
    );
  }
  const view = { ...viewOf(c, asset), created_new: false, ...warned(tags?.length ? [noTags] : []) };
  return c.json(view, 201);
}

/** `HEAD /assets/by-hash/{hash}` */
export async function headByHash(c: FaceContext): Promise<Response> {
  const digest = hashIn("hash", c.req.param("hash") ?? "");
  return c.body(null, (await c.get("studio").assets.has(digest)) ? 200 : 404);
}

export async function getAsset(c: FaceContext): Promise<Response> {
  const { view } = await find(c);
  return c.json(view);
}

/** `GET /assets/{id}/content`, with Range; nothing that is sent can run as a page. */
export async function getContent(c: FaceContext): Promise<Response> {
  const { view, served, read } = await find(c);
  const etag = `"${view.id}"`;
  c.header("ETag", etag);
  c.header("Content-Type", served);
  c.header("X-Content-Type-Options", "nosniff");
  const name = encodeURIComponent(view.file_path.split("/").at(-1) ?? "");
  c.header("Content-Disposition", `attachment; filename*=UTF-8''${name}`);
  c.header("Cache-Control", "private, max-age=31536000, immutable");
  return sendRange(c, await read(), etag);
}

/** The record goes; a result goes with its job alone. */
export async function deleteAsset(c: FaceContext): Promise<Response> {
  const id = c.req.param("id") ?? "";
  if (await c.get("studio").assets.delete(id)) return c.body(null, 204);
  // Throws where there is none.
  await find(c);
  throw new Problem(
    409,
    "asset_in_use",
    `${id} is a result of a job. It goes with its job: DELETE /api/v1/tasks/ID.`,
  );
}

/** An asset as the API has it. */
interface View {
  id: string;
  hash: string | null;
  size_bytes: number;
  content_type: string;
  file_path: string;
  created_at: string;
  url: string;
  url_expires_at: string;
  expires_at: string | null;
  job_id?: string;
}

interface Found {
  view: View;
  /** As what its bytes are sent. */
  served: string;
  read(): Promise<Buffer>;
}

/** An upload, or a result of a job. Throws `not_found`. */
async function find(c: FaceContext): Promise<Found> {
  const id = c.req.param("id") ?? "";
  const studio = c.get("studio");
  const asset = await studio.assets.get(id);
  if (asset) {
    const read = () => studio.assets.read(asset);
    return { view: viewOf(c, asset), served: asset.record.mimeType, read };
  }
  const [, jobId] = /^(t[0-9a-z]{16})-text-\d+$/.exec(id) ?? [];
  if (jobId !== undefined) return findText(c, jobId, id);
  if (taskIdOf(id) === undefined) throw noAsset(id);
  const { record, task } = await studio.pictures.image(id);
  const view = {
    id,
    hash: null,
    size_bytes: record.bytes,
    content_type: record.mimeType,
    file_path: resultName(record),
    created_at: task.finishedAt ?? task.createdAt,
    ...linkTo(id, placeOfCall(c)),
    expires_at: null,
    job_id: task.id,
  };
  const read = async () => (await studio.pictures.original(id)).bytes;
  return { view, served: record.mimeType, read };
}

async function findText(c: FaceContext, jobId: string, id: string): Promise<Found> {
  const task = await c.get("studio").get(jobId);
  const shown = textsOf(task).find((text) => text.id === id);
  if (!shown) throw noAsset(id);
  const bytes = Buffer.from(shown.text);
  const type = "text/plain; charset=utf-8";
  const view = {
    id,
    hash: null,
    size_bytes: bytes.length,
    content_type: type,
    file_path: `${id}.txt`,
    created_at: task.finishedAt ?? task.createdAt,
    url: contentUrl(placeOfCall(c).root, id),
    url_expires_at: never,
    expires_at: null,
    job_id: jobId,
  };
  return { view, served: type, read: async () => bytes };
}

function viewOf(c: FaceContext, asset: Asset): View {
  const { id, record, bytes, contentType, path, createdAt } = asset;
  const isKnown = record.mimeType !== "application/octet-stream";
  return {
    id,
    hash: `blake3:${asset.blake3}`,
    size_bytes: bytes,
    content_type: isKnown ? record.mimeType : contentType,
    file_path: path,
    created_at: createdAt,
    url: contentUrl(placeOfCall(c).root, id),
    url_expires_at: never,
    expires_at: null,
  };
}

function noAsset(id: string): Problem {
  return new Problem(404, "not_found", `There is no asset ${JSON.stringify(id.slice(0, 60))}.`);
}

function hashIn(name: string, text: string): string {
  const digest = hashForm.exec(text)?.[1];
  if (digest !== undefined) return digest.toLowerCase();
  throw invalid(name, "expected blake3: and 64 hexadecimal digits.");
}

function warned(warnings: readonly string[]): { warnings?: readonly string[] } {
  return warnings.length > 0 ? { warnings } : {};
}
