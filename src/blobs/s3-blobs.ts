import { createHash } from "node:crypto";
import type { AwsClient } from "aws4fetch";
import { type BackOff, backOff, pause } from "../back-off.ts";
import { AppError, messageOf } from "../errors.ts";
import { cut } from "../words.ts";
import type { Blobs, LinkAnswer } from "./blobs.ts";

/** A bucket, and how it is reached. */
export interface Bucket {
  name: string;
  /** Before every key, without slashes around it; may be empty. */
  prefix: string;
  region: string;
  /** Of a server that speaks S3, such as MinIO or Garage; undefined for Amazon's. */
  endpoint: string | undefined;
  accessKeyId: string;
  secretAccessKey: string;
  sessionToken: string | undefined;
  /** Whether clients are sent links to the bucket, and its endpoint as they reach it. */
  links: { endpoint: string | undefined } | undefined;
}

/** A large film over a slow line. */
const answerMs = 120_000;
const attempts = 4;
const defaultWaits: BackOff = { first: 100, last: 2_000 };
/** How long a link is good; long enough for a client that begins to fetch late. */
const linkSeconds = 300;

/** An S3 bucket, or what speaks as one. */
export class S3Blobs implements Blobs {
  readonly dir = undefined;
  readonly link: Blobs["link"];
  readonly #bucket: Bucket;
  readonly #waits: BackOff;
  #client: Promise<AwsClient> | undefined;

  constructor(bucket: Bucket, waits: BackOff = defaultWaits) {
    this.#bucket = bucket;
    this.#waits = waits;
    const { links } = bucket;
    if (links) this.link = (key, answer) => this.#link(links.endpoint, key, answer);
  }

  /** Asks for a blob that is not there: that needs the address, the keys and the bucket to be right. */
  async checkWritable(key: string): Promise<void> {
    await this.#request("HEAD", `${key}/none`);
  }

  async put(key: string, bytes: Buffer, type: string): Promise<void> {
    await this.#request("PUT", key, {
      body: new Uint8Array(bytes),
      headers: {
        "content-type": type,
        // The server compares, so that what arrives broken is not kept.
        "x-amz-content-sha256": createHash("sha256").update(bytes).digest("hex"),
      },
    });
  }

  async get(key: string): Promise<Buffer | undefined> {
    return (await this.#request("GET", key))?.body;
  }

  async remove(key: string): Promise<number> {
    const there = await this.#request("HEAD", key);
    if (!there) return 0;
    await this.#request("DELETE", key);
    return Number(there.headers.get("content-length") ?? 0);
  }

  async removeUnless(key: string, isUsed: () => Promise<boolean>): Promise<number> {
    const there = await this.#request("GET", key);
    if (!there) return 0;
    await this.#request("DELETE", key);
    if (!(await isUsed())) return there.body.length;
    await this.put(
      key,
      there.body,
      there.headers.get("content-type") ?? "application/octet-stream",
    );
    return 0;
  }

  place(key: string): string {
    return `s3://${this.#bucket.name}/${this.#path(key)}`;
  }

  /** A bucket shows a blob when all of it has come. */
  async sweep(): Promise<number> {
    return 0;
  }

  async #link(
    endpoint: string | undefined,
    key: string,
    { disposition, cacheControl }: LinkAnswer,
  ): Promise<string> {
    const url = new URL(this.#url(key, endpoint));
    url.searchParams.set("X-Amz-Expires", String(linkSeconds));
    url.searchParams.set("response-content-disposition", disposition);
    url.searchParams.set("response-cache-control", cacheControl);
    const signed = await (await this.#signer()).sign(url, { aws: { signQuery: true } });
    // Not every server reads a plus as a blank, which is what was signed.
    return signed.url.replaceAll("+", "%20");
  }

  #path(key: string): string {
    return [this.#bucket.prefix, key].filter(Boolean).join("/");
  }

  /** By path at an endpoint, as MinIO and Garage take it; at Amazon's by host, where the name allows that. */
  #url(key: string, endpoint: string | undefined): string {
    const { name, region } = this.#bucket;
    const path = this.#path(key);
    if (endpoint) return `${endpoint}/${name}/${path}`;
    const host = `s3.${region}.amazonaws.com`;
    return name.includes(".")
      ? `https://${host}/${name}/${path}`
      : `https://${name}.${host}/${path}`;
  }

  /** Undefined for 404. */
  async #request(method: string, key: string, init: RequestInit = {}) {
    const answer = await this.#attempt(method, key, init);
    if (answer.ok) return answer;
    if (answer.status === 404 && !answer.body.includes("NoSuchBucket")) return undefined;
    throw this.#refused(`it answers ${answer.status}${codeIn(answer.body.toString())}`);
  }

  async #attempt(method: string, key: string, init: RequestInit) {
    let left = attempts;
    for (const waitMs of backOff(this.#waits)) {
      left -= 1;
      try {
        const signed = await (await this.#signer()).sign(this.#url(key, this.#bucket.endpoint), {
          method,
          ...init,
        });
        const answer = await fetch(signed, { signal: AbortSignal.timeout(answerMs) });
        const { ok, status, headers } = answer;
        const body = Buffer.from(await answer.arrayBuffer());
        if (left === 0 || (status < 500 && status !== 429)) return { ok, status, headers, body };
      } catch (error) {
        if (left === 0) throw this.#refused(`it cannot be reached (${reasonOf(error)})`, error);
      }
      await pause(waitMs);
    }
    throw new Error("unreachable: the waits have no end");
  }

  /** Whoever keeps pictures in a folder loads no signer. */
  #signer(): Promise<AwsClient> {
    this.#client ??= import("aws4fetch").then(({ AwsClient: Client }) => {
      const { accessKeyId, secretAccessKey, sessionToken, region } = this.#bucket;
      const keys = { accessKeyId, secretAccessKey, ...(sessionToken ? { sessionToken } : {}) };
      return new Client({ ...keys, region, service: "s3", retries: 0 });
    });
    return this.#client;
  }

  #refused(why: string, cause?: unknown): AppError {
    const { name, endpoint = "Amazon S3" } = this.#bucket;
    return new AppError(
      "storage",
      `The bucket ${name} at ${endpoint} cannot be used: ${why}. See --blobs (EASEL_BLOBS) and the AWS_ variables.`,
      cause === undefined ? {} : { cause },
    );
  }
}

/** S3's own name of what is wrong. */
function codeIn(body: string): string {
  const [, code] = /<Code>([^<]{1,60})<\/Code>/.exec(body) ?? [];
  return code ? ` (${code})` : "";
}

/** `fetch failed` has the reason below it. */
function reasonOf(error: unknown): string {
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
  return cut(messageOf(cause) || String((cause as { code?: unknown }).code));
}
