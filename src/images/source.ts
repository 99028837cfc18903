import { fileURLToPath } from "node:url";
import { AppError, cancelled, messageOf, refusal } from "../errors.ts";
import { readInside } from "../files/read-inside.ts";
import type { Reach } from "../files/roots.ts";
import { fetchPublic } from "../net/fetch.ts";
import { cut, megabytes } from "../words.ts";
import { type ImageInfo, inspectImage } from "./inspect.ts";
import { readable } from "./readable.ts";
import { sniff } from "./sniff.ts";

export interface ImageSourcesOptions {
  /** @default false */
  allowHidden?: boolean | undefined;
  /** @default 50_000_000 */
  maxBytes?: number | undefined;
  /** For one URL, with its redirects. @default 20_000 */
  timeoutMs?: number | undefined;
  /** @default false */
  allowPrivateAddresses?: boolean | undefined;
}

/** What the caller of one call may see. */
export interface ResolveOptions extends Reach {
  /** The bytes of an earlier image or task, by `comfy://` URI or id. */
  lookup: (reference: string) => Promise<Buffer | undefined>;
  signal?: AbortSignal | undefined;
}

export interface ResolvedImage {
  bytes: Buffer;
  info: ImageInfo;
  /** Short words for where it came from: "file /x/y.png", "URL https://…", "inline data", "image ID". */
  origin: string;
}

export interface FoundBytes {
  bytes: Buffer;
  origin: string;
}

const accepted =
  "Accepted: a path in an allowed folder, an https URL, a data:image/…;base64 URI or plain base64, a comfy://images/ID URI, or the ID of an earlier image or task. A picture that is only in the chat does not reach this server: ask for its file or URL.";

const dataUri = /^data:([^,;]*)((?:;[^,;]*)*),/i;
/** Node decodes both alphabets, with or without padding. */
const notBase64 = /[^A-Za-z0-9+/_\-=\s]/;
/** Longer texts are not looked up as paths when they could be base64, and never repeated. */
const longText = 256;

/** Turns one text value of a tool parameter into a checked picture. */
export class ImageSources {
  readonly #options: ImageSourcesOptions;
  readonly #maxBytes: number;

  constructor(options: ImageSourcesOptions = {}) {
    this.#options = options;
    this.#maxBytes = options.maxBytes ?? 50_000_000;
  }

  /** Refusals start with the name of the `parameter`. */
  async resolve(parameter: string, value: string, options: ResolveOptions): Promise<ResolvedImage> {
    if (options.signal?.aborted) {
      throw cancelled(`${parameter}: reading the picture was cancelled.`);
    }
    const { bytes: found, origin } = await this.#find(parameter, value.trim(), options);
    const bytes = await readable(found, `${parameter}: ${origin}`);
    const info = await inspectImage(bytes, `${parameter}: ${origin}`);
    return { bytes, info, origin };
  }

  /** The bytes alone, whatever they are, for who reads what a picture says of itself. */
  read(parameter: string, value: string, options: ResolveOptions): Promise<FoundBytes> {
    return this.#find(parameter, value.trim(), options);
  }

  async #find(parameter: string, value: string, options: ResolveOptions): Promise<FoundBytes> {
    if (/^data:/i.test(value)) return this.#dataUri(parameter, value);
    if (/^https?:/i.test(value)) return await this.#url(parameter, value, options.signal);
    if (/^file:/i.test(value)) {
      return await this.#file(parameter, fromFileUrl(parameter, value), options);
    }
    if (isReference(value)) return await this.#reference(parameter, value, options);
    if (isBase64(value)) return this.#base64(parameter, value);
    if (isNoPath(value)) throw unknownForm(parameter, value);
    return await this.#fileOrElse(parameter, value, options);
  }

  #dataUri(parameter: string, value: string): FoundBytes {
    const [prefix = "", type = "", settings = ""] = dataUri.exec(value.slice(0, 300)) ?? [];
    if (!/^image\//i.test(type) || !/;base64$/i.test(settings)) {
      throw refusal(
        `${parameter}: a data URI must start with data:image/…;base64, and this one starts with "${cut(prefix || value, 40)}".`,
      );
    }
    return this.#base64(parameter, value.slice(prefix.length));
  }

  #base64(parameter: string, text: string): FoundBytes {
    if (notBase64.test(text)) {
      throw refusal(
        `${parameter}: the base64 data has characters that are not base64 (${text.length} characters in all). Encode the picture again, or send a path or URL.`,
      );
    }
    const bytes = Buffer.from(text, "base64");
    this.#refuseTooLarge(`${parameter}: the inline data`, bytes.length);
    return { bytes, origin: "inline data" };
  }

  async #url(parameter: string, url: string, signal: AbortSignal | undefined): Promise<FoundBytes> {
    const { bytes } = await fetchPublic(url, {
      what: parameter,
      maxBytes: this.#maxBytes,
      timeoutMs: this.#options.timeoutMs ?? 20_000,
      allowPrivateAddresses: this.#options.allowPrivateAddresses ?? false,
      signal,
    });
    // The query of a signed URL is a secret, and the origin is kept with the task.
    return { bytes, origin: `URL ${cut(url.replace(/[?#].*$/s, ""))}` };
  }

  async #reference(
    parameter: string,
    reference: string,
    { lookup }: ResolveOptions,
  ): Promise<FoundBytes> {
    const bytes = await lookup(reference);
    if (bytes === undefined) {
      throw new AppError(
        "not_found",
        `${parameter}: there is no image "${cut(reference)}" here; it may have been deleted, or its task has no picture yet. list_tasks shows what there is.`,
      );
    }
    this.#refuseTooLarge(`${parameter}: image ${cut(reference)}`, bytes.length);
    return { bytes, origin: reference.startsWith("u") ? "upload" : `image ${cut(reference)}` };
  }

  async #file(parameter: string, path: string, { roots, base }: Reach): Promise<FoundBytes> {
    const { allowHidden = false } = this.#options;
    const rules = { roots, base, allowHidden, maxBytes: this.#maxBytes };
    const file = await readInside(parameter, path, rules);
    return { bytes: file.bytes, origin: `file ${cut(file.path)}` };
  }

  /** A few plain words may be a file name, but are as likely a misunderstanding. */
  async #fileOrElse(parameter: string, value: string, reach: Reach): Promise<FoundBytes> {
    const plain = !/[/\\]|^~|\.\w{2,5}$/.test(value);
    if (plain && reach.roots.length === 0) throw unknownForm(parameter, value);
    try {
      return await this.#file(parameter, value, reach);
    } catch (error) {
      if (!plain || !(error instanceof AppError) || error.code !== "not_found") throw error;
      throw refusal(`${error.message} ${accepted}`, error);
    }
  }

  #refuseTooLarge(what: string, bytes: number): void {
    if (bytes <= this.#maxBytes) return;
    throw refusal(
      `${what} is ${megabytes(bytes)}, at most ${megabytes(this.#maxBytes)} are read. Send a smaller version.`,
    );
  }
}

function isReference(value: string): boolean {
  return /^comfy:\/\//i.test(value) || /^(t[0-9a-z]{16}(-\d+)?|u[0-9a-f]{64})$/.test(value);
}

/** Base64 of a JPEG starts like a path ("/9j/4AAQ…"), so what it decodes to decides. */
function isBase64(value: string): boolean {
  const head = Buffer.from(value.slice(0, 200).replace(/\s/g, "").slice(0, 88), "base64");
  const { mimeType, looksLike } = sniff(head);
  if (mimeType !== undefined) return true;
  if (looksLike === "a BMP picture") return value.length > longText && !notBase64.test(value);
  // Prose is made of the same letters, but not of words this long.
  return value.length > longText && /^\S{60}/.test(value) && !notBase64.test(value);
}

function isNoPath(value: string): boolean {
  if (value === "" || value.length > 4096 || /[\0\n]/.test(value)) return true;
  return /^[a-z][a-z0-9+.-]+:\/\//i.test(value);
}

function unknownForm(parameter: string, value: string): AppError {
  const shown =
    value.length > longText ? `this text of ${value.length} characters` : `"${cut(value)}"`;
  return refusal(`${parameter}: ${shown} names no picture. ${accepted}`);
}

function fromFileUrl(parameter: string, value: string): string {
  try {
    const path = fileURLToPath(value);
    if (!path.includes("\0")) return path;
  } catch (error) {
    throw refusal(
      `${parameter}: "${cut(value)}" is not a usable file URL (${cut(messageOf(error))}). Give the path itself.`,
      error,
    );
  }
  throw refusal(`${parameter}: the file URL "${cut(value)}" has a NUL in it.`);
}
